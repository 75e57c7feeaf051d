#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The audit: it names a page that was not taken away, to the node and to dsmctl.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
job 60 2 auto tests/system/audit
DSM_FAULTS=signal job 60 2 auto tests/system/audit

dir=$(mktemp -d) || exit 1
export TMPDIR=$dir # jobs of our own only
unset XDG_RUNTIME_DIR
trap 'rm -rf "$dir"' EXIT
mkfifo "$dir/go"
tools/dsmctl run -t $hang -n 2 -- tests/system/audit --hold <"$dir/go" >"$dir/said" &
job=$!
exec {go}>"$dir/go"
page=$(wait_until "a page is lied about" grep -o 'lies about page .*' "$dir/said") || exit
page=${page##* }
said=$(tools/dsmctl audit) && fail "dsmctl audit finds nothing: $said"
[[ $said == *"rank 0: page $page at 0x"*"should be none, is mapped"* ]] ||
	fail "dsmctl audit does not name page $page: $said"
[[ $said =~ "rank 1: "[1-9][0-9]*" pages compared, 0 wrong" ]] ||
	fail "rank 1 has nothing to hide: $said"
tools/dsmctl audit --json | grep -q '"disagreements": 1' || fail "no JSON of it"
printf '%s\n' "$said"
exec {go}>&-
wait "$job" || fail "the job failed: $(cat "$dir/said")"
