#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The project on a machine that is new: a minimal Debian, in which nothing is installed.
# ./check fresh runs these.
#
#	run.sh list [RELEASE|CASE...]    what there is of these, as RELEASE-CASE; all without,
#	                                 but for vm
#	run.sh RELEASE-CASE | mixed      runs one; root only
#
#	demo      ./demo, as root in /root
#	check     ./check, as root in /root
#	user      ./demo as an ordinary user with sudo, in a home that is closed to others;
#	          then README's commands on top of it
#	readme    README's commands, with the packages that it names and no others
#	dist      make dist: has what git has, and builds by itself
#	package   ./package as an ordinary user, and lintian; then, in another root, the packages:
#	          they bring all that README's first program needs, and leave nothing
#	vm        ./check vm, as root in /root; none of its parts may be skipped
#
#	mixed     of no one release: jobs with nodes on both
#
# Exit status 77, and a sentence: this machine cannot do it. Each has a root of its own, made
# from a tar file that is kept, as the packages are, in DSM_FRESH_CACHE (build/fresh-cache).
set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 99
cd "$here/../.." || exit 99
. tests/lib.sh
. tests/fresh/root.sh

declare -A SUITES=([12]=bookworm [13]=trixie)
# How long each may take, in seconds. That is far more than any takes, on a machine that has
# nothing else to do.
declare -A CASES=([demo]=3600 [check]=7200 [user]=5400 [readme]=5400 [dist]=3600 [vm]=7200
	[package]=3600 [build]=3600 [installed]=1800)
INNER=' build installed ' # parts of others

usage() { sed -n 's/^#\t//p' "$0" >&2; exit 2; }

list() {
	local arg release kind releases=() kinds=() mixed=
	for arg in "$@"; do
		if [ -n "${SUITES[$arg]-}" ]; then
			releases+=("$arg")
		elif [ "$arg" = mixed ]; then
			mixed=mixed
		elif [ -n "${CASES[$arg]-}" ] && [[ $INNER != *" $arg "* ]]; then
			kinds+=("$arg")
		else
			usage
		fi
	done
	[ $# != 0 ] || mixed=mixed
	[ -z "$mixed" ] || [ $# != 1 ] || { echo mixed; return; }
	[ ${#releases[@]} != 0 ] || releases=(12 13)
	[ ${#kinds[@]} != 0 ] || kinds=(demo user readme dist package check)
	for release in "${releases[@]}"; do
		for kind in "${kinds[@]}"; do
			echo "$release-$kind"
		done
	done
	[ -z "$mixed" ] || echo mixed
}

# inside SUITE CASE [FILE...]: in a root of its own, which ROOT is then; FILEs are in /srv/given
inside() {
	local suite=$1 kind=$2 status=0
	shift 2
	root_make "$suite" || return
	mkdir "$ROOT/srv/given"
	[ $# = 0 ] || cp "$@" "$ROOT/srv/given" || return
	# What is in there goes when its first process does, and that when this script does. The
	# scripts are those of the root: nobody changes them while they run.
	timeout -s KILL "${CASES[$kind]}" unshare --mount --pid --ipc --uts --fork --kill-child \
		bash "$ROOT/srv/libdsm/tests/fresh/enter.sh" "$ROOT" "$CACHE/$suite" \
		/bin/bash /srv/libdsm/tests/fresh/inside.sh "$kind" || status=$?
	[ "$status" != 137 ] || say "it was ended after ${CASES[$kind]} s"
	return "$status"
}

run() {
	local suite=${SUITES[${1%-*}]-} kind=${1#*-}
	if [ -z "$suite" ] || [ -z "${CASES[$kind]-}" ]; then usage; fi
	inside "$suite" "$kind" || return
	# Where they were built is all that they might forget to ask for.
	[ "$kind" != package ] || inside "$suite" installed "$ROOT"/home/ann/libdsm/build/package/*.deb
}

mixed() {
	local release built=/root/libdsm/build where=()
	for release in 12 13; do
		inside "${SUITES[$release]}" build || return
		where+=("$ROOT" "$built")
	done
	tests/fresh/mixed.sh "${where[@]}"
}

needs_root() { [ "$(id -u)" = 0 ] || die "making a root needs root"; }

case ${1-} in
list) list "${@:2}" ;;
[0-9]*-*) needs_root && run "$1" ;;
mixed) needs_root && mixed ;;
*) usage ;;
esac
