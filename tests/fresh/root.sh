# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# Roots of new machines. Sourced by run.sh, from the root of the sources.

CACHE=${DSM_FRESH_CACHE:-$BUILD/fresh-cache}
ROOT= # the one that root_make made last
ROOTS=()
declare -A LOCKED=() # suites whose cache and roots are ours, until this script ends

root_skip() { say "skipped: $*"; exit 77; }

# root_make SUITE: a root with a minimal Debian of that name, and our sources in /srv/libdsm.
# It goes when the script ends.
root_make() {
	local suite=$1
	mkdir -p "$CACHE/$suite" "$BUILD/fresh"
	[ -n "${LOCKED[$suite]-}" ] || root_lock "$suite"
	[ -s "$CACHE/$suite/base.tar" ] || root_base "$suite"
	ROOT=$(mktemp -d "$BUILD/fresh/root.$suite.XXXXXX") || return
	ROOTS+=("$ROOT")
	trap 'rm -rf --one-file-system "${ROOTS[@]}"' EXIT
	tar -C "$ROOT" -xf "$CACHE/$suite/base.tar" && root_sources && root_as_found
}

root_lock() {
	local suite=$1 lock
	exec {lock}>"$CACHE/$suite/lock"
	flock -w 3600 "$lock" || die "another run has held $CACHE/$suite/lock for an hour"
	LOCKED[$suite]=$lock
	rm -rf --one-file-system "$BUILD/fresh/root.$suite".* # of a run that was killed
}

# The tar file that the roots are made of. It is there when it is complete.
root_base() {
	local suite=$1 sources start=$SECONDS
	sources=$(tests/fresh/sources.sh "$suite") ||
		root_skip "apt has no source of this machine's own Debian release"
	command -v mmdebstrap >/dev/null || root_skip "not installed: mmdebstrap"
	timeout 1500 mmdebstrap --mode=root --variant=apt --format=tar --quiet \
		"$suite" "$CACHE/$suite/new.tar" - <<<"$sources" ||
		root_skip "mmdebstrap cannot make a root of $suite"
	mv "$CACHE/$suite/new.tar" "$CACHE/$suite/base.tar"
	say "made a minimal $suite ($((SECONDS - start)) s)"
}

# What git has, as it is in the work tree: no product of a build comes along.
root_sources() {
	mkdir -p "$ROOT/srv/libdsm"
	# Whoever cloned this may be another user than root.
	git -c safe.directory="$PWD" ls-files -z >"$ROOT/srv/files" ||
		root_skip "the sources are no clone of git"
	tar --null --no-recursion -T "$ROOT/srv/files" --owner=0 --group=0 -cf - |
		tar -C "$ROOT/srv/libdsm" -xf - || die "cannot copy the sources"
}

# Such as a real machine has, and a root that was made by a tool has not: packages that dpkg
# has heard of, a way out, names of hosts.
root_as_found() {
	local package
	for package in libtool cpio libfabric-dev; do
		printf '\nPackage: %s\nStatus: unknown ok not-installed\n' $package
	done >>"$ROOT/var/lib/dpkg/status"
	cat /etc/resolv.conf >"$ROOT/etc/resolv.conf"
	printf '127.0.0.1\tlocalhost\n127.0.0.1\talpha\n127.0.1.1\tfresh\n' >"$ROOT/etc/hosts"
	echo fresh >"$ROOT/etc/hostname"
	apt-config dump | grep -E '^Acquire::([a-z]+::Proxy|Check-|Retries)' \
		>"$ROOT/etc/apt/apt.conf.d/90host"
	# Packages are kept, for the next root.
	echo 'APT::Keep-Downloaded-Packages "true";' >"$ROOT/etc/apt/apt.conf.d/91keep"
}
