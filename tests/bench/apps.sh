#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# dsm-bench apps with small kernels: nodes and threads find the same, the least that the oracle tells
# is right where one can count it, and no run is below it. Nothing is said of how fast they are.
top=$(cd "${srcdir:-$(dirname "$0")/../..}" && pwd) || exit 1
# shellcheck source=tests/system/lib.sh
. "$top/tests/system/lib.sh"
need_nodes

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

# apps STATUS ARGUMENT...: ends within its time and with that status. Output: $dir/said.
apps() {
	local want=$1 status
	shift
	timeout -k 10 $((120 * hang_times)) tools/dsm-bench apps "$@" >"$dir/said" 2>&1
	status=$?
	[ "$status" = "$want" ] && return
	cat "$dir/said" >&2
	fail "status $status instead of $want: dsm-bench apps $*"
}

# Kernels are what apps is about, and nothing else is.
apps 0 --list
read -ra kernels < <(awk '{ print $1 }' "$dir/said" | paste -sd ' ')
[ ${#kernels[@]} -ge 9 ] || fail "--list shows few kernels"
for kernel in "${kernels[@]}"; do
	grep -q "^\.It Li \(.*, \)*$kernel\b" "$top/docs/dsm-bench.1" || fail "the manual lacks $kernel"
	! tools/dsm-bench --list | grep -q "^$kernel " || fail "$kernel is a test"
done
apps 2 read_miss
grep -q "there is no kernel 'read_miss'" "$dir/said" || fail "says: $(cat "$dir/said")"

# Alone and repeated; three nodes, which do not have the same share; as nodes of another job.
apps 0 --short --reps 2 --provider shm --json "$dir/json"
tests/bench/check_json "$dir/json" "${kernels[@]}" || fail "the results are not right"
grep -q '^scatter  .* \(yes\|NO\) ' "$dir/said" || fail "no line of scatter: $(cat "$dir/said")"
apps 0 --short --nodes 3 --provider shm --faults signal --json "$dir/json" lu queue scatter stencil
tests/bench/check_json "$dir/json" lu queue scatter stencil || fail "of 3 nodes"
run_job 120 2 auto tools/dsm-bench apps --short --json "$dir/job" histogram product >"$dir/said" 2>&1 ||
	{ cat "$dir/said" >&2; fail "does not run under dsmctl"; }
tests/bench/check_json "$dir/job" histogram product || fail "under dsmctl the results are not right"
