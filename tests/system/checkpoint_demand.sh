#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A job goes on from 100 GiB at once: what is not touched is not read from the disk. What is damaged is
# found when it is read, and ends the job with a sentence on all nodes.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
find_deliveries
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
gib=100
export DSM_REGION=${gib}G DSM_MEMORY=$((gib + 1))G

tests/checkpoint/make_sparse "$tmp/c" $gib || fail "no checkpoint"
[ "$(du -sm "$tmp/c" | cut -f1)" -lt 200 ] || { echo "files have no holes here"; exit 77; }
export DSM_RESTORE=$tmp/c
for delivery in $deliveries; do
	for nodes in 1 3; do
		start=$SECONDS
		DSM_FAULTS=$delivery job 60 $nodes auto tests/system/untouched $gib 6
		echo "$delivery, $nodes nodes: $((SECONDS - start)) s"
	done
done
DSM_FAULTS=$delivery job 60 2 tcp tests/system/untouched $gib

# --- damage is found when it is touched, and not before ---
# The first place's run, which node 0 has saved, and one that nobody reads.
printf x | dd of="$(echo "$tmp"/c/0*/0000.data)" bs=1 seek=$((40 << 20)) conv=notrunc 2>/dev/null
job 60 2 auto tests/system/untouched $gib
printf x | dd of="$(echo "$tmp"/c/0*/0000.data)" bs=1 seek=2000 conv=notrunc 2>/dev/null
# By hand: who starts a job ends it, too, when one node has ended, and the others may not have had the time to say why.
for delivery in $deliveries; do
	# shellcheck disable=SC2034 # job_by_hand's
	place=$(own_address):$((10000 + $$ % 20000))
	DSM_FAULTS=$delivery DSM_LOG=error job_by_hand 3 tests/system/untouched $gib
	for rank in "${!ended[@]}"; do
		[ "${ended[rank]}" != 0 ] || fail "damaged data was read"
		grep -q "cannot go on from .*: the data of node 0 is damaged: from byte 0 on" "$tmp/out.$rank" ||
			fail "$rank was not told: $(cat "$tmp"/out.*)"
	done
done

# --- packed: of runs that nobody touches all may be damaged ---
if grep -q '^#define HAVE_ZSTD 1' config.h; then
	rm -rf "$tmp/c"
	tests/checkpoint/make_sparse "$tmp/c" $gib packed || fail "no checkpoint that is packed"
	data=$(echo "$tmp"/c/0*/0000.data)
	job 60 3 auto tests/system/untouched $gib 6
	DSM_FAULTS=signal job 60 1 tcp tests/system/untouched $gib 6
	# Where the two places of this job are not.
	bytes=$(stat -c %s "$data")
	dd if=/dev/urandom of="$data" bs=4096 seek=$((bytes * 62 / 100 / 4096)) count=8 conv=notrunc 2>/dev/null
	tools/dsmctl checkpoint verify "$tmp/c" 2>/dev/null && fail "random bytes are whole"
	job 60 2 auto tests/system/untouched $gib 2
	printf x | dd of="$data" bs=1 seek=12 conv=notrunc 2>/dev/null
	run_job 60 3 auto tests/system/untouched $gib >"$tmp/said" 2>&1 && fail "damaged data was read, packed"
	grep -q "cannot go on from .*: the data of node 0 is damaged: from byte 0 on" "$tmp/said" ||
		fail "$(cat "$tmp/said")"
fi
echo "$gib GiB: read on demand"
