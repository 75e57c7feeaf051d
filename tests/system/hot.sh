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
	local job go end said page
	tools/dsmctl run -t 60 -n 2 "$@" -- tests/system/sharing <"$dir/go" >"$dir/said" &
	job=$!
	exec {go}>"$dir/go"
	end=$((SECONDS + 30))
	until grep -q ready "$dir/said"; do
		((SECONDS < end)) || fail "the job does not get ready: $(cat "$dir/said")"
		sleep 0.1
	done
	said=$(tools/dsmctl hot) || fail "status $?: $said"
	page=$(block '(left)')
	[[ $page == *"faults, false sharing"* ]] || fail "no false sharing: $said"
	[[ $page =~ "rank 0: ".*"at bytes 0-63 (left)".*"rank 1: ".*"2048-2111 (right)" ]] ||
		fail "not by name: $said"
	[[ $(block '(same + 64)') == *"faults, shared"* ]] || fail "the word of both is not shared: $said"
	[[ $(block '(alone)') == *", one node"* ]] || fail "the page of one node is not: $said"
	[[ $said == *"alignment of the page's size"* ]] || fail "no advice: $said"
	tools/dsmctl hot --json | grep -q '"verdict": "false sharing"' || fail "no JSON of it"
	printf '%s\n' "$said"
	exec {go}>&-
	wait $job || fail "the job failed: $(cat "$dir/said")"
}

look
look -f signal
