#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# With DSM_CHECK=1 memory that nobody has allocated ends in SIGSEGV, and the log says which block
# is next to it; what is right goes on as it does without.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
find_deliveries
export DSM_CHECK=1
export ASAN_OPTIONS=$ASAN_OPTIONS:handle_segv=0 # a sanitizer leaves it to the program
export TSAN_OPTIONS=${TSAN_OPTIONS:+$TSAN_OPTIONS:}handle_segv=0
for delivery in $deliveries; do
	export DSM_FAULTS=$delivery
	for provider in auto tcp; do
		said=$(job 60 3 $provider tests/system/check 2>&1) || fail "$delivery, $provider: $said"
		for rank in 0 1 2; do
			[[ $said == *"[$rank] "*": it stores to "*", which nobody has allocated: 16 bytes behind the end of block \"a grid of which the name takes more than one answer\", 8192 bytes at 0x"* ]] ||
				fail "$delivery, $provider: not told by node $rank: $said"
		done
		[[ $said == *": it loads from "*": 8192 bytes behind the end of block \"a grid"* ]] ||
			fail "$delivery, $provider: a load is not told: $said"
	done
	said=$(run_job 60 2 auto tests/system/check die 2>&1)
	status=$?
	[ $status = 139 ] || fail "$delivery: status $status, not SIGSEGV: $said"
	[[ $said == *"[1] "*"SIGSEGV"*"nobody has allocated"* ]] || fail "$delivery: $said"
	job 60 2 auto tests/system/coll
	job 60 2 auto tests/system/stress --seconds 2
done
said=$(DSM_CHECK=yes tests/system/api identity 2>&1) && fail "DSM_CHECK=yes is taken"
[[ $said == *"DSM_CHECK is 'yes'; it must be 0 or 1"* ]] || fail "$said"
said=$(DSM_CHECK=0 run_job 60 2 auto tests/system/check die 2>&1) || fail "it checks without: $said"
