#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Threads on other nodes, dsm_thread.h: on 1, 2 and 4 nodes; both deliveries, over shared memory and a
# network; where nodes have not the same program, or not at the same addresses; and without a node.
# "thread.sh TURNS" has so many threads one after the other alone.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
find_deliveries
seconds=$((60 + ${1:-300} / 100))
job_each_way $seconds 2 tests/system/thread "$@"
job $seconds 1 auto tests/system/thread "$@"
job $seconds 4 auto tests/system/thread "$@"
[ $# = 0 ] || exit 0
job $seconds 4 tcp tests/system/thread 40
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT

for nodes in 1 3; do
	job 60 $nodes auto tests/system/thread served 2>&1 | tee "$tmp/said"
	grep -q "the last thread, of $((nodes + 1))$" "$tmp/said" || fail "served: $(cat "$tmp/said")"
done

run_job 60 3 auto tests/system/thread lost >"$tmp/said" 2>&1
grep -q "thread: node 0: lost$" "$tmp/said" || fail "without a node: $(cat "$tmp/said")"

# The program and libraries of each node lie where they lie.
job 60 2 auto tests/system/thread elsewhere >"$tmp/said" 2>&1 || fail "elsewhere: $(cat "$tmp/said")"
cat "$tmp/said"
if file_is_pie=$(readelf -h tests/system/thread 2>/dev/null) && grep -q 'DYN' <<<"$file_is_pie" &&
	[ "$(cat /proc/sys/kernel/randomize_va_space)" = 2 ]; then
	grep -q 'another program' "$tmp/said" || fail "at the same address? $(cat "$tmp/said")"
	DSM_LOG=error run_job 60 2 auto tests/system/thread elsewhere >"$tmp/said" 2>&1
	grep -q 'no thread at node 1: it has .* at another address, 0x' "$tmp/said" ||
		fail "no sentence about the address: $(cat "$tmp/said")"
	if command -v setarch >/dev/null && setarch -R true 2>/dev/null; then
		run_job 60 2 auto setarch -R tests/system/thread elsewhere >"$tmp/said" 2>&1
		grep -q 'at the same address' "$tmp/said" ||
			fail "without randomisation: $(cat "$tmp/said")"
	fi
fi

# Another build at node 1.
cat >"$tmp/either" <<'EOF'
#!/bin/sh
[ "$DSM_RANK" = 0 ] && exec tests/system/thread strange
exec tests/system/thread-strange strange
EOF
chmod +x "$tmp/either"
DSM_LOG=error job 60 2 auto "$tmp/either" >"$tmp/said" 2>&1 || fail "strange: $(cat "$tmp/said")"
[ "$(grep -c 'no thread at node 1: it has not loaded .*/thread, or has another build of it' "$tmp/said")" = 2 ] ||
	fail "no sentence about the program: $(cat "$tmp/said")"
echo "thread: other programs and addresses are told"
