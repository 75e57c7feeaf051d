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

# lose RANK DELIVERY PROVIDER
lose() {
	local rank pids=()
	[ "$3" = shm ] || export DSM_PROVIDER=$3
	for rank in 0 1 2; do
		DSM_RANK=$rank DSM_SIZE=3 DSM_RENDEZVOUS=$place DSM_FAULTS=$2 \
			timeout -k 5 $hang tests/system/lost "$1" access >"$tmp/out.$rank" 2>&1 &
		pids+=($!)
	done
	for rank in 0 1 2; do
		wait "${pids[rank]}" && continue
		[ "$rank" = "$1" ] || fail "rank $rank without $1, by $2 over $3: $(cat "$tmp/out.$rank")"
	done
	unset DSM_PROVIDER
	[ "$(grep -h 'SIGBUS after' "$tmp"/out.? | tee "$tmp/said" | wc -l)" = 4 ] ||
		fail "not all threads have got SIGBUS: $(cat "$tmp"/out.?)"
	echo "without $1, by $2 over $3: $(sort -t' ' -k6 -n "$tmp/said" | tail -n 1)"
}

# lose_in_calls RANK DELIVERY PROVIDER
lose_in_calls() {
	local rank pids=()
	for rank in 0 1 2; do
		DSM_RANK=$rank DSM_SIZE=3 DSM_RENDEZVOUS=$place DSM_FAULTS=$2 DSM_PROVIDER=$3 \
			timeout -k 5 60 tests/system/lost "$1" calls >"$tmp/out.$rank" 2>&1 &
		pids+=($!)
	done
	for rank in 0 1 2; do
		wait "${pids[rank]}" && continue
		[ "$rank" = "$1" ] ||
			fail "system calls of $rank without $1, by $2 over $3: $(cat "$tmp"/out.?)"
	done
	[ "$(cat "$tmp"/out.? | grep -c ': EFAULT')" = 4 ] ||
		fail "not all threads have got EFAULT: $(cat "$tmp"/out.?)"
	[ "$(wc -l <"$tmp/out.1")" -lt 100 ] || fail "says too much: $(head -n 20 "$tmp/out.1")"
}

# fail_at RANK DELIVERY PROVIDER: by hand
fail_at() {
	local rank pids=()
	for rank in 0 1 2; do
		DSM_RANK=$rank DSM_SIZE=3 DSM_RENDEZVOUS=$place DSM_FAULTS=$2 DSM_PROVIDER=$3 \
			timeout -k 5 60 tests/system/lost "$1" fails >"$tmp/out.$rank" 2>&1 &
		pids+=($!)
	done
	worst_of "${pids[@]}" || fail "rank $1 fails, by $2 over $3: $(cat "$tmp"/out.?)"
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
	local rank child pids=()
	for rank in 0 1 2; do
		DSM_RANK=$rank DSM_SIZE=3 DSM_RENDEZVOUS=$place DSM_FAULTS=$2 DSM_PROVIDER=$3 \
			timeout -k 5 60 tests/system/lost "$1" children >"$tmp/out.$rank" 2>&1 &
		pids+=($!)
	done
	for rank in 0 1 2; do
		wait "${pids[rank]}" && continue
		[ "$rank" = "$1" ] || said="rank $rank without $1, which has children, by $2 over $3"
	done
	mapfile -t pids < <(sed -n 's/.*: child //p' "$tmp/out.$1")
	for child in "${pids[@]}"; do
		kill "$child" || said="child $child of $1 has not outlived the job"
	done
	[ ${#pids[@]} = 3 ] || said="$1 has not had three children"
	[ -z "${said:-}" ] || fail "$said: $(cat "$tmp"/out.?)"
}

leave_children 0 signal tcp
leave_children 2 signal shm
fail_in_job 0
fail_in_job 2
fail_at 0 signal tcp
fail_at 2 signal shm
deliveries=signal
said=$(DSM_FAULTS=event tests/system/api identity 2>&1) && deliveries='signal event'
for delivery in $deliveries; do
	lose 2 "$delivery" shm
	lose 0 "$delivery" tcp
	lose_in_calls 2 "$delivery" shm
	lose_in_calls 0 "$delivery" tcp
done
[ "$deliveries" != signal ] || echo "by signals only: $said"
