#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Jobs with more shared data than one node's budget (DSM_MEMORY): pages come and go, results
# stay right, and no node takes more than its budget and a bit.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes

# 490 pages and those of the counters; homes take 128 pages of each node's 192: what is left
# is an eighth of what is touched.
DSM_MEMORY=768K job 60 4 auto tests/system/stress --seconds 4 --pages 490 --dense
DSM_MEMORY=768K DSM_FAULTS=signal job 60 3 net tests/system/stress --seconds 3 --pages 380 \
	--dense --seed 2
DSM_MEMORY=320K job 240 4 auto tests/system/litmus 600

# No more is handed out than all nodes together can hold, and it is said.
said=$(DSM_LOG=error DSM_MEMORY=1M run_job 60 2 auto examples/sort --keys 200000 2>&1) &&
	fail "3 MiB of shared data fit into two budgets of 1 MiB"
grep -q 'the nodes. budgets (DSM_MEMORY) are enough for' <<<"$said" &&
	grep -q 'dsm_alloc: .*[Cc]annot allocate' <<<"$said" || fail "it is not said why: $said"
