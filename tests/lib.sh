# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# What ./check, ./demo and .ci/run have in common: install what is missing, build out of
# tree in build/, and run programs with the right to trap kernel accesses.
# To be sourced with bash, from the root of the sources.
# shellcheck disable=SC2034 # used by those who source this

# The packages of Debian 12 and 13 that the project needs. This is the one list of them. First what
# it is built with, all of which README.md names, and nothing else; libfabric's pkg-config file
# wants those of rdma-core in newer versions.
PACKAGES_BUILD=(build-essential autoconf automake libtool pkg-config libfabric-dev librdmacm-dev
	libibverbs-dev libev-dev libjansson-dev libsodium-dev libxxhash-dev uthash-dev libpmix-dev
	libmicrohttpd-dev libpng-dev libzstd-dev libdw-dev libcapstone-dev libncurses-dev libcunit1-dev)
# And with what only some examples and tests use: MPIs, network namespaces, the form of manual pages,
# NumPy, a reader of metrics, what is like a container, or like a terminal.
PACKAGES=("${PACKAGES_BUILD[@]}" openmpi-bin libopenmpi-dev mpich libmpich-dev iproute2 mount mandoc
	python3-numpy python3-mpi4py python3-prometheus-client bubblewrap jq python3-seccomp python3-pyte)
# Whose daemons a test starts by itself: they are unpacked beside the build, and not
# installed, which would leave services running.
SLURM=(slurmctld slurmd slurm-client munge)
# What `./check long` needs on top: another compiler, sanitizers of its own, a browser to show a heat
# map in, and programs with threads.
PACKAGES_LONG=(clang xz-utils chromium-headless-shell pigz zstd pbzip2 lbzip2 plzip)
# What `./check vm` needs on top: an emulator, and what prepares its machines.
PACKAGES_VM=(qemu-system-x86 busybox-static cpio kmod xz-utils zstd iproute2 ibverbs-providers)
# What `./package` needs on top of PACKAGES_BUILD; it makes Debian packages.
PACKAGES_DEB=(debhelper pkgconf xz-utils dh-python python3)
# What `./check fresh` needs on top: it makes the roots of new machines.
PACKAGES_FRESH=(mmdebstrap git)

BUILD=$PWD/build
JOBS=$(nproc 2>/dev/null || echo 2)
SUDO=()
BUILD_TESTS=yes

