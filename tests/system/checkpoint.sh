#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A job saves itself after each round, is killed at any moment, and goes on from what it has saved, on
# another number of nodes: what is there then is what was there when it was saved, word by word.
# CHECKPOINT_KILLS: how often for each way of faults and provider (1).
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
find_deliveries
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
RANDOM=${SEED:=$RANDOM}
echo "SEED=$SEED"
export DSM_REGION=64M
program=tests/system/checkpoint

# saved DIR: sets DSM_RESTORE to it where it has a checkpoint. A killed job may not have had one.
saved() {
	unset DSM_RESTORE
	[ ! -e "$1/manifest" ] || export DSM_RESTORE=$1
}

# rounds_of TEXT: after which round the job in FILE began
rounds_of() { sed -n 's/.*begins after round //p' "$1"; }

# kill_often DELIVERY PROVIDER [MODE...]
# Until it has ended by itself: kill after up to 1.5 s, starting included, and again.
kill_often() {
	local dir=$tmp/$1-$2 kills nodes was=0 is status
	for ((kills = 0; kills < ${CHECKPOINT_KILLS:-1}; kills++)); do
		nodes=$((RANDOM % 4 + 1))
		saved "$dir"
		DSM_FAULTS=$1 run_job 60 $nodes "$2" $program "$dir" 1000000000 \
			kill $((RANDOM % nodes)) $((RANDOM * 46)) "${@:3}" >"$tmp/said" 2>&1
		status=$?
		grep -q 'checkpoint.c:.*does not hold\|word .* after round' "$tmp/said" &&
			fail "$1, $2, $nodes nodes: $(cat "$tmp/said")"
		[ $status != 124 ] || fail "$1, $2: a job with a killed node hangs: $(cat "$tmp/said")"
		is=$(rounds_of "$tmp/said")
		[ "${is:-$was}" -ge "$was" ] || fail "an earlier checkpoint than before: $is, $was"
		was=${is:-$was}
	done
	saved "$dir"
	DSM_FAULTS=$1 job 60 $((RANDOM % 4 + 1)) "$2" $program "$dir" 0
	unset DSM_RESTORE
	echo "$*: ${CHECKPOINT_KILLS:-1} kills, the last after round ${was}"
}

# --- what is saved by so many nodes is there on so many others ---
# then on others again: handles of mutexes have gone through two jobs.
hops() {
	local nodes=$1 round=0 provider
	rm -rf "$tmp/plain"
	unset DSM_RESTORE
	for nodes; do
		provider=auto
		[ $((round % 4)) != 2 ] || provider=tcp
		round=$((round + 2))
		job 60 "$nodes" $provider $program "$tmp/plain" $round
		export DSM_RESTORE=$tmp/plain
	done
	unset DSM_RESTORE
}
hops 4 1 3 2 4
hops 1 4 2

for delivery in $deliveries; do
	kill_often "$delivery" shm
	kill_often "$delivery" tcp
	kill_often "$delivery" shm background
	kill_often "$delivery" tcp background incremental
done

# --- chains ---
# chain MODE: of three nodes, on two a new one, all of which is read on one
chain() {
	rm -rf "$tmp/plain"
	# shellcheck disable=SC2086 # one word, or none
	job 60 3 auto $program "$tmp/plain" 4 $1 incremental
	tools/dsmctl checkpoint verify "$tmp/plain" || fail "the chain is not whole"
	tools/dsmctl checkpoint info "$tmp/plain" | grep -q 'lies on 3 others' || fail "no chain"
	[ "$(find "$tmp/plain" -name '0*' -type d | wc -l)" = 4 ] || fail "$(ls "$tmp/plain")"
	DSM_RESTORE=$tmp/plain job 60 2 auto $program "$tmp/plain" 6 incremental
	tools/dsmctl checkpoint info "$tmp/plain" | grep -q 'lies on 1 others' || fail "no new chain"
	[ "$(find "$tmp/plain" -name '0*' -type d | wc -l)" = 2 ] || fail "$(ls "$tmp/plain")"
	tools/dsmctl checkpoint extract "$tmp/plain" word "$tmp/word" || fail "no block in a chain"
	DSM_RESTORE=$tmp/plain job 60 1 auto $program "$tmp/plain" 7
}
chain ''
chain background
# One that is longer than it may be begins anew.
rm -rf "$tmp/plain"
job 60 1 auto $program "$tmp/plain" 18 incremental
tools/dsmctl checkpoint info "$tmp/plain" | grep -q 'lies on 1 others' || fail "no end of a chain"
