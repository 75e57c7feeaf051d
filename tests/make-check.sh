#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# make-check.sh DIR [ARGUMENT...]: make check in a build directory, all of it.
#
# libfabric looks for a driver in /proc/kallsyms, twice in each process. That is near half of what the
# start of a node takes, and of thousands of starts a third of what all tests do: where root may, they
# find it empty. What users run meets the real one: ./demo, and README's commands in ./check fresh.
#
# Some at a time, as they wait for half of their time: CHECK_JOBS, or one more than there are processors,
# where each has 2 GiB of memory. Those that compute for minutes begin first: else a processor waits for
# them at the end. To make, config.h is older than the stamp that is made after it, so it looks at it first, and
# puts off all programs that need it until it has begun with all else: hence they are of one time.
set -u
[ ! -e "$1/stamp-h1" ] || touch -r "$1/config.h" "$1/stamp-h1"
long=(tests/explore/explore tests/explore/mutants)
jobs=${CHECK_JOBS:-$(($(nproc 2>/dev/null || echo 1) + 1))}
room=$(awk '/^MemAvailable:/ { print int($2 / 2097152) }' /proc/meminfo)
((jobs <= 8)) || jobs=8
((jobs <= room)) || jobs=$((room > 0 ? room : 1))
hidden='mount --bind /dev/null /proc/kallsyms'
make=(make -C "$1" -k "-j$jobs" check "${@:2}")
if [[ " ${*:2}" != *' TESTS='* ]] && read -ra tests < <(make -s -C "$1" list-tests 2>/dev/null); then
	for name in "${long[@]}"; do
		for i in "${!tests[@]}"; do
			[ "${tests[i]}" != "$name" ] || unset "tests[i]"
		done
	done
	make+=("TESTS=${long[*]} ${tests[*]}")
fi
if unshare --mount sh -c "$hidden" 2>/dev/null; then
	exec unshare --mount sh -c "$hidden"' && exec "$@"' sh "${make[@]}"
fi
exec "${make[@]}"
