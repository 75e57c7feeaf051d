#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# inside.sh CASE - in a new root, as root: what run.sh says of the case.
set -eu
srv=/srv/libdsm
# What is a make check for README's cases, in which all of the tests would take too long
short='TESTS=tests/docs/check_docs.sh\ tests/tools/test_doctor\ tests/system/api.sh'
short+=' check_PROGRAMS=tests/tools/test_doctor\ tests/system/api check_LTLIBRARIES='

note() { printf '\n== %s (%s s)\n' "$*" $SECONDS; }

# An ordinary user with sudo, whose home nobody else may enter
make_user() {
	note "a user with sudo"
	apt-get -q update
	DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends sudo passwd login
	useradd -m -s /bin/bash ann
	chmod 700 /home/ann
	echo 'ann ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/ann
	cp -a $srv /home/ann/libdsm
	chown -R ann:ann /home/ann/libdsm
}

# as_ann COMMAND: in her sources
as_ann() {
	note "ann: $*"
	su -l ann -c "cd libdsm && MAKEFLAGS='-- $short' $*" || {
		tail -n 100 /home/ann/libdsm/build/test-suite.log
		return 1
	}
}

# What README says to install, as said there
install_as_readme_says() {
	note "README's packages"
	echo 'APT::Get::Assume-Yes "true";' >/etc/apt/apt.conf.d/92yes
	apt-get -q update
	tests/fresh/readme.sh block 'apt install build-essential' >/tmp/install
	DEBIAN_FRONTEND=noninteractive bash -ex /tmp/install
}

case_demo() {
	cp -a $srv /root && cd /root/libdsm
	./demo
	[ -s build/demo/heat.png ]
}

case_check() {
	cp -a $srv /root && cd /root/libdsm
	./check
}

case_user() {
	make_user
	su -l ann -c 'cd libdsm && ./demo'
	as_ann tests/fresh/readme.sh run
}

case_readme() {
	make_user
	cd $srv
	install_as_readme_says
	as_ann tests/fresh/readme.sh run
}

case_dist() {
	cp -a $srv /root && cd /root/libdsm
	install_as_readme_says
	tests/fresh/dist.sh /srv/files
}

case_package() {
	make_user
	su -l ann -c 'cd libdsm && ./package'
	left=$(find /tmp /var/tmp /dev/shm -mindepth 1)
	[ -z "$left" ] || { echo "building packages leaves $left"; exit 1; }
	note "lintian"
	DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends lintian
	su -l ann -c 'cd libdsm && lintian -i --fail-on error,warning build/package/all/*.changes'
}

# All files, but what apt and dpkg, and man-db, note for themselves. Mounted are none of them.
everything() {
	find / -xdev -path /srv -prune -o -print | sort |
		grep -vE '^/var/(lib/(apt|dpkg)|cache/(apt|debconf|ldconfig|man)|log)/'
}

# For package, with what it has built
case_installed() {
	note "a compiler, and nothing for libdsm"
	export DEBIAN_FRONTEND=noninteractive
	apt-get -q update
	# And adduser, ca-certificates, tzdata and libidn2-0 (which libc6 recommends): they stay when they
	# have come along, for something below libfabric, elfutils and Python.
	apt-get -q -y install --no-install-recommends gcc libc6-dev pkg-config man-db \
		adduser ca-certificates libidn2-0 tzdata passwd login
	useradd -m -s /bin/bash ann
	apt-get -q -y autoremove --purge
	everything >/srv/before

	note "the packages"
	apt-get -q -y install /srv/given/*.deb
	su -l ann -c "cd $srv && debian/tests/first-program && debian/tests/first-array"
	man -w 7 dsm && man -w 1 dsmctl && man -w 3 dsm_init && man -w 3 dsm_free

	note "without them"
	for deb in /srv/given/*.deb; do
		dpkg-deb -f "$deb" Package
	done | xargs apt-get -q -y purge --auto-remove
	everything >/srv/after
	diff /srv/before /srv/after || { echo "installing and removing leaves this"; exit 1; }
}

case_vm() {
	cp -a $srv /root && cd /root/libdsm
	CI=true ./check vm
}

# For mixed.sh
case_build() {
	cp -a $srv /root && cd /root/libdsm
	(. tests/lib.sh && install_packages "${PACKAGES[@]}" && build .)
	make -C build tests/system/stress
}

"case_$1"
note "$1: done"
