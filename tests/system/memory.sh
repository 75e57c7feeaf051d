#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Jobs with more shared data than one node's budget (DSM_MEMORY): pages come and go, results
# stay right, and no node takes more than its budget and a bit.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes

told=$(mktemp) || exit 1
trap 'rm -f "$told"' EXIT
# tight MEMORY PAGES SECONDS NODES PROVIDER PROGRAM...: a job in which each node's homes leave
# an eighth, or less, of the PAGES for caching, and which so evicts.
tight() {
	local memory=$1 pages=$2 provider=$5
	set -- "$3" "$4" auto "${@:6}"
	[ "$provider" = auto ] || local -x DSM_PROVIDER=$provider
	: >"$told"
	if sanitizer_stands_in_the_way; then
		DSM_MEMORY=$memory job "$@"
		return
	fi
	DSM_MEMORY=$memory witnessed "$told" job "$@"
	awk -v pages="$pages" -v nodes="$2" '{
		for (i = 1; i < NF; i += 2)
			own[$i] = $(i + 1)
		left = (own["memory_budget"] - own["memory_home_most"]) / 4096
		evicted = own["evicted_shared"] + own["evicted_modified"]
		if (8 * left > pages || !evicted || !own["frames_returned"]) {
			printf "node %d has %d pages for caching %d, and evicted %d\n", own["rank"],
				left, pages, evicted
			wrong = 1
		}
	} END { exit NR != nodes || wrong }' "$told" || fail "not as tight as it should be: ${*:4}"
}

# Blocks of 64 pages, of which each node is home to two that are full. There are some pages more
# than stress's own.
tight 768K 512 60 4 auto tests/system/stress --seconds 2 --pages 498 --dense
DSM_FAULTS=signal tight 704K 384 60 3 tcp tests/system/stress --seconds 2 --pages 373 \
	--dense --seed 2
# Two blocks of four that are full are in use.
tight 320K 128 240 4 auto tests/system/litmus 400
# As where registered memory is pinned: all by chunks, of which the homes take 2 of 3.
DSM_CHUNKS=1 DSM_MEMORY=768K job 60 4 tcp tests/system/stress --seconds 2 --pages 490 --dense \
	--seed 3

# Four nodes of 64 MiB and 200 MiB of shared data. Beside its frames a node has the provider's
# buffers, the library's tables and the program: 24 MiB; and sort's qsort a copy of its part.
# A MiB of frames more: what comes home, or is fetched for one instruction, while others leave.
budget=65536 beyond=1024 own=24576 copy=27648
# resident KIB PROVIDER PROGRAM...: at most so much beside the frames
resident() {
	local kib=$1 provider=$2
	shift 2
	DSM_MEMORY=$((budget * 1024)) DSM_PROVIDER=$provider timeout -k 10 $((260 * hang_times)) tests/system/resident \
		$((budget + beyond)) "$kib" tools/dsmctl run -t $((240 * hang_times)) -n 4 -- "$@" || fail "$* over $provider"
}
if sanitizer_stands_in_the_way; then
	echo "not measured: the nodes' memory, because the sanitizer's is among it"
	MEMORY_PARTS=none
fi
# The others are for run.sh memory.
case ${MEMORY_PARTS-short} in
none) ;;
short)
	budget=$((budget / 4)) # and so much less to share
	resident $own shm examples/kmeans --points 825000 --rounds 1
	# One instruction may need 16 chunks.
	beyond=4096 DSM_CHUNKS=1 resident $own tcp examples/kmeans --points 825000 --rounds 1 ;;
*)
	for provider in shm tcp; do
		resident $((own + copy)) $provider examples/sort --keys 13200000
		resident $own $provider examples/kmeans --points 3300000 --rounds 4
	done ;;
esac

# No more is handed out than all nodes together can hold, and it is said.
said=$(DSM_LOG=error DSM_MEMORY=1M run_job 60 2 auto examples/sort --keys 200000 2>&1) &&
	fail "3 MiB of shared data fit into two budgets of 1 MiB"
grep -q 'the nodes. budgets (DSM_MEMORY) are enough for' <<<"$said" &&
	grep -q 'dsm_[a-z]*: .*[Cc]annot allocate' <<<"$said" || fail "it is not said why: $said"
