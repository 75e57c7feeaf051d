#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What was saved in pages of one size goes on in those of the other, where it was, on other numbers of nodes,
# and can be saved again: DSM_RESTORE_PAGES, dsmctl run --restore-pages.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
need_huge_pages 60
tmp=$(mktemp -d) || exit 1
undo=$(trap -p EXIT | sed "s/^trap -- '//; s/' EXIT$//; s/'\\\\''/'/g")
# shellcheck disable=SC2064 # what need_huge_pages has set
trap "rm -rf '$tmp'; $undo" EXIT
export DSM_REGION=17M # the huge pages begin behind a gap
program=tests/system/checkpoint

# pages SIZE: of the newest checkpoint of the chain, so many of that size are in the files
pages() {
	tools/dsmctl checkpoint info "$tmp/c" | awk -v size="$1" '/^node / { small += $3; huge += $8 }
		END { print size == "small" ? small : huge }'
}

# go SIZE NODES PROVIDER ARG...: goes on in pages of that size
go() {
	local size=$1 nodes=$2 provider=$3
	shift 3
	DSM_RESTORE=$tmp/c DSM_RESTORE_PAGES=$size job 60 "$nodes" "$provider" $program "$tmp/c" "$@"
}

# says PATTERN: what dsmctl says of the checkpoint now
says() {
	tools/dsmctl checkpoint info "$tmp/c" | grep -q "$1" || fail "not '$1': $(tools/dsmctl checkpoint info "$tmp/c")"
}

# refused SIZE PATTERN ENVIRONMENT...: it does not go on so, and says why
refused() {
	local size=$1 pattern=$2
	shift 2
	env DSM_RESTORE="$tmp/c" DSM_RESTORE_PAGES="$size" "$@" timeout 60 tools/dsmctl run -t 50 -n 2 -- \
		$program "$tmp/c" 99 >"$tmp/said" 2>&1 && fail "it went on: $size $*"
	grep -q "$pattern" "$tmp/said" || fail "not '$pattern': $(cat "$tmp/said")"
}

# --- both sizes, all of which goes on in small ones, and in huge ones ---
job 60 2 auto $program "$tmp/c" 2 huge
says 'region: 17825792 bytes, and 8388608 in huge pages, at 0x7e9000000000'
cp -r "$tmp/c" "$tmp/both"
go small 3 tcp 3
says 'region: 27262976 bytes, and 0 in huge pages, at 0x7e9000000000'
[ "$(pages huge)" = 0 ] || fail "huge pages were saved by a job that has none"
DSM_REGION=26M go auto 1 auto 4
go huge 2 auto 5
says 'region: 18874368 bytes, and 27262976 in huge pages, at 0x7e8ffee00000'
[ "$(pages small)" = 0 ] || fail "small pages were saved by a job that has nothing in them"
DSM_REGION=18M DSM_HUGE=26M go auto 3 tcp 6
go small 1 auto 7
says 'region: 46137344 bytes, and 0 in huge pages, at 0x7e8ffee00000'
rm -rf "$tmp/c"
cp -r "$tmp/both" "$tmp/c"
go huge 1 auto 3
go small 2 auto 4

# --- what nobody asks for is not read; and blocks are given back, whose pages were their own or are others' ---
rm -rf "$tmp/c"
job 60 2 auto $program "$tmp/c" 2
for nodes in 1 3; do
	DSM_RESTORE=$tmp/both DSM_RESTORE_PAGES=small job 60 $nodes auto tests/system/touched 512 500 0
	DSM_RESTORE=$tmp/both DSM_RESTORE_PAGES=huge job 60 $nodes auto tests/system/touched 1 2 1
	DSM_RESTORE=$tmp/c DSM_RESTORE_PAGES=huge job 60 $nodes auto tests/system/touched 1 2 1
done

# --- small ones only, and where faults come as signals ---
rm -rf "$tmp/c"
job 60 3 auto $program "$tmp/c" 2
DSM_FAULTS=signal go huge 2 auto 3
DSM_FAULTS=signal go small 3 auto 4

# --- chains: what is newest counts, and what is gone since is zero ---
compress=compress
grep -q '^#define HAVE_ZSTD 1' config.h || compress=
for how in '' "background $compress"; do
	for huge in '' huge; do
		rm -rf "$tmp/c"
		# shellcheck disable=SC2086 # words, or none
		job 60 3 auto $program "$tmp/c" 4 $how incremental $huge
		says 'lies on 3 others'
		cp -r "$tmp/c" "$tmp/chain"
		for size in small huge; do
			rm -rf "$tmp/c"
			cp -r "$tmp/chain" "$tmp/c"
			go $size 2 auto 6 incremental
			says 'lies on 1 others'
			go small 1 auto 7
		done
		rm -rf "$tmp/chain"
	done
done

# --- what is refused ---
rm -rf "$tmp/c"
cp -r "$tmp/both" "$tmp/c"
refused middle 'DSM_RESTORE_PAGES is .middle.; it must be small, huge or auto'
refused huge 'huge pages of 2 MiB are needed' DSM_HUGE=64G
refused huge 'some are taken here, by' DSM_HUGE=2T
DSM_RESTORE=$tmp/c DSM_RESTORE_PAGES=huge run_job 60 2 auto bash -c '[ $DSM_RANK = 1 ] && export DSM_RESTORE_PAGES=small; exec "$@"' \
	sh $program "$tmp/c" 99 >"$tmp/said" 2>&1 && fail "nodes have pages of different sizes"
grep -q 'DSM_RESTORE_PAGES must be the same on all nodes' "$tmp/said" || fail "$(cat "$tmp/said")"

# --- for dsmctl, as a flag ---
tools/dsmctl run -t 60 -n 2 --restore "$tmp/c" --restore-pages huge -- $program "$tmp/c" 8 ||
	fail "not by --restore-pages"
says '^region: .* and [1-9][0-9]* in huge pages'
tools/dsmctl run -n 2 --restore-pages huge -- true 2>"$tmp/said" && fail "--restore-pages without --restore"
tools/dsmctl run -n 2 --restore "$tmp/c" --restore-pages 4K -- true 2>"$tmp/said" && fail "--restore-pages 4K"
grep -q 'small, huge or auto' "$tmp/said" || fail "$(cat "$tmp/said")"
