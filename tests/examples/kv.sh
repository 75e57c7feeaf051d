#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The store of examples/kv goes on when nodes die, whoever it is, down to one, and all answers are right, of
# the dead ones too; and wrong ones are found.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/../system/lib.sh"
need_nodes
seed=${SEED:-$((RANDOM + 1))}
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
export TMPDIR=$tmp DSM_REGION=64M
survived=123

say_and_fail() {
	cat "$tmp/said" "$tmp/check" 2>/dev/null
	fail "SEED=$seed: $*"
}

# start NODES [ARGUMENT...]: a job, whose nodes have all begun then; job is its process
start() {
	local nodes=$1
	shift
	rm -rf "$tmp/logs"
	mkdir "$tmp/logs"
	: >"$tmp/said" # what the job before has said; the shell of this one may come to it late
	timeout -k 10 $hang tools/dsmctl run --survive -t $((hang / 2)) -n "$nodes" -- examples/kv \
		--seed="$seed" --log="$tmp/logs" "$@" >"$tmp/said" 2>&1 &
	job=$!
	wait_until "all have begun" all_have_begun "$nodes" >/dev/null || say_and_fail "$*"
}
all_have_begun() {
	[ "$(grep -c 'has begun' "$tmp/said")" = "$1" ] || ! kill -0 $job
}

# One after the other, each after 0 to 0.7 s.
kill_some() {
	local rank
	for rank in "$@"; do
		sleep "$((RANDOM % 700))e-3"
		kill -KILL "$(sed -n "s/.*node $rank of .* process \([0-9]*\), .*/\1/p" "$tmp/said")" ||
			say_and_fail "$rank has ended too early"
	done
}

# ends STATUS LIVING DEATHS WRONG: so many nodes tell of so many deaths, and of wrong answers
ends() {
	local status told
	wait $job
	status=$?
	[ $status = "$1" ] || say_and_fail "status $status, not $1"
	told=$(grep -c " acknowledged writes, $3 deaths seen, .* lost, $4 wrong answers; " "$tmp/said")
	[ "$told" = "$2" ] || say_and_fail "$told nodes tell of $3 deaths and $4 wrong answers, not $2"
}

# agree DEAD WHAT [--kept]: no answer of anybody's is wrong
agree() {
	examples/kv --check="$tmp/logs" ${3:+"$3"} >"$tmp/check" 2>&1 || say_and_fail "answers are wrong"
	grep -q "nodes, $1 of which were cut off: .* 0 wrong answers$" "$tmp/check" ||
		say_and_fail "it is not $1 who were cut off"
	sed "s/^kv: /$2: /" "$tmp/check"
}

# dies NODES MEMORY RANK...: one after the other
dies() {
	local nodes=$1 memory=$2
	shift 2
	start "$nodes" --seconds=1 --deaths=$# --operations=1000000 $memory
	kill_some "$@"
	ends $survived $((nodes - $#)) $# 0
	agree $# "$nodes nodes $memory, without $*"
	seed=$((seed + 1))
}

# kept NODES RANK...: one after the other, each when the others have come through the death before. Nothing is lost.
kept() {
	local nodes=$1 dead=0 rank
	shift
	start "$nodes" --seconds=1 --deaths=$# --operations=1000000 --kept
	for rank in "$@"; do
		kill_some "$rank"
		dead=$((dead + 1))
		wait_until "all are through" all_are_through $((dead + 1)) $((nodes - dead)) >/dev/null ||
			say_and_fail "not all have come through view $((dead + 1))"
	done
	ends $survived $((nodes - $#)) $# 0
	[ "$(grep -c ', 0 buckets lost, ' "$tmp/said")" = $((nodes - $#)) ] || say_and_fail "buckets are lost"
	agree $# "$nodes nodes, nothing lost without $*" --kept
	seed=$((seed + 1))
}
all_are_through() {
	[ "$(grep -c "come through view $1$" "$tmp/said")" = "$2" ] || ! kill -0 $job
}

RANDOM=$seed
kept 3 $((RANDOM % 3))
kept 3 0 1
kept 4 3 0 2
kept 4 $((RANDOM % 2)) $((2 + RANDOM % 2))

# Two may die at once; or nobody holds anything for another one.
dies 3 '' 0 1
dies 3 --once $((RANDOM % 3))
dies 3 --once 0
dies 4 --once 3 0 2

# The checker knows the difference: of memory that nobody else holds a death takes some.
lost=0
for ((i = 0; i < 10 && lost == 0; i++)); do
	start 3 --seconds=0 --deaths=1 --operations=1000000 --once
	kill_some $((i % 3))
	ends $survived 2 1 0
	if grep -q ' [1-9][0-9]* buckets lost, ' "$tmp/said"; then
		lost=1
		examples/kv --check="$tmp/logs" --kept >"$tmp/check" 2>&1 && say_and_fail "what is lost is taken for kept"
		grep -q 'lost, and two nodes held it' "$tmp/check" || say_and_fail "it does not say that it is lost"
	fi
	seed=$((seed + 1))
done
[ $lost = 1 ] || fail "SEED=$seed: no death took anything"

# One dies as it writes a key, when others have seen that.
start 3 --seconds=1 --deaths=1 --operations=1000000 --drill=$((RANDOM % 3)) --kept
ends $survived 2 1 0
agree 1 'by half' --kept
cleared=$(sed -n 's/.* answers; \([0-9]*\) mutexes of dead owners, \([0-9]*\) half writes cleared, .*/\1 \2/p' "$tmp/said" |
	awk '$1 { owners = 1 } { cleared += $2 } END { print owners + 0, cleared + 0 }')
[ "$cleared" = "1 1" ] || say_and_fail "who died in the middle of a put left '$cleared'"

# Answers that are wrong are found, by each node, and in the logs.
start 2 --seconds=$hang --operations=300 --wrong=value --keys=10
wait $job && say_and_fail "a value that nobody has put is taken for right"
grep -q 'WRONG: key 0 holds what nobody has put' "$tmp/said" || say_and_fail "it does not say what is wrong"
start 2 --seconds=$hang --operations=300 --wrong=stale --keys=10
wait $job && say_and_fail "a value that has been overwritten is taken for right"
examples/kv --check="$tmp/logs" >"$tmp/check" 2>&1 && say_and_fail "the logs' old value is taken for right"
grep -q 'WRONG: key 0: over before what is older began' "$tmp/check" || say_and_fail "it does not say what is wrong"

# Bad input
refuses() {
	local sentence=$1
	shift
	"$@" >"$tmp/said" 2>&1 && say_and_fail "accepted: $*"
	grep -q -- "$sentence" "$tmp/said" || say_and_fail "does not say '$sentence': $*"
}
refuses 'wrong wants' examples/kv --wrong=me
refuses 'keys wants' examples/kv --keys=0
refuses 'No such file' examples/kv --check="$tmp/nowhere"
refuses 'no logs of kv' examples/kv --check="$tmp/logs/.."
echo "no log" >"$tmp/logs/kv.1"
refuses 'is no log of kv' examples/kv --check="$tmp/logs"
refuses 'go on when one is lost' tools/dsmctl run -n 2 -- examples/kv
examples/kv --help | grep -q '^Usage: ' || fail "no help"
