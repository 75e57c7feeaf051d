#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A job goes on when one of its nodes is killed at some moment, or stands still for too long and comes
# back: over a network, by every delivery of faults, started by dsmctl and by hand.
# survive.c says what is checked, of mutexes and the like survive_sync.c. `survive.sh N` does it for N seeds each.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
seeds=${1:-2}
seed=${SEED:-$((RANDOM + 1))}
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
export TMPDIR=$tmp DSM_REGION=64M
survived=123

# say_and_fail WHAT
say_and_fail() {
	cat "$tmp"/said "$tmp"/out.? 2>/dev/null
	fail "$*"
}

# dies PROGRAM NODES PROVIDER DELIVERY MODE: by itself, in a job of dsmctl; what they say is in $tmp/said
dies() {
	local status
	victim=$((seed % $2))
	: >"$tmp/tally"
	DSM_PROVIDER=$3 DSM_FAULTS=$4 timeout -k 10 $hang tools/dsmctl run --survive -t $((hang / 2)) -n "$2" \
		-- tests/system/"$1" "$tmp/tally" "$victim" "$5" "$seed" >"$tmp/said" 2>&1
	status=$?
	[ $status = $survived ] ||
		say_and_fail "SEED=$seed: $1: $2 nodes over $3 by $4 and $5, of which $victim dies: status $status"
	seed=$((seed + 1))
}

# killed NODES PROVIDER DELIVERY MODE: among pages and atomics
killed() {
	dies survive "$@"
	sed -n 's/^\[.*\] survive: \(.* pages are lost.*\)/\1/p' "$tmp/said" | head -n 1 |
		sed "s/^/$1 nodes over $2 by $3, without $victim: /"
}

# locked NODES PROVIDER DELIVERY MODE: among mutexes, words and barriers
locked() {
	dies survive_sync "$@"
	told=$((told + $(sed -n 's/.*inside, \([0-9]*\) told of a dead owner.*/\1/p' "$tmp/said" | head -n 1)))
}

# stopped NODES PROVIDER: by hand; late is how many page writes came in vain
stopped() {
	local victim=$((seed % $1)) place rank
	place=$(own_address):$((10000 + ($$ + seed) % 9000))
	: >"$tmp/tally"
	DSM_PROVIDER=$2 DSM_ON_LOSS=continue DSM_LOSS_TIMEOUT=1000 DSM_LOG=info \
		job_by_hand "$1" tests/system/survive "$tmp/tally" $victim stop $seed
	for rank in "${!ended[@]}"; do
		[ "${ended[rank]}" = 0 ] ||
			say_and_fail "SEED=$seed: $1 nodes over $2, of which $victim stood still: $rank has status ${ended[rank]}"
	done
	grep -q 'is out, and knows' "$tmp/out.$victim" ||
		say_and_fail "SEED=$seed: $victim stood still, and goes on"
	late=$((late + $(cat "$tmp"/out.? | sed -n 's/.*info: \([0-9]*\) page writes came after.*effect$/\1/p' |
		awk '{ n += $1 } END { print n + 0 }')))
	seed=$((seed + 1))
}

find_deliveries
for ((i = 0; i < seeds; i++)); do
	for delivery in $deliveries; do
		killed 3 tcp "$delivery" calls
		killed 4 tcp "$delivery" two
		DSM_MEMORY=2304K killed 3 tcp "$delivery" small
	done
done

told=0
for ((i = 0; i < seeds; i++)); do
	for delivery in $deliveries; do
		locked 3 tcp "$delivery" kill
		locked 4 tcp "$delivery" two
		locked 4 tcp "$delivery" holder
		locked 3 tcp "$delivery" holder
	done
done
[ $told -gt 0 ] || fail "SEED=$seed: nobody was told of a mutex whose holder has died"
echo "told $told times of a mutex whose holder has died"

# Who stood still goes on to write pages that he was asked for, as soon as he may, and before he knows.
late=0
for ((i = 0; i < seeds; i++)); do
	stopped 3 tcp
	stopped 4 tcp
	stopped 3 tcp
done
[ $late -gt 0 ] || fail "SEED=$seed: nobody who had stood still wrote a page to others"
echo "$late page writes came after their view, in vain"

# dsmctl shows the views, and kills for a drill.
: >"$tmp/tally"
# shellcheck disable=SC2016 # for the nodes
timeout -k 10 $hang tools/dsmctl run --survive -t $((hang / 2)) -n 3 -- bash -c 'echo "$DSM_JOB" >"$1/job.$DSM_RANK"
	exec tests/system/survive "$1/tally" 1 wait "$2"' survive "$tmp" $seed >"$tmp/said" 2>&1 &
pid=$!
shows() {
	local i
	for ((i = 0; i < hang * 10; i++)); do
		[ ! -s "$tmp/job.0" ] || ! tools/dsmctl status "$(cat "$tmp/job.0")" | grep "$1" || return 0
		kill -0 $pid 2>/dev/null || break
		sleep 0.1
	done
	say_and_fail "dsmctl status never says '$1'"
}
shows '^view 1: 3 nodes live: 0 1 2$'
for ((i = 0; i < hang * 10; i++)); do
	! grep -q 'all have begun' "$tmp/said" || break
	sleep 0.1
done
name=$(cat "$tmp/job.0")
tools/dsmctl kill "$name" 7 >"$tmp/no" 2>&1 && fail "dsmctl kills a rank that there is not"
tools/dsmctl kill "$name" 1 || say_and_fail "dsmctl does not kill rank 1 of $name"
shows '^view 2: 2 nodes live: 0 2'
wait $pid
status=$?
[ $status = $survived ] || say_and_fail "without the one that dsmctl has killed: status $status"
