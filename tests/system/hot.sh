#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# dsmctl hot tells false sharing from sharing, by name, whatever the delivery of faults.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
dir=$(mktemp -d) || exit 1
export TMPDIR=$dir # jobs of our own only
unset XDG_RUNTIME_DIR
trap 'rm -rf "$dir"' EXIT
mkfifo "$dir/go"

# block TEXT: of what was said, the lines on the page that has TEXT in one of them
block() {
	awk -v text="$1" '/^page |^[^ ]/ { if (index(lines, text)) print lines; lines = "" }
		{ lines = lines $0 "\n" } END { if (index(lines, text)) print lines }' <<<"$said"
}

look() {
	local job go said page
	: >"$dir/said" # what the job before has said; the shell of this one may come to it late
	tools/dsmctl run -t $hang -n 2 "$@" -- tests/system/sharing <"$dir/go" >"$dir/said" &
	job=$!
	exec {go}>"$dir/go"
	wait_until "the job is ready" grep ready "$dir/said" || exit
	said=$(tools/dsmctl hot) || fail "status $?: $said"
	page=$(block '(left)')
	[[ $page == *"faults, false sharing"* ]] || fail "no false sharing: $said"
	[[ $page =~ "rank 0: ".*"at bytes 0-63 (left)".*"rank 1: ".*"2048-2111 (right)" ]] ||
		fail "not by name: $said"
	[[ $(block '(same + 64)') == *"faults, shared"* ]] || fail "the word of both is not shared: $said"
	[[ $(block '(alone)') == *", one node"* ]] || fail "the page of one node is not: $said"
	[[ $said =~ pages\ [0-9]+-[0-9]+\ at\ 0x[0-9a-f]+\ \(rows\):\ [0-9]+\ faults,\ shared ]] ||
		fail "pages of one block are not shown as one: $said"
	[[ $said != *'(rare)'* ]] || fail "a page that hardly faults is shown: $said"
	[[ $(tools/dsmctl hot --json -t 0) == *'"rare"'* ]] || fail "JSON has not all"
	[[ $said == *"alignment of the page's size"* ]] || fail "no advice: $said"
	tools/dsmctl hot --json | grep -q '"verdict": "false sharing"' || fail "no JSON of it"
	printf '%s\n' "$said"
	exec {go}>&-
	wait $job || fail "the job failed: $(cat "$dir/said")"
}

look
look -f signal
