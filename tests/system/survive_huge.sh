#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A job on pages of 2 MiB goes on when one of its nodes is killed at some moment, or stands still for too long and
# comes back (survive.c). `survive_huge.sh N` does it for N seeds each.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
need_huge_pages 64 # 16 for each of four nodes
seeds=${1:-1}
# shellcheck source=tests/system/survive_lib.sh
. "$(dirname "$0")/survive_lib.sh"
export DSM_PROVIDER=tcp

# dies NODES DELIVERY MODE: in a job of dsmctl
dies() {
	local victim=$((seed % $1))
	DSM_FAULTS=$2 dies_in_job survive "$1" $victim "huge-$3"
	sed -n 's/^\[.*\] survive: \(.* pages are lost.*\)/\1/p' "$tmp/said" | head -n 1 |
		sed "s/^/$1 nodes by $2, without $victim: /"
}

find_deliveries
for ((i = 0; i < seeds; i++)); do
	for delivery in $deliveries; do
		dies 3 "$delivery" calls
		dies 4 "$delivery" two
	done
	stands_still survive 3 $((seed % 3)) huge-stop
done
