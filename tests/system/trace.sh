#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# dsmctl trace has all that nodes did, for a load that is known: held against what they have counted,
# by both deliveries of faults, over shared memory and a network; where it overwrites; where nodes
# have clocks of their own.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
python=$(command -v python3) || { echo "there is no python3 to read JSON"; exit 77; }
check=$(cd "${srcdir:-.}" && pwd)/tests/system/trace.py
tmp=$(mktemp -d) || exit 1
export TMPDIR=$tmp # jobs of our own only
unset XDG_RUNTIME_DIR
trap 'rm -rf "$tmp"' EXIT

# begin COMMAND...: a job that reads $tmp/go and writes $tmp/said
begin() {
	rm -f "$tmp/go" "$tmp/said"
	mkfifo "$tmp/go"
	: >"$tmp/said"
	"$@" <"$tmp/go" >"$tmp/said" 2>&1 &
	job=$!
	exec {go}>"$tmp/go"
	rounds=0
	said_times ready 1
}

said_times() {
	wait_until "the job says '$1'" is_said "$1" "$2" >/dev/null || { cat "$tmp/said" >&2; exit 1; }
	wait_until "node 1 waits" is_waiting >/dev/null || exit
}
# Node 1 may come to where it waits for node 0 a little later than that says so.
is_waiting() { tools/dsmctl status | grep 'rank 1 waits .*: dsm_broadcast'; }
is_said() { [ "$(grep -c "$1" "$tmp/said")" -ge "$2" ]; }

finish() {
	exec {go}>&-
	wait $job || fail "the job failed: $(cat "$tmp/said")"
}

# traced NAME TIMES ARGUMENT...: traces while the load is done so many times, to $tmp/NAME
traced() {
	local file=$tmp/$1 times=$2 tracer
	shift 2
	: >"$file.said"
	tools/dsmctl trace -t $hang -o "$file" "$@" >"$file.said" 2>&1 &
	tracer=$!
	wait_until "the trace begins" grep tracing "$file.said" >/dev/null || exit
	for ((i = 1; i <= times; i++)); do
		echo >&"$go"
		said_times 'done' $((++rounds))
		[ $i = "$times" ] && break
		echo >&"$go"
		said_times ready $((rounds + 1))
	done
	second=$(tools/dsmctl trace -t 1 -o "$tmp/second" 2>&1) && fail "a second trace: $second"
	[[ $second == *"is being traced already"* ]] || fail "a second trace: $second"
	kill -INT $tracer
	wait $tracer || fail "the trace: status $?: $(cat "$file.said")"
	echo >&"$go"
	said_times ready $((rounds + 1))
}

holds() {
	"$python" "$check" "$tmp/$1" "${@:2}" || fail "$(cat "$tmp/$1.said")"
}

find_deliveries
for delivery in $deliveries; do
	provider=shm
	[ $delivery = event ] || provider=tcp
	DSM_FAULTS=$delivery DSM_PROVIDER=$provider begin tools/dsmctl run -t $hang -n 2 --no-prefix -- \
		tests/system/traced
	traced load.json 1
	holds load.json load
	traced more.json 2
	holds more.json form
	finish
done

begin tools/dsmctl run -t $hang -n 2 --no-prefix -- tests/system/traced
traced lost.json 4 --events 1000
holds lost.json lost
grep -q 'events the first [0-9]* were overwritten' "$tmp/lost.json.said" || fail "does not tell what was lost"
finish
tools/dsmctl trace -t 1 -o "$tmp/none" >"$tmp/none.said" 2>&1 && fail "traces no job"
tools/dsmctl trace -t never >"$tmp/none.said" 2>&1
[ $? = 2 ] || fail "traces for 'never'"

# A clock of its own for node 1.
ahead=100000
if ! unshare -T --monotonic $ahead true 2>/dev/null; then
	echo "clocks that differ: not here (unshare -T)"
	exit 0
fi
by_hand() {
	local place
	place=$(own_address):$((10000 + $$ % 9000))
	export DSM_SIZE=2 DSM_RENDEZVOUS=$place DSM_SECRET=0123456789abcdef0123456789abcdef
	DSM_RANK=1 unshare -T --monotonic $ahead -f tests/system/traced </dev/null &
	DSM_RANK=0 tests/system/traced
	wait $!
}
begin by_hand
traced clock.json 1
holds clock.json clock 1 ${ahead}000000000
finish
