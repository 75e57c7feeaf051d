#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The long system tests, one at a time; ./check long runs them all.
#
#	run.sh stress PROVIDER SECONDS    random accesses on four nodes
#	run.sh huge PROVIDER SECONDS      the same on 2 MiB pages; 28 of them are set aside
#	run.sh litmus PROVIDER ROUNDS     every litmus test, with so many rounds each
#	run.sh tight PROVIDER SECONDS     stress and litmus where the homes leave an eighth of what is
#	                                  touched for caching
#	run.sh memory                     sort and kmeans over 200 MiB with budgets of 64 MiB
#	run.sh matrix PROVIDER            every example on 1, 2, 3, 4 and 8 nodes
#	run.sh mutant NAME SECONDS        a protocol with this bug planted (none: without) in a
#	                                  build with --enable-mutants: stress must find it
#
# Works in the directory BUILD, or where it is.
script=$(realpath "$0") # before lib.sh changes the directory
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

stress() {
	job $(($2 + 120)) 4 "$1" tests/system/stress --seconds "$2"
}

huge() {
	need_huge_pages 28
	job $(($2 + 120)) 2 "$1" tests/system/stress --seconds "$2" --huge --pages 4
}

litmus() {
	job $(($2 / 20 + 600)) 4 "$1" tests/system/litmus "$2"
}

tight() {
	DSM_MEMORY=768K job $(($2 + 120)) 4 "$1" tests/system/stress --seconds "$2" --pages 498 --dense
	DSM_MEMORY=320K job 900 4 "$1" tests/system/litmus 10000
}

memory() {
	export MEMORY_PARTS=long
	"$(dirname "$script")/memory.sh" || exit
	"$(dirname "$script")/memory-huge.sh"
}

matrix() {
	local nodes dir
	dir=$(mktemp -d) || exit 1
	# shellcheck disable=SC2064 # the directory of now
	trap "rm -rf '$dir'" EXIT
	for nodes in 1 2 3 4 8; do
		job 300 $nodes "$1" examples/pagerank
		[ ! -x examples/heat ] || job 300 $nodes "$1" examples/heat --output "$dir/heat.png"
		job 300 $nodes "$1" examples/sort --keys 500000
		job 300 $nodes "$1" examples/kmeans
		[ ! -x examples/histogram ] || job 300 $nodes "$1" examples/histogram
	done
}

# Few pages and peers that sleep; many threads; many nodes.
mutant_runs() {
	DSM_SPIN_US=0 run_job $(($1 + 120)) 2 auto \
		tests/system/stress --seconds "$1" --pages 2 --seed 1 &&
		run_job $(($1 + 120)) 2 auto \
			tests/system/stress --seconds "$1" --threads 4 --seed 2 &&
		run_job $(($1 + 120)) 4 auto \
			tests/system/stress --seconds "$1" --seed 3
}

# Status 0 when stress passes without a bug, and says what is wrong with one.
mutant() {
	local said=mutant-$1.said bug=$1 found
	[ "$bug" = none ] && bug=
	COH_MUTANT=$bug mutant_runs $(($2 / 3)) >"$said" 2>&1
	found=$?
	cat "$said"
	if [ "$1" = none ]; then
		[ $found = 0 ] || fail "stress fails without a bug"
	elif [ $found = 0 ]; then
		fail "stress did not notice $1 within $2 s"
	elif ! grep -q 'stress: node' "$said"; then
		fail "it failed, but not by stress's own word"
	fi
}

case ${1-}/$# in
stress/3 | huge/3 | litmus/3 | matrix/2 | tight/3 | memory/1 | mutant/3) ;;
*) sed -n 's/^#\t//p' "$0" >&2; exit 2 ;;
esac
need_nodes
"$@"
