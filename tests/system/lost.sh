#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Threads that wait for pages of a node get SIGBUS when it has died, by every delivery of
# faults and every kind of provider, and EFAULT for system calls; and those who wait for a node that fails and leaves learn
# that, by every way of starting. Children that a dead node leaves behind change nothing.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
export TMPDIR=$tmp DSM_LOG=error
place=$(own_address):$((10000 + $$ % 9000))

# run RANK DELIVERY PROVIDER WHAT: three nodes, of which that one is lost
run() {
	DSM_FAULTS=$2 DSM_PROVIDER=$3 job_by_hand 3 tests/system/lost "$1" "$4"
}

# others_end_well RANK WHAT
others_end_well() {
	local rank
	for rank in "${!ended[@]}"; do
		[ "${ended[rank]}" = 0 ] || [ "$rank" = "$1" ] ||
			fail "$2: rank $rank has status ${ended[rank]}: $(cat "$tmp"/out.?)"
	done
}

# lose RANK DELIVERY PROVIDER
lose() {
	run "$@" access
	others_end_well "$1" "without $1, by $2 over $3"
	[ "$(grep -h 'SIGBUS after' "$tmp"/out.? | tee "$tmp/said" | wc -l)" = 4 ] ||
		fail "not all threads have got SIGBUS: $(cat "$tmp"/out.?)"
	echo "without $1, by $2 over $3: $(sort -t' ' -k6 -n "$tmp/said" | tail -n 1)"
}

# lose_in_calls RANK DELIVERY PROVIDER
lose_in_calls() {
	run "$@" calls
	others_end_well "$1" "system calls without $1, by $2 over $3"
	[ "$(cat "$tmp"/out.? | grep -c ': EFAULT')" = 4 ] ||
		fail "not all threads have got EFAULT: $(cat "$tmp"/out.?)"
	[ "$(wc -l <"$tmp/out.1")" -lt 100 ] || fail "says too much: $(head -n 20 "$tmp/out.1")"
}

# fail_at RANK DELIVERY PROVIDER: by hand
fail_at() {
	run "$@" fails
	others_end_well none "rank $1 fails, by $2 over $3"
	grep -q "rank $1 .*has failed: " "$tmp/out.1" ||
		fail "rank $1 fails, and 1 is not told so: $(cat "$tmp"/out.?)"
}

# fail_in_job RANK: started by dsmctl, which says who has failed
fail_in_job() {
	timeout -k 5 60 tools/dsmctl run -n 3 -- tests/system/lost "$1" fails >"$tmp/said" 2>&1
	grep -q "rank $1 (process [0-9]*) has failed: " "$tmp/said" ||
		fail "rank $1 fails in a job of dsmctl: $(cat "$tmp/said")"
}

# leave_children RANK DELIVERY PROVIDER: its children live on when the others have learnt of its end
leave_children() {
	local child pids outlived=0
	run "$@" children
	mapfile -t pids < <(sed -n 's/.*: child //p' "$tmp/out.$1")
	for child in "${pids[@]}"; do
		kill "$child" && ((outlived++))
	done
	others_end_well "$1" "without $1, which has children, by $2 over $3"
	[ "${#pids[@]} $outlived" = "3 3" ] ||
		fail "$1 has had ${#pids[@]} children, of which $outlived outlived the job: $(cat "$tmp"/out.?)"
}

leave_children 0 signal tcp
leave_children 2 signal shm
fail_in_job 0
fail_in_job 2
fail_at 0 signal tcp
fail_at 2 signal shm
find_deliveries
for delivery in $deliveries; do
	lose 2 "$delivery" shm
	lose 0 "$delivery" tcp
	lose_in_calls 2 "$delivery" shm
	lose_in_calls 0 "$delivery" tcp
done
