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

# dies HOW STATUS DELIVERY: started by hand, for dsmctl would end it
dies() {
	DSM_FAULTS=$3 job_by_hand 2 tests/system/log "$1" 2>"$tmp/ends" # where bash says how it ended
	[ "${ended[0]}" = "$2" ] || fail "$1 by $3: status ${ended[0]}: $(cat "$tmp/out.0")"
	grep -q '^the job cannot go on: ' "$tmp/out.0" ||
		fail "$1 by $3: not a word of why: $(cat "$tmp/out.0")"
	[ "$1" != dies ] || grep -q 'gets SIGBUS.* for page' "$tmp/out.0" ||
		fail "$1 by $3: not a word of the page: $(cat "$tmp/out.0")"
}

find_deliveries
timeout $hang tests/system/log start || fail "start: status $?"
job_each_way 60 2 tests/system/log lock
job_each_way 60 2 tests/system/log calls
(deliveries=${deliveries#signal} job_each_way 60 2 tests/system/log stderr) 2>"$tmp/said" ||
	fail "stderr: $(tail -n 20 "$tmp/said")"
for delivery in $deliveries; do
	DSM_FAULTS=$delivery timeout $hang tests/system/log blocked ||
		fail "blocked by $delivery: status $?"
	dies dies 135 "$delivery"
	dies aborts 134 "$delivery"
done
