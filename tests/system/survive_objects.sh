#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What survivors can do about what they have lost: a starter kills nodes at some moment, one after the
# other, and the others make lost pages anew (survive_renew.c) while they use them, or allocate and free
# (survive_alloc.c), or use locks, barriers and once (survive_objects.c).
# `survive_objects.sh N` does it for N seeds each.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
seeds=${1:-2}
# shellcheck source=tests/system/survive_lib.sh
. "$(dirname "$0")/survive_lib.sh"

# waits_for TEXT: until the job says so
waits_for() {
	local i
	for ((i = 0; i < hang * 20; i++)); do
		! grep -q "$1" "$tmp/said" || return 0
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.05
	done
	say_and_fail "nobody says '$1'"
}

# kills RANK: at some moment
kills() {
	sleep 0.$((RANDOM % 4))$((RANDOM % 10))
	tools/dsmctl kill "$name" "$1" >"$tmp/kill" 2>&1 || say_and_fail "rank $1 of $name is not killed: $(cat "$tmp/kill")"
}

# survives PROGRAM NODES DELIVERY MODE DEATHS: what they say is in $tmp/said
survives() {
	local victim=$((first + seed % ($2 - first))) status name
	rm -f "$tmp"/job.*
	: >"$tmp/said"
	# shellcheck disable=SC2016 # for the nodes
	DSM_PROVIDER=tcp DSM_FAULTS=$3 in_job "$2" bash -c 'echo "$DSM_JOB" >"$0/job.$DSM_RANK"; exec "$@"' "$tmp" \
		tests/system/"$1" "$tmp/tally" $victim "$4" "$seed" &
	pid=$!
	waits_for 'all have begun'
	name=$(cat "$tmp/job.0")
	kills $victim
	if [ "$5" = 2 ]; then
		waits_for 'goes on'
		victim=$((victim + 1))
		kills $((victim < $2 ? victim : first))
	fi
	wait $pid
	status=$?
	[ $status = $survived ] ||
		say_and_fail "$1: $2 nodes by $3 and $4, of which $victim is killed: status $status"
	seed=$((seed + 1))
}

# renewed ...: as survives
renewed() {
	survives survive "$@"
	anew=$((anew + $(sed -n 's/.*: \([0-9]*\) of .* pages were made anew$/\1/p' "$tmp/said" | head -n 1)))
}

find_deliveries
anew=0 first=0 # whom it may hit
for ((i = 0; i < seeds; i++)); do
	for delivery in $deliveries; do
		renewed 3 "$delivery" renew 1
		renewed 4 "$delivery" renews 2
	done
done
[ $anew -gt 0 ] || fail "SEED=$seed: nothing was lost, and made anew"
echo "$anew pages were made anew"

# Rank 0 serves the allocator.
first=1
for ((i = 0; i < seeds; i++)); do
	for delivery in $deliveries; do
		survives survive_alloc 3 "$delivery" 1 1
		survives survive_alloc 4 "$delivery" 2 2
	done
done

# Reader-writer locks, barriers and once: any rank, and who has it dies with it now and then.
first=0 told=0
for ((i = 0; i < seeds; i++)); do
	for delivery in $deliveries; do
		survives survive_objects 3 "$delivery" 1 1
		told=$((told + $(sed -n 's/.* locked, \([0-9]*\) told.*/\1/p' "$tmp/said" | head -n 1)))
		survives survive_objects 4 "$delivery" 2 2
		told=$((told + $(sed -n 's/.* locked, \([0-9]*\) told.*/\1/p' "$tmp/said" | head -n 1)))
	done
done
echo "told $told times of a writer who has died"
