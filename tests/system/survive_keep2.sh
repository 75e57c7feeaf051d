#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Nodes die one after the other, whoever it is, and nothing is lost of memory that two nodes hold, nor falls back
# (survive_keep2.c), and what was written before a call that sees to it stays (survive_told.c).
# `survive_keep2.sh N` does it for N seeds each.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
seeds=${1:-3}
# shellcheck source=tests/system/survive_lib.sh
. "$(dirname "$0")/survive_lib.sh"

# job STATUS NODES DELIVERY DEATHS: what they say is in $tmp/said
job() {
	local status
	DSM_PROVIDER=tcp DSM_FAULTS=$3 in_job "$2" tests/system/survive_keep2 "$tmp/tally" "$4" "$seed"
	status=$?
	[ $status = "$1" ] || say_and_fail "$2 nodes by $3, of which $4 die: status $status"
}

# dies NODES DELIVERY DEATHS
dies() {
	job $survived "$@"
	sed -n "s/^\[.*\] survive_keep2: node [0-9]*: /without $3 of $1 by $2: /p" "$tmp/said" | head -n 1
	seed=$((seed + 1))
}

find_deliveries
for ((i = 0; i < seeds; i++)); do
	for delivery in $deliveries; do
		dies 3 "$delivery" 1
		dies 4 "$delivery" 2
	done
done
dies 2 "${deliveries%% *}" 1
# With room for few pages beside those that a node holds for all: what it has written it has to give up.
DSM_MEMORY=1000K dies 3 "${deliveries%% *}" 1
grep -q ' [1-9][0-9]* pages given up' "$tmp/said" || fail "SEED=$seed: nobody has given up a page"

for first in 0 4; do
	DSM_PROVIDER=tcp in_job 5 tests/system/survive_told $first
	status=$?
	[ $status = $survived ] || say_and_fail "5 nodes, which make the calls from $first on: status $status"
done

# says STATUS SENTENCE: a job that has no room for it
says() {
	job "$1" 2 "${deliveries%% *}" none
	grep -q "$2" "$tmp/said" && return
	cat "$tmp/said"
	fail "nobody says '$2'"
}
DSM_LOG=error DSM_KEEP2=0 says 0 'that two nodes hold: DSM_KEEP2 is 0 bytes'
DSM_LOG=error DSM_KEEP2=256K says 0 'that two nodes hold: DSM_KEEP2 is 262144 bytes'
DSM_KEEP2=many says 1 "DSM_KEEP2 is 'many'; it must be"
DSM_KEEP2=1T says 1 'that two nodes hold (DSM_KEEP2) can be'
