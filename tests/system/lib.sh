# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# What the scripts of the system tests share. To be sourced with bash; works in the build
# directory: BUILD, or where it is, as under make check.
# The time limit of a job is dsmctl's; timeout(1) stands behind it.
set -u
cd "${BUILD:-.}" || exit 1

# Sanitizers are to say what they see, and nothing of the libraries below, which leak.
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}

fail() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# Ends the script as skipped where this machine or user cannot run nodes.
need_nodes() {
	local said
	said=$(tests/system/api identity 2>&1)
	case $? in
	0) ;;
	77) printf '%s\n' "$said"; exit 77 ;;
	*) fail "a job of one node does not run: $said" ;;
	esac
}

# Ends the script as skipped where system calls on shared memory cannot be served.
need_events() {
	local said
	said=$(DSM_FAULTS=event tests/system/api identity 2>&1) && return
	printf '%s\n' "$said"
	exit 77
}

# Sets so many huge pages of 2 MiB aside, beyond what others have, until the script ends; ends
# the script as skipped where there are none to be had. Whoever does so locks the pool's file.
need_huge_pages() {
	local dir=/sys/kernel/mm/hugepages/hugepages-2048kB free
	[ -e $dir ] || { echo "this kernel has no huge pages of 2 MiB"; exit 77; }
	if [ -w $dir/nr_hugepages ] && exec {pool}<>$dir/nr_hugepages; then
		flock -w 300 "$pool" || fail "another test has held the huge pages for 300 s"
		free=$(cat $dir/free_hugepages)
		if [ "$free" -lt "$1" ]; then
			pages_added=$(($1 - free))
			trap 'echo $(($(cat '$dir'/nr_hugepages) - pages_added)) >'$dir/nr_hugepages EXIT
			echo $(($(cat $dir/nr_hugepages) + pages_added)) >$dir/nr_hugepages
		fi
	fi
	[ "$(cat $dir/free_hugepages)" -ge "$1" ] && return
	echo "there are not $1 huge pages of 2 MiB: raise vm.nr_hugepages, or run this as root"
	exit 77
}

# The provider that speaks TCP by itself is net up to libfabric 1.17, and tcp since.
native_tcp() {
	DSM_PROVIDER=net tests/system/api identity >/dev/null 2>&1 && echo net || echo tcp
}

# run_job SECONDS NODES PROVIDER PROGRAM [ARGUMENT...]: a job in the build directory.
# PROVIDER: auto leaves the choice to the library, net means native_tcp. A job that takes
# longer has failed.
run_job() {
	local seconds=$1 nodes=$2 provider=$3 env=()
	shift 3
	[ "$provider" = net ] && provider=$(native_tcp)
	[ "$provider" = auto ] || env=("DSM_PROVIDER=$provider")
	env "${env[@]}" timeout -k 10 $((seconds + 20)) \
		tools/dsmctl run -t "$seconds" -n "$nodes" -- "$@"
}

# job ...: as run_job; the script fails when the job does.
job() {
	local status
	run_job "$@"
	status=$?
	[ $status = 0 ] && return
	[ $status = 124 ] && fail "no end after $1 s: $2 nodes, $3: ${*:4}"
	fail "status $status: $2 nodes, $3: ${*:4}"
}
