#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# dsmctl hot names the lines of a program that share a page falsely, and their bytes, whatever the
# delivery of faults: in the executable, in a library; where these are stripped the symbol, or the
# file and the offset in it. It also says the page's name.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
source=$(realpath "${srcdir:-$(dirname "$0")/../..}")/tests/system/falsely_lines.c
ldd tools/dsmctl | grep -q libdw || { echo "built without libdw"; exit 77; }
dir=$(mktemp -d) || exit 1
export TMPDIR=$dir # jobs of our own only
unset XDG_RUNTIME_DIR
trap 'rm -rf "$dir"' EXIT
mkfifo "$dir/go"

# line SIDE: where in the source its word is
line() { awk -v mark="/* $1 */" 'index($0, mark) { print NR; exit }' "$source"; }

# bytes RANGE: as it is said where instructions are looked at, else where it begins
bytes() {
	if ldd tools/dsmctl | grep -q libcapstone && [ "$(uname -m)" = x86_64 ]; then
		echo "bytes $1"
	else
		echo "bytes from ${1%-*}"
	fi
}

# seen SAID LEFT RIGHT: it was said that node 0 writes LEFT and node 1 RIGHT
seen() {
	[[ $1 == *"node 0 writes $2 $(bytes 0-7), node 1 writes $3 $(bytes 8-15),"* ]] &&
		[[ $1 == *'same page of block "grid"'* ]]
}

# look CHECK OPTION... -- PROGRAM: what hot says of the job is for CHECK to judge. How soon both nodes
# are seen to fault often is not for us to say.
look() {
	local check=$1 job go end=$((SECONDS + hang))
	shift
	: >"$dir/said" # what the job before has said; the shell of this one may come to it late
	tools/dsmctl run -t $hang -n 2 "$@" <"$dir/go" >"$dir/said" 2>&1 &
	job=$!
	exec {go}>"$dir/go"
	wait_until "the job is ready" grep ready "$dir/said" >/dev/null || exit
	until said=$(tools/dsmctl hot -t 0.5 2>&1) && $check; do
		((SECONDS < end)) || fail "$*: hot does not say so: $said"
	done
	printf '%s\n' "$said"
	tools/dsmctl hot --json -t 0 >"$dir/json" || fail "$*: no JSON"
	exec {go}>&-
	wait $job || fail "the job failed: $(cat "$dir/said")"
}

by_line() {
	seen "$said" "falsely_lines.c:$(line left) (put_left)" \
		"falsely_lines.c:$(line right) (put_right)" && [[ $said == *", false sharing"* ]]
}

# Of a library of which nothing but what it exports is known.
by_symbol() { seen "$said" "put_left in libfalsely.so" "put_right in libfalsely.so"; }

# in_function FUNCTION OFFSET: whether it is in that function of the program, by its symbols
in_function() {
	nm -S tests/system/falsely | while read -r at size _ name; do
		[ "$name" != "$1" ] || echo $(($2 >= 0x$at && $2 < 0x$at + 0x$size))
	done | grep -q 1
}

# Of a program without symbols: file and offset.
by_offset() {
	[[ $said =~ "node 0 writes stripped+"(0x[0-9a-f]+)" $(bytes 0-7), node 1 writes stripped+"(0x[0-9a-f]+)" $(bytes 8-15)," ]] ||
		return
	in_function put_left "${BASH_REMATCH[1]}" || fail "not in put_left: $said"
	in_function put_right "${BASH_REMATCH[2]}" || fail "not in put_right: $said"
}

mkdir "$dir/lib"
strip -o "$dir/stripped" tests/system/falsely || fail "cannot strip"
strip -o "$dir/lib/libfalsely.so" tests/system/.libs/libfalsely.so || fail "cannot strip"
for delivery in event signal; do
	[ $delivery = signal ] || DSM_FAULTS=event tests/system/api identity >/dev/null 2>&1 || continue
	look by_line -f $delivery -- tests/system/falsely
	jq -e --argjson line "$(line left)" '[.jobs[0].total[] | select(.name == "grid").nodes[0].lines[0]][0]
		| .line == $line and .function == "put_left" and .write and .first == 0 and
		  (.file | endswith("falsely_lines.c"))' "$dir/json" >/dev/null ||
		fail "JSON: $(cat "$dir/json")"
	look by_line -f $delivery -- tests/system/falsely-lib
	look by_symbol -f $delivery -- env LD_LIBRARY_PATH="$dir/lib" tests/system/falsely-lib
	look by_offset -f $delivery -- "$dir/stripped"
done
tools/dsmctl hot -t 5 2>"$dir/said"
[ $? = 2 ] || fail "a time that is too long: $(cat "$dir/said")"
