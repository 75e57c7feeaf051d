#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A job goes on when one of its nodes is killed at some moment, or stands still for too long and comes
# back: over a network, by every delivery of faults, started by dsmctl and by hand.
# survive.c says what is checked, of mutexes and the like survive_sync.c, of memory and names survive_served.c. `survive.sh N` does it for N seeds each.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
seeds=${1:-2}
# shellcheck source=tests/system/survive_lib.sh
. "$(dirname "$0")/survive_lib.sh"

# dies PROGRAM NODES PROVIDER DELIVERY MODE: by itself, in a job of dsmctl; what they say is in $tmp/said
dies() {
	victim=$((seed % $2))
	DSM_PROVIDER=$3 DSM_FAULTS=$4 dies_in_job "$1" "$2" "$victim" "$5"
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

# stopped NODES PROVIDER: late is how many page writes came in vain
stopped() {
	DSM_PROVIDER=$2 DSM_LOG=info stands_still survive "$1" $((seed % $1))
	late=$((late + $(cat "$tmp"/out.? | sed -n 's/.*info: \([0-9]*\) page writes came after.*effect$/\1/p' |
		awk '{ n += $1 } END { print n + 0 }')))
}

find_deliveries
for ((i = 0; i < seeds; i++)); do
	for delivery in $deliveries; do
		killed 3 tcp "$delivery" calls
		killed 4 tcp "$delivery" two
		DSM_MEMORY=2304K killed 3 tcp "$delivery" small
	done
done

# Those who serve memory and names, one after the other.
for ((i = 0; i < seeds; i++)); do
	for delivery in $deliveries; do
		dies survive_served 3 tcp "$delivery" 1
		dies survive_served 4 tcp "$delivery" 3
	done
	DSM_PROVIDER=tcp DSM_LOG=info stands_still survive_served 3 0
	sed -n 's/^\[.*\] survive_served: \(.* calls, .*\)/without 3 of 4 who served: \1/p' "$tmp/said" | head -n 1
done

told=0
for ((i = 0; i < seeds || (told == 0 && i < 10); i++)); do
	for delivery in $deliveries; do
		locked 3 tcp "$delivery" kill
		locked 4 tcp "$delivery" two
		locked 4 tcp "$delivery" holder
		locked 3 tcp "$delivery" holder
	done
done
[ $told -gt 0 ] || fail "SEED=$seed: nobody was told of a mutex whose holder has died"
echo "told $told times of a mutex whose holder has died"

# Who stood still goes on to write pages that he was asked for, as soon as he may, and before he knows:
# mostly, so once more where none has.
late=0
for ((i = 0; i < seeds || (late == 0 && i < 10); i++)); do
	stopped 3 tcp
	stopped 4 tcp
	stopped 3 tcp
done
[ $late -gt 0 ] || fail "SEED=$seed: nobody who had stood still wrote a page to others"
echo "$late page writes came after their view, in vain"

# Plain accesses of words that all write, of whom one is killed: what all have noted is of one memory, and
# what is made wrong in it is found. survive_long.sh does this in more ways.
mkdir "$tmp/history"
: >"$tmp/said"
in_job 3 tests/system/survive_history "$tmp/history" 1 1 "$seed" &
pid=$!
for ((i = 0; i < hang * 10; i++)); do
	if [ "$(grep -c 'has begun' "$tmp/said")" = 3 ] || ! kill -0 $pid; then break; fi
	sleep 0.1
done
sleep "$((seed % 500))e-3"
kill -KILL "$(sed -n "s/.*node $((seed % 3)) of .* process \([0-9]*\), .*/\1/p" "$tmp/said")"
wait $pid
status=$?
[ $status = $survived ] || say_and_fail "histories without $((seed % 3)): status $status"
tests/system/survive_history check "$tmp/history" || fail "SEED=$seed: not one memory"
tests/system/survive_history check "$tmp/history" wrong && fail "SEED=$seed: a wrong value is not found"

# dsmctl shows the views, and kills for a drill.
: >"$tmp/said"
# shellcheck disable=SC2016 # for the nodes
in_job 3 bash -c 'echo "$DSM_JOB" >"$1/job.$DSM_RANK"
	exec tests/system/survive "$1/tally" 1 wait "$2"' survive "$tmp" "$seed" &
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
