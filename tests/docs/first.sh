#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# README's first program, built as tests/docs/first: it runs as README says, and where it cannot
# start it says why.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/../system/lib.sh"
need_nodes

tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT

tools/dsmctl run -n 4 -t 60 tests/docs/first >"$tmp/out" || fail "status $? on 4 nodes: $(cat "$tmp/out")"
[ "$(sort "$tmp/out")" = "$(printf '[%d] node %d sees 10\n' 0 0 1 1 2 2 3 3)" ] ||
	fail "on 4 nodes: $(cat "$tmp/out")"

DSM_REGION=many DSM_LOG=error tests/docs/first >"$tmp/out" 2>"$tmp/err" && fail "it runs without a region"
grep -q "^sum: DSM_REGION is 'many'" "$tmp/err" || fail "it fails in silence: $(cat "$tmp/err")"

# A node that comes late is waited for, however long that takes: the others sleep meanwhile.
grep -q 'dsm_lookup(.*, -1, ' tests/docs/first.c || fail "the first program does not wait for node 0"
echo "first: it runs on four nodes, and says why where it does not"
