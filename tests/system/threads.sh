#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# dsmctl run --threads: examples/threads and a program that calls all of pthreads, as they are and on
# 1, 2 and 4 nodes, say the same; what cannot work is refused by name. "threads.sh TIMES" has the
# examples so many times, over TCP, too.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
top=$(realpath "${srcdir:-$(dirname "$0")/../..}")
times=${1:-1}
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
need_threads

# build NAME.c|NAME.cpp: plainly
build() {
	local compiler=cc
	[ "${1%.cpp}" = "$1" ] || compiler=c++
	command -v $compiler >/dev/null || return
	$compiler -O1 -pthread -o "$tmp/${1%.*}" "$top/examples/threads/$1" || fail "$1 is not built"
}

# nodes N [OPTION...] -- PROGRAM [ARGUMENT...]: status and what it said, in $tmp/said and $tmp/wrong
nodes() {
	timeout -k 10 $((hang + 20)) tools/dsmctl run -t $hang --threads -n "$@" \
		>"$tmp/said" 2>"$tmp/wrong"
}

# same NODES OPTION... -- PROGRAM ARGUMENT...
same() {
	local n=$1 options=()
	shift
	while [ "$1" != -- ]; do options+=("$1"); shift; done
	shift
	"$@" >"$tmp/alone" || fail "$*: status $? alone"
	nodes "$n" "${options[@]}" -- "$@" || fail "$* on $n nodes: status $?: $(cat "$tmp/wrong")"
	cmp -s "$tmp/alone" "$tmp/said" ||
		fail "$* on $n nodes ${options[*]}: $(cat "$tmp/said"), alone: $(cat "$tmp/alone")"
	[ ! -s "$tmp/wrong" ] || fail "$* on $n nodes: $(cat "$tmp/wrong")"
}

for source in stencil.c queue.c primes.cpp; do
	build $source
done
# examples NODES OPTION...
examples() {
	same "$@" -- "$tmp/stencil" 4 64 5
	same "$@" -- "$tmp/queue" 3 20
	[ ! -e "$tmp/primes" ] || same "$@" -- "$tmp/primes" 4 6000
}

for ((i = 0; i < times; i++)); do
	for n in 2 4; do
		examples $n
	done
	[ "$times" != 1 ] || continue
	for n in 1 2 4; do
		examples $n -p tcp
	done
	examples 1
done
same 2 --place pack -- "$tmp/stencil" 3 32 3
same 2 --place 1,1,0 -p tcp -- "$tmp/queue" 3 20

# All of pthreads; the program ends with a thread that computes, and with a status of its own.
for n in 1 2 4; do
	nodes $n -- tests/system/threaded
	status=$?
	[ $status = 3 ] || fail "threaded on $n nodes: status $status: $(cat "$tmp/wrong")"
	[ "$(cat "$tmp/said")" = "$(printf 'from a child\nfine\nat exit: here')" ] ||
		fail "threaded on $n nodes: $(cat "$tmp/said")"
	grep -q 'fork: it is not there' "$tmp/wrong" || fail "nobody hears of fork: $(cat "$tmp/wrong")"
done
for place in 0 1; do
	nodes 2 --place $place -- tests/system/threaded 5
	status=$?
	[ $status = 5 ] || fail "exit by a thread of node $place: status $status: $(cat "$tmp/wrong")"
	[ "$(cat "$tmp/said")" = "at exit: here" ] || fail "exit of node $place: $(cat "$tmp/said")"
done
echo "line of main's" | nodes 2 -- cat || fail "cat: status $?: $(cat "$tmp/wrong")"
[ "$(cat "$tmp/said")" = "line of main's" ] || fail "standard input: $(cat "$tmp/said")"

# The heap: all of malloc's family, in threads of one node and of two.
same 1 -- tests/system/threaded_heap
nodes 2 -- tests/system/threaded_heap nodes ||
	fail "threaded_heap: status $?: $(cat "$tmp/wrong")"

# refused STATUS TEXT ARGUMENT...
refused() {
	local status=$1 text=$2 got
	shift 2
	nodes "$@"
	got=$?
	[ $got = "$status" ] || fail "$*: status $got, not $status: $(cat "$tmp/wrong")"
	grep -q "$text" "$tmp/wrong" || fail "$*: nothing of '$text': $(cat "$tmp/wrong")"
}
refused 2 'round-robin, pack' 2 --place nowhere -- true
refused 2 'not there' 2 --place 0,2 -- true
refused 2 'as events' 2 --faults signal -- true
refused 2 'threads cannot be restored' 2 --restore "$tmp" -- true
DSM_RESTORE=$tmp nodes 2 -- true && fail "threads are restored"
grep -q 'threads cannot be restored' "$tmp/wrong" || fail "DSM_RESTORE: $(cat "$tmp/wrong")"
printf 'int main(void) { return 0; }\n' >"$tmp/static.c"
if cc -static -o "$tmp/static" "$tmp/static.c" 2>/dev/null; then
	refused 126 statically 2 -- "$tmp/static"
fi
# Nodes that have the program at different addresses.
if [ "$(cat /proc/sys/kernel/randomize_va_space)" != 0 ]; then
	timeout -k 10 $((hang + 20)) tools/dsmctl run -t $hang -n 2 -- env \
		"LD_PRELOAD=$PWD/.libs/libdsm.so $PWD/.libs/libdsm-threads.so" "$tmp/queue" \
		>"$tmp/said" 2>"$tmp/wrong" && fail "nodes with other addresses run"
	grep -q 'address randomization' "$tmp/wrong" || fail "other addresses: $(cat "$tmp/wrong")"
fi
echo "programs with threads run on nodes as they do alone"
