#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# README's commands, as somebody pastes them who reads it from the top.
#
#	readme.sh block TEXT    prints the one block of code that has TEXT in it
#	readme.sh run           builds, installs, and runs the first program on four nodes, and on
#	                        two that are started by hand; checks what they say
#
# Works in the sources, which it changes, and installs: only for machines that are nobody's.
set -eu
cd "$(dirname "$0")/../.."
top=$PWD

fail() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

block() {
	awk -v text="$1" '
		/^```/ {
			if (inside && index(code, text)) {
				printf "%s", code
				found++
			}
			inside = !inside
			code = ""
			next
		}
		inside { code = code $0 "\n" }
		END { exit found != 1 }' "$top/README.md" || fail "README has not one block of $1"
}

# paste_block TEXT: types the block with TEXT into a shell, at which it ends when a command fails.
paste_block() {
	block "$1" >"$tmp/pasted"
	printf '\n== README: %s\n' "$1"
	# Not "bash FILE": each shell of ours starts where the last one went.
	set -x
	# shellcheck source=/dev/null
	. "$tmp/pasted"
	{ set +x; } 2>/dev/null
}

# says FILE LINE...: these lines, and no others, in whatever order
says() {
	local file=$1
	shift
	[ "$(sort "$file")" = "$(printf '%s\n' "$@" | sort)" ] || fail "not $*: $(cat "$file")"
}

# The two lines of a job that is started by hand are for two shells.
by_hand() {
	local lines line pids=() pid
	mapfile -t lines < <(block DSM_RENDEZVOUS)
	[ ${#lines[@]} = 2 ] || fail "README starts ${#lines[@]} nodes by hand, not 2"
	for line in "${lines[@]}"; do
		printf '\n== README: %s\n' "$line"
		timeout 60 bash -c "$line" >>"$tmp/by-hand" &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || fail "by hand: status $?: $(cat "$tmp/by-hand")"
	done
	says "$tmp/by-hand" 'node 0 sees 3' 'node 1 sees 3'
}

run() {
	tmp=$(mktemp -d)
	trap 'rm -rf "$tmp"' EXIT
	paste_block ../configure # ends in the build directory
	timeout 300 bash -ec "$(block examples/heat)" >"$tmp/heat"
	grep 'verified: all rows' "$tmp/heat" || fail "heat is not verified: $(cat "$tmp/heat")"

	mkdir "$tmp/first" && cd "$tmp/first"
	block 'int main(void)' >sum.c
	paste_block 'cc sum.c' >"$tmp/first.out"
	says <(grep -v '^$\|^==' "$tmp/first.out") '[0] node 0 sees 10' '[1] node 1 sees 10' \
		'[2] node 2 sees 10' '[3] node 3 sees 10'
	by_hand
	printf '\nREADME: all as it says\n'
}

case ${1-} in
block) block "$2" ;;
run) run ;;
*) sed -n 's/^#\t//p' "$0" >&2 && exit 2 ;;
esac