say() { printf '%s\n' "$*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# Sets SUDO to what makes a command run as root; empty when we are root. Status 1 when
# there is no way.
find_sudo() {
	SUDO=()
	[ "$(id -u)" = 0 ] && return 0
	command -v sudo >/dev/null || return 1
	SUDO=(sudo)
	sudo -n true 2>/dev/null && return 0
	[ -t 0 ] && [ -t 2 ] || return 1
	say "This needs root rights for: $1"
	sudo -v
}

# Status 0 when a package is installed, for whatever architecture. One that apt has heard of is
# "not-installed", one that was removed has "config-files" left.
is_installed() {
	dpkg-query -W -f='${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
}

# install_packages PACKAGE...: installs those that are missing, and says so.
install_packages() {
	local missing=() p
	if ! command -v dpkg-query >/dev/null; then
		say "not a Debian system: no package is installed; needed are the likes of $*"
		return 0
	fi
	for p in "$@"; do
		is_installed "$p" || missing+=("$p")
	done
	[ ${#missing[@]} = 0 ] && return 0
	find_sudo "apt-get install ${missing[*]}" ||
		die "missing packages, and neither root nor sudo to install them. As root: apt-get install ${missing[*]}"
	mkdir -p "$BUILD"
	step "installing ${missing[*]}" "$BUILD/apt.log" apt_get_install "${missing[@]}"
}

# apt_get ARGUMENT...: apt-get with the right to change the system. While another apt is at work, as
# on a machine's first start, it waits for that, APT_PATIENCE seconds at most.
APT_PATIENCE=600
apt_get() {
	local end=$((SECONDS + APT_PATIENCE)) said status
	said=$(mktemp) || return
	while :; do
		"${SUDO[@]}" env LC_ALL=C DEBIAN_FRONTEND=noninteractive apt-get -q "$@" 2>&1 | tee "$said"
		status=${PIPESTATUS[0]}
		if [ "$status" = 0 ] || [ $SECONDS -ge $end ]; then break; fi
		grep -q 'Could not get lock' "$said" || break
		say "waiting for it"
		sleep 2
	done
	rm -f "$said"
	return "$status"
}

apt_get_install() {
	apt_get update && apt_get -y install --no-install-recommends "$@"
}

# unpack_packages DIR PACKAGE...: what apt would install for them, unpacked in DIR. Where that
# is not possible it says so; DIR/done is there when it was.
unpack_packages() {
	local dir=$1 log=$1.log
	shift
	[ -e "$dir/done" ] && return
	command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 0
	rm -rf "$dir"
	mkdir -p "$dir/packages"
	if (apt_unpack "$dir" "$@") >"$log" 2>&1 </dev/null; then
		touch "$dir/done"
	else
		say "$* cannot be unpacked: $(tail -n 1 "$log")"
	fi
	rm -rf "$dir/packages"
}

apt_unpack() {
	local dir=$1 missing package
	shift
	missing=$(apt_missing "$@") || { find_sudo "apt-get update" &&
		apt_get update && missing=$(apt_missing "$@"); } || return
	cd "$dir/packages" || return
	# shellcheck disable=SC2086 # names
	[ -z "$missing" ] || apt-get -q download $missing || return
	for package in *.deb; do
		[ -e "$package" ] || continue
		dpkg-deb -x "$package" "$dir" || return
	done
}

# The names of those, and of what they need, that are not installed.
apt_missing() {
	local plan
	plan=$(apt-get -s --no-install-recommends install "$@") || return
	sed -n 's/^Inst \([^ ]*\) .*/\1/p' <<<"$plan"
}

# step TEXT LOG COMMAND...: runs a command with its output in LOG, says TEXT before and
# how long it took after; shows the log's end and ends the script when it fails.
step() {
	local text=$1 log=$2 start=$SECONDS
	shift 2
	printf '%s ... ' "$text"
	if "$@" >"$log" 2>&1 </dev/null; then
		say "done ($((SECONDS - start)) s)"
		return 0
	fi
	say "failed"
	tail -n 30 "$log" >&2
	die "$text failed; all of its output is in $log"
}

# The generated files are there and no older than what they are made from.
configure_is_fresh() {
	[ -x configure ] && [ -e Makefile.in ] && [ -e build-aux/ltmain.sh ] || return 1
	[ -z "$(find configure.ac Makefile.am ./*/local.mk m4/*.m4 -newer configure 2>/dev/null)" ]
}

# configure DIR [ARGUMENT...]: configures in build/DIR ("." for build/ itself) where needed.
#
# configure would look for bash, and write libtool for it, which is run for every file that is
# compiled. Debian's sh does the same in half of the time.
configure() {
	local dir=$BUILD/$1 name=$1
	shift
	[ "$name" = . ] && dir=$BUILD name=build
	[ -e config.status ] && die "the sources are configured in place; run 'make distclean' first"
	mkdir -p "$dir"
	configure_is_fresh || step "generating configure" "$BUILD/autoreconf.log" autoreconf -i
	if [ ! -e "$dir/Makefile" ] || [ "$(cat "$dir/configure.args" 2>/dev/null)" != "$*" ]; then
		step "configuring $name${*:+ ($*)}" "$dir/configure.log" \
			env -C "$dir" CONFIG_SHELL=/bin/sh "$PWD/configure" -q "$@"
		printf '%s\n' "$*" >"$dir/configure.args"
	fi
}

# build DIR [CONFIGURE ARGUMENT...]: configures and builds in build/DIR, with BUILD_TESTS the test
# programs included.
build() {
	local dir=$BUILD/$1 name=$1
	[ "$name" = . ] && dir=$BUILD name=build
	configure "$@"
	step "building $name" "$dir/build.log" build_all "$dir"
}

build_all() {
	make -C "$1" -j"$JOBS" all || return
	[ "$BUILD_TESTS" = no ] || make -C "$1" -j"$JOBS" check TESTS=
}

# Status 0 when this process may trap kernel accesses to its memory.
may_trap() {
	[ "$(id -u)" = 0 ] && return 0
	[ -r /dev/userfaultfd ] && [ -w /dev/userfaultfd ] && return 0
	[ "$(cat /proc/sys/vm/unprivileged_userfaultfd 2>/dev/null)" = 1 ]
}

# Sets SUDO for programs that trap kernel accesses, too: empty when nothing is needed, or
# nothing is to be had; then says what does without.
find_trap_rights() {
	SUDO=()
	may_trap && return
	find_sudo "trapping system calls on shared memory (userfaultfd)" && return
	SUDO=()
	say "This user may not trap the kernel's accesses, so faults are delivered by signals, and"
	say "system calls on shared memory fail; tests of them are skipped. To permit it, as root:"
	say "  sysctl vm.unprivileged_userfaultfd=1               (for all users), or"
	say "  setfacl -m u:$(id -un):rw /dev/userfaultfd    (for you, until the next boot)"
}

# What ran as root leaves files of root in build/: give them back.
own_build() {
	[ ${#SUDO[@]} = 0 ] || "${SUDO[@]}" chown -R "$(id -u):$(id -g)" "$BUILD"
}
