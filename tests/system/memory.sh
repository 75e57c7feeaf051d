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
# As where registered memory is pinned: all by chunks, of which the homes take 2 of 3.
DSM_CHUNKS=1 DSM_MEMORY=768K job 60 4 net tests/system/stress --seconds 4 --pages 490 --dense \
	--seed 3

# Four nodes of 64 MiB and 200 MiB of shared data. Beside its frames a node has the provider's
# buffers, the library's tables and the program: 24 MiB; and sort's qsort a copy of its part.
# A MiB of frames more: what comes home, or is fetched for one instruction, while others leave.
budget=65536 beyond=1024 own=24576 copy=27648
# resident KIB PROVIDER PROGRAM...: at most so much beside the frames
resident() {
	local kib=$1 provider=$2
	shift 2
	[ "$provider" = net ] && provider=$(native_tcp)
	DSM_MEMORY=$((budget * 1024)) DSM_PROVIDER=$provider timeout -k 10 260 tests/system/resident \
		$((budget + beyond)) "$kib" tools/dsmctl run -t 240 -n 4 -- "$@" || fail "$* over $provider"
}
# The others are for run.sh memory.
case ${MEMORY_PARTS-short} in
short)
	resident $own shm examples/kmeans --points 3300000 --rounds 2
	# One instruction may need 16 chunks.
	beyond=4096 DSM_CHUNKS=1 resident $own net examples/kmeans --points 3300000 --rounds 2 ;;
*)
	for provider in shm net; do
		resident $((own + copy)) $provider examples/sort --keys 13200000
		resident $own $provider examples/kmeans --points 3300000 --rounds 4
	done ;;
esac

# No more is handed out than all nodes together can hold, and it is said.
said=$(DSM_LOG=error DSM_MEMORY=1M run_job 60 2 auto examples/sort --keys 200000 2>&1) &&
	fail "3 MiB of shared data fit into two budgets of 1 MiB"
grep -q 'the nodes. budgets (DSM_MEMORY) are enough for' <<<"$said" &&
	grep -q 'dsm_alloc: .*[Cc]annot allocate' <<<"$said" || fail "it is not said why: $said"
