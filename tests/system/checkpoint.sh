#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A job saves itself after each round, and goes on from what it has saved, on another number of nodes:
# what is there then is what was there when it was saved, word by word.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
export DSM_REGION=64M
program=tests/system/checkpoint

# --- what is saved by so many nodes is there on so many others ---
# then on others again: handles of mutexes have gone through two jobs.
hops() {
	local nodes=$1 round=0 provider
	rm -rf "$tmp/plain"
	unset DSM_RESTORE
	for nodes; do
		provider=auto
		[ $((round % 4)) != 2 ] || provider=tcp
		round=$((round + 2))
		job 60 "$nodes" $provider $program "$tmp/plain" $round
		export DSM_RESTORE=$tmp/plain
	done
	unset DSM_RESTORE
}
hops 4 1 2
hops 1 3

# is_compressed DIR: as much as may be
is_compressed() {
	tools/dsmctl checkpoint info "$1" | awk '/^compressed: / { found = 1; ok = $5 * 2 < $2 } END { exit !(found && ok) }' ||
		fail "not compressed: $(tools/dsmctl checkpoint info "$1")"
}
can_compress=compress
grep -q '^#define HAVE_ZSTD 1' config.h || can_compress=

# --- chains ---
# chain MODE: of three nodes, on two a new one, all of which is read on one
chain() {
	rm -rf "$tmp/plain"
	# shellcheck disable=SC2086 # one word, or none
	job 60 3 auto $program "$tmp/plain" 4 $1 incremental
	tools/dsmctl checkpoint verify "$tmp/plain" || fail "the chain is not whole"
	tools/dsmctl checkpoint info "$tmp/plain" | grep -q 'lies on 3 others' || fail "no chain"
	[ "$(find "$tmp/plain" -name '0*' -type d | wc -l)" = 4 ] || fail "$(ls "$tmp/plain")"
	[[ $1 != *compress && $1 != mixed ]] || is_compressed "$tmp/plain"
	DSM_RESTORE=$tmp/plain job 60 2 auto $program "$tmp/plain" 6 incremental
	tools/dsmctl checkpoint info "$tmp/plain" | grep -q 'lies on 1 others' || fail "no new chain"
	[ "$(find "$tmp/plain" -name '0*' -type d | wc -l)" = 2 ] || fail "$(ls "$tmp/plain")"
	tools/dsmctl checkpoint extract "$tmp/plain" word "$tmp/word" || fail "no block in a chain"
	DSM_RESTORE=$tmp/plain job 60 1 auto $program "$tmp/plain" 7
}
chain ''
chain background
if [ $can_compress ]; then
	job 60 3 auto $program "$tmp/packed" 2 compress
	is_compressed "$tmp/packed"
	DSM_RESTORE=$tmp/packed job 60 2 auto $program "$tmp/packed" 4
	tools/dsmctl checkpoint info "$tmp/packed" | grep -q '^compressed' && fail "compressed without a word"
	# Whatever the program says, as node 0's environment does.
	DSM_RESTORE=$tmp/packed job 60 2 auto bash -c '[ $DSM_RANK = 0 ] && export DSM_CHECKPOINT_COMPRESS=1; exec "$@"' \
		sh $program "$tmp/packed" 6 background
	is_compressed "$tmp/packed"
	chain 'background compress'
	chain mixed
else
	run_job 60 2 auto $program "$tmp/packed" 2 compress >"$tmp/said" 2>&1 && fail "compressed, without libzstd"
	grep -q 'built without libzstd' "$tmp/said" || fail "$(cat "$tmp/said")"
	[ ! -e "$tmp/packed/manifest" ] || fail "something was saved"
fi
# Both checkpoints of a chain have pages of one run.
rm -rf "$tmp/plain"
job 60 2 auto tests/system/layers "$tmp/plain"
# The last one has what was written since the one before, and no more.
pages=$(tools/dsmctl checkpoint info "$tmp/plain" | awk '/^node / { n += $3 } END { print n }')
[ "$pages" = 1 ] || fail "a page was written, and $pages are saved"
for nodes in 1 2; do
	DSM_RESTORE=$tmp/plain job 60 $nodes auto tests/system/layers
done
# One that is longer than it may be begins anew: CHECKPOINT_LONG, for it takes long.
[ "${CHECKPOINT_LONG-}" ] || exit 0
rm -rf "$tmp/plain"
job 60 1 auto $program "$tmp/plain" 18 incremental
tools/dsmctl checkpoint info "$tmp/plain" | grep -q 'lies on 1 others' || fail "no end of a chain"
