#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A job fills memory, writes all over it, and saves itself again and again. A node is killed at any
# moment, of starting, restoring, computing or saving; after each kill a job of another number of nodes
# has in each word what the checkpoint's moment demands. Each job saves in one of the ways that there are.
#
#	checkpoint_kill.sh [MIB KILLS SECONDS PROVIDER pte|pmd]
#
# MIB of memory are full, each kill comes within SECONDS of when the job is started, or of when it has
# all back and goes on, in turn; by default within twice the time that the job takes to save itself
# once. Without arguments: a little, as in make check. CHECKPOINT_NODES: of how many one is to go on
# (1 2 3 4 8).
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
find_deliveries
mib=${1:-1} kills=${2:-2} seconds_most=${3-}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
if [ "${5-pte}" = pmd ]; then
	need_huge_pages $((8 * (mib + 4))) # each of so many nodes may have all of them
	undo=$(trap -p EXIT | sed "s/^trap -- '//; s/' EXIT$//; s/'\\\\''/'/g")
	# shellcheck disable=SC2064 # what need_huge_pages has set
	trap "rm -rf '$tmp'; $undo" EXIT
fi
RANDOM=${SEED:=$RANDOM}
echo "SEED=$SEED"
export CHECKPOINT_MIB=$mib DSM_REGION=$((64 + 2 * mib))M
program=tests/system/checkpoint
ways=('' background incremental 'background incremental')
! grep -q '^#define HAVE_ZSTD 1' config.h || ways+=(compress 'background incremental compress')
limit=$((60 + mib / 4))

# some_nodes NUMBER...: sets nodes to one of these
some_nodes() {
	local from=("$@")
	nodes=${from[RANDOM % $#]}
}

# ends_well ...: as job, with what it says in $tmp/said
ends_well() {
	run_job "$@" >"$tmp/said" 2>&1 || fail "status $?: ${*:2}: $(cat "$tmp/said")"
}

# check_all DIR PROVIDER: a job that goes on from there has all words, and ends
check_all() {
	local is
	# shellcheck disable=SC2086 # numbers
	some_nodes ${CHECKPOINT_NODES:-1 2 3 4 8}
	ends_well $limit "$nodes" "$2" $program "$1" 0 ${huge:+huge}
	is=$(sed -n 's/.*begins after round //p' "$tmp/said")
	[ "${is:-0}" -ge "$was" ] || fail "an earlier checkpoint than before: ${is:-none}, $was"
	[ "$is" = "$was" ] || moved=$((moved + 1))
	was=$is
}

# kill_often DELIVERY PROVIDER [huge]
kill_often() {
	local dir=$tmp/$1-$2-${3-} was=1 moved=0 nodes status us begun i huge=${3-} start
	export DSM_FAULTS=$1
	start=$(date +%s%N)
	ends_well $limit 4 "$2" $program "$dir" 1 ${huge:+huge}
	seconds=${seconds_most:-$(awk -v ns=$(($(date +%s%N) - start)) 'BEGIN { print ns * 2e-9 }')}
	export DSM_RESTORE=$dir
	for ((i = 0; i < kills; i++)); do
		some_nodes 1 2 3 4
		begun='' && ((i % 2)) && begun=begun
		us=$(awk -v r=$((RANDOM * 32768 + RANDOM)) -v s="$seconds" 'BEGIN { printf "%d", r / 2^30 * s * 1e6 }')
		# shellcheck disable=SC2086 # words
		run_job $limit "$nodes" "$2" $program "$dir" 1000000000 kill $((RANDOM % nodes)) "$us" $begun \
			${ways[RANDOM % ${#ways[@]}]} ${huge:+huge} >"$tmp/said" 2>&1
		status=$?
		grep -q 'checkpoint.c:.*does not hold\|word .* after round' "$tmp/said" &&
			fail "$*, $nodes nodes: $(cat "$tmp/said")"
		[ $status != 124 ] || fail "$*: a job with a killed node hangs: $(cat "$tmp/said")"
		[ $status = 137 ] || fail "$*, $nodes nodes: status $status, not killed: $(cat "$tmp/said")"
		check_all "$dir" "$2"
		echo "kill $((i + 1)): after $us us${begun:+ of computing}, then $nodes nodes from round $was"
	done
	unset DSM_RESTORE DSM_FAULTS
	rm -rf "$dir"
	echo "$*: $kills kills, $moved after another checkpoint, the last after round $was"
}

if [ $# = 0 ]; then
	kill_often "${deliveries%% *}" shm
	kill_often "${deliveries##* }" tcp
else
	case ${5-pte} in pmd) huge=huge ;; *) huge= ;; esac
	kill_often "${deliveries##* }" "${4-auto}" $huge
fi
