#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The log keeps nobody: a program that writes shared memory to stderr, or that has a lock which its
# log function takes; and nothing of it is lost where a node cannot start, or dies.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
export TMPDIR=$tmp # what nodes leave that die
unset XDG_RUNTIME_DIR
place=$(own_address):$((10000 + $$ % 9000))
ulimit -c 0

deliveries=signal
said=$(DSM_FAULTS=event tests/system/api identity 2>&1) && deliveries='signal event'
[ "$deliveries" != signal ] || echo "by signals only: $said"

# dies HOW STATUS DELIVERY: started by hand, for dsmctl would end it
dies() {
	local rank pids=() status
	for rank in 0 1; do
		DSM_RANK=$rank DSM_SIZE=2 DSM_RENDEZVOUS=$place DSM_FAULTS=$3 \
			timeout -k 5 $hang tests/system/log "$1" >"$tmp/out.$rank" 2>&1 &
		pids+=($!)
	done
	wait "${pids[0]}" 2>"$tmp/ends" # where bash says how it ended
	status=$?
	wait "${pids[1]}" 2>>"$tmp/ends"
	[ $status = "$2" ] || fail "$1 by $3: status $status: $(cat "$tmp/out.0")"
	grep -q '^the job cannot go on: ' "$tmp/out.0" ||
		fail "$1 by $3: not a word of why: $(cat "$tmp/out.0")"
	[ "$1" != dies ] || grep -q 'gets SIGBUS.* for page' "$tmp/out.0" ||
		fail "$1 by $3: not a word of the page: $(cat "$tmp/out.0")"
}

timeout $hang tests/system/log start || fail "start: status $?"
for delivery in $deliveries; do
	export DSM_FAULTS=$delivery
	for provider in shm tcp; do
		job 60 2 $provider tests/system/log lock
		job 60 2 $provider tests/system/log calls
		[ "$delivery" = signal ] || job 60 2 $provider tests/system/log stderr 2>"$tmp/said" ||
			fail "stderr over $provider: $(tail -n 20 "$tmp/said")"
	done
	timeout $hang tests/system/log blocked || fail "blocked by $delivery: status $?"
	dies dies 135 "$delivery"
	dies aborts 134 "$delivery"
done
