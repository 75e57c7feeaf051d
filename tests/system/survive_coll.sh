#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Nodes reduce and broadcast while others die, or stand still (survive_coll.c). `survive_coll.sh N` does it
# for N seeds each.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
seeds=${1:-2}
# shellcheck source=tests/system/survive_lib.sh
. "$(dirname "$0")/survive_lib.sh"
export DSM_PROVIDER=tcp

# dies NODES VICTIM MODE: in a job of dsmctl
dies() {
	dies_in_job survive_coll "$1" "$2" "$3"
	sed -n "s/^\[.*\] survive_coll: node [0-9]*: /$3, without $2 of $1: /p" "$tmp/said" | head -n 1
}

for ((i = 0; i < seeds; i++)); do
	for victim in 0 1 2; do
		dies 3 $victim kill
	done
	dies 4 0 two
	dies 5 $((seed % 5)) two
done
stands_still survive_coll 3 0
stands_still survive_coll 4 $((1 + seed % 3))
