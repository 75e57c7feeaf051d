#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Runs the examples as users would, on some of 1 to 8 nodes: each must verify its own result. Then
# wrong input: each must refuse it with a sentence.
set -u
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
failures=0
hang=600 # seconds

wrong() {
	echo "run_examples: $*"
	sed 's/^/	/' "$tmp/out"
	failures=$((failures + 1))
}

# on NODES COMMAND...: runs it as a job; a hang is a failure
on() {
	nodes=$1
	shift
	timeout $hang tools/dsmctl run -n "$nodes" "$@" >"$tmp/out" 2>&1
}

verifies() {
	if ! on "$@"; then
		wrong "failed with status $? on $*"
	elif ! grep -q 'verified: ' "$tmp/out"; then
		wrong "did not verify on $*"
	fi
}

# refuses SENTENCE COMMAND...: it says so and fails
refuses() {
	sentence=$1
	shift
	if timeout $hang "$@" >"$tmp/out" 2>&1; then
		wrong "accepted: $*"
	elif ! grep -q -- "$sentence" "$tmp/out"; then
		wrong "does not say \"$sentence\": $*"
	fi
}

if ! on 1 examples/sort --keys=10 && grep -q 'dsm_init: .*\(kernel\|permitted\)' "$tmp/out"; then
	cat "$tmp/out"
	echo "run_examples: skipped, this machine cannot run libdsm"
	exit 77
fi

# Packages that depend on earlier ones, some of them virtual, and a few on none.
awk 'BEGIN {
	for (i = 0; i < 3000; i++) {
		printf "Package: p%d\nDepends: p%d, p%d | p%d, v%d\n", i, int(i / 2),
			(i * 7919) % (i + 1), i % 10, i % 50
		print (i % 100 == 0 ? "Provides: v" i / 100 "\n" : "")
	}
	for (i = 0; i < 300; i++)
		printf "Package: q%d\n\n", i
}' >"$tmp/Packages"

examples='kmeans sort pagerank'
if [ -x examples/heat ]; then
	examples="heat $examples"
else
	echo "run_examples: without heat, which is not built where there is no libpng"
fi

if [ -x examples/histogram ]; then
	examples="$examples histogram"
else
	echo "run_examples: without histogram, which is not built where there is no compiler of C++17"
fi

# heat NODES
heat() {
	verifies "$1" examples/heat --rows=90 --cols=600 --steps=40 --output="$tmp/heat.png"
	[ "$(head -c 4 "$tmp/heat.png" | tail -c 3)" = PNG ] || wrong "no picture of heat"
	rm -f "$tmp/heat.png"
}

heat_alone() {
	verifies 4 examples/heat --rows=3 --cols=3 --steps=7 --output="$tmp/heat.png"
	refuses 'rows wants a whole number from 3 to 65536, not "2"' examples/heat --rows=2
	refuses 'unrecognized option' examples/heat --bogus
	refuses '/nonexistent/heat.png: No such file' \
		tools/dsmctl run -n 2 examples/heat -r 8 -c 8 -s 1 -o /nonexistent/heat.png
}

# On all of 1, 2, 3, 4 and 8 nodes: run.sh matrix.
for n in 1 3 4; do
	[ ! -x examples/heat ] || heat $n
	verifies $n examples/sort --keys=100000
done
for n in 2 5; do
	verifies $n examples/kmeans --points=20000
	verifies $n examples/pagerank "$tmp/Packages"
	[ ! -x examples/histogram ] || verifies $n examples/histogram 500
done
verifies 8 examples/sort --keys=100000
[ ! -x examples/heat ] || heat_alone
verifies 4 examples/sort --keys=3
verifies 4 examples/sort --keys=50000 --distinct=2
verifies 4 examples/kmeans --points=3 --clusters=5

refuses 'unrecognized option' examples/sort --bogus
refuses 'what is "x"?' examples/sort x
refuses 'keys wants a whole number' examples/sort --keys=1e6
refuses 'clusters wants a whole number' examples/kmeans --clusters=64
refuses 'damping wants a number' examples/pagerank --damping=2
refuses '/nonexistent: No such file' tools/dsmctl run -n 3 examples/pagerank /nonexistent
refuses 'no packages in it' examples/pagerank --reference-only /dev/null
if [ -x examples/histogram ]; then
	refuses 'whole number from 1 to 1000000000, not "1e6"' examples/histogram 1e6
	refuses 'what is "2"?' examples/histogram 1 2
fi
for example in $examples; do
	timeout $hang examples/$example --help >"$tmp/out" 2>&1 && grep -q '^Usage: ' "$tmp/out" ||
		wrong "no help: $example"
done
[ "$failures" = 0 ] || exit 1
echo "run_examples: all verified"
