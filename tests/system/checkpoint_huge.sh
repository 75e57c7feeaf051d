#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Pages of 2 MiB are saved and restored, too, on other numbers of nodes.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
need_huge_pages 48
tmp=$(mktemp -d) || exit 1
undo=$(trap -p EXIT | sed "s/^trap -- '//; s/' EXIT$//; s/'\\\\''/'/g")
# shellcheck disable=SC2064 # what need_huge_pages has set
trap "rm -rf '$tmp'; $undo" EXIT
export DSM_REGION=64M
program=tests/system/checkpoint

job 60 2 auto $program "$tmp/c" 2 huge
DSM_RESTORE=$tmp/c job 60 3 tcp $program "$tmp/c" 4 huge
DSM_RESTORE=$tmp/c job 60 1 auto $program "$tmp/c" 6 huge
tools/dsmctl checkpoint info "$tmp/c" | grep -q '1 of 2 MiB' || fail "no huge page was saved"
tools/dsmctl checkpoint extract "$tmp/c" word "$tmp/word" && [ "$(stat -c %s "$tmp/word")" = 2097152 ] ||
	fail "the block is not extracted"
DSM_RESTORE=$tmp/c run_job 60 2 auto $program "$tmp/c" 6 >"$tmp/said" 2>&1 && fail "without huge pages"
grep -q 'set DSM_REGION and DSM_HUGE' "$tmp/said" || fail "$(cat "$tmp/said")"
rm -rf "$tmp/c"
compress=compress
grep -q '^#define HAVE_ZSTD 1' config.h || compress=
# shellcheck disable=SC2086 # a word, or none
job 60 2 auto $program "$tmp/c" 4 background incremental $compress huge
DSM_RESTORE=$tmp/c job 60 1 tcp $program "$tmp/c" 6 huge
for how in here wait; do
	rm -rf "$tmp/c"
	job 60 2 auto tests/system/checkpoint_moment "$tmp/c" $how huge
	DSM_RESTORE=$tmp/c job 60 1 auto tests/system/checkpoint_moment "$tmp/c" $how huge
done
