#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# System calls on shared memory, advice on it, and fork.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes

# advice DELIVERY. Copies whose memory is removed come again; where a home's is, the job ends and
# says why.
advice() {
	local said
	DSM_FAULTS=$1 job 60 2 auto tests/system/advice
	said=$(DSM_FAULTS=$1 DSM_LOG=error run_job 60 2 auto tests/system/advice remove 2>&1) &&
		return
	grep -q 'taken away, by madvise(MADV_REMOVE)' <<<"$said" ||
		fail "memory that is removed, by $1: $said"
	grep -q 'after MADV' <<<"$said" && fail "wrong data, by $1: $said"
	return 0
}

advice signal
DSM_FAULTS=signal job 60 2 auto tests/system/kernel fork
need_events
advice event
for nodes in 1 2 3; do
	DSM_FAULTS=event job 120 $nodes auto tests/system/kernel
done
