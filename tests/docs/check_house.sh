#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Is the house as CONTRIBUTING.md draws it? Its table names the rooms from the top floor down, the
# headers by which others may know each, and whom each may know. Wrong are: a room in the table
# that knows one above it; an include or a call that the table does not allow; an include of a
# private header of another room; files of one room that call each other in a circle.
#
# Includes are read from the sources, calls from the symbols of the objects in the build directory:
# where it is, as in make check, or build/ of the sources. Where nothing is built it says so.
set -u
top=${srcdir:-.}
table=$top/CONTRIBUTING.md
failures=0
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT

wrong() {
	echo "check_house: $*"
	failures=$((failures + 1))
}

# --- the table: lines "room floor", "room header", "room room" ---

sed -n '/^| room | its headers | knows |/,/^$/p' "$table" | tr -d '`,' |
	awk -F ' *[|] *' -v tmp="$tmp" 'NR > 2 {
		print $2, NR > (tmp "/floors")
		n = split($3, header, " "); for (i = 1; i <= n; i++) print $2 "/" header[i] > (tmp "/headers")
		n = split($4, known, " "); for (i = 1; i <= n; i++) print $2, known[i] > (tmp "/knows")
	}'
[ "$(wc -l <"$tmp/floors")" -ge 14 ] || { echo "check_house: no table in $table"; exit 99; }
awk 'NR == FNR { floor[$1] = $2; next }
	!($2 in floor) { print $1 " knows " $2 ", which is no room"; next }
	floor[$2] <= floor[$1] { print "the table lets " $1 " know " $2 ", which is above it" }
	' "$tmp/floors" "$tmp/knows" >"$tmp/up"
while read -r line; do wrong "$line"; done <"$tmp/up"

# The room of each file: the longest name of a room that its path begins with.
room_awk='
	function room(path,   at) {
		for (at = path; sub(/\/[^\/]*$/, "", at); ) if (at in floor) return at
		return ""
	}'

# --- includes ---

(cd "$top" && find coherence transport dsm tools examples -name '*.[ch]' -o -name '*.hpp') | sort >"$tmp/files"
[ "$(wc -l <"$tmp/files")" -ge 200 ] || { echo "check_house: too few sources to be true"; exit 99; }
(cd "$top" && xargs grep -H '^#include "' <"$tmp/files") |
	sed -n 's,^\([^:]*\):#include "\([a-z][^"]*/[^"]*\)".*,\1 \2,p' >"$tmp/includes"
awk "$room_awk"'
	FILENAME ~ /floors$/ { floor[$1] = $2; next }
	FILENAME ~ /headers$/ { public[$1] = 1; next }
	FILENAME ~ /knows$/ { knows[$1 " " $2] = 1; next }
	{
		from = room($1); to = room($2)
		if (from == "") print $1 " is in no room of the table"
		else if (to == "" || from == to) next
		else if (!((from " " to) in knows)) print $1 " includes " $2 ": " from " does not know " to
		else if (!($2 in public)) print $1 " includes " $2 ", a private header of " to
	}' "$tmp/floors" "$tmp/headers" "$tmp/knows" "$tmp/includes" | sort -u >"$tmp/bad"
while read -r line; do wrong "$line"; done <"$tmp/bad"

# --- calls ---

built=.
[ -e config.status ] || built=$top/build
[ -e "$built/dsm" ] || built=

# Lines "file symbol" of those that want one and of those that define one. libtool names an
# object after its library, too: dsm/node/.libs/libnode_la-engine.o is of dsm/node/engine.c.
touch "$tmp/objects" "$tmp/wants" "$tmp/defines"
[ -z "$built" ] || (cd "$built" &&
	find coherence transport dsm -name '*.o' -path '*/.libs/*' ! -name '*mutants*') |
	LC_ALL=C sort >"$tmp/objects"
(cd "${built:-.}" && xargs -r nm -A 2>/dev/null) <"$tmp/objects" | sed 's,/\.libs/,/,; s,/lib[a-z]*_la-,/,; s,\.o:, ,' |
	awk -v tmp="$tmp" '
		$(NF - 1) == "U" { print $1 ".c", $NF > (tmp "/wants") }
		$(NF - 1) ~ /^[A-TV-Z]$/ { print $1 ".c", $NF > (tmp "/defines") }'
awk "$room_awk"'
	FILENAME ~ /floors$/ { floor[$1] = $2; next }
	# A library of its own, which defines what libc has: what is not in it is public, or does not link.
	function scope(path) { return path ~ /^dsm\/threads\// ? "threads " : "" }
	FILENAME ~ /defines$/ { file[scope($1) $2] = $1; next }
	{ symbol = scope($1) $2 }
	symbol in file && file[symbol] != $1 { print $1, file[symbol], room($1), room(file[symbol]), $2 }
	' "$tmp/floors" "$tmp/defines" "$tmp/wants" | sort -u >"$tmp/calls"
[ -n "$built" ] || echo "check_house: nothing is built here: calls are not looked at"
[ -z "$built" ] || [ "$(wc -l <"$tmp/calls")" -ge 300 ] ||
	{ echo "check_house: too few calls to be true"; exit 99; }
awk 'NR == FNR { knows[$1 " " $2] = 1; next }
	$3 != $4 && !(($3 " " $4) in knows) { print $1 " calls " $5 " of " $2 ": " $3 " does not know " $4 }
	' "$tmp/knows" "$tmp/calls" >"$tmp/bad"
while read -r line; do wrong "$line"; done <"$tmp/bad"

# Circles within a room.
while read -r room _; do
	awk -v room="$room" '$3 == room && $4 == room { print $1, $2 }' "$tmp/calls" | sort -u >"$tmp/arrows"
	tsort "$tmp/arrows" >/dev/null 2>"$tmp/circle" && continue
	wrong "files of $room call each other in a circle:"
	sed 's/^tsort: /  /; /input contains a loop:$/d' "$tmp/circle"
done <"$tmp/floors"

if [ "$failures" = 0 ]; then
	echo "check_house: $(wc -l <"$tmp/floors") rooms, $(wc -l <"$tmp/includes") includes," \
		"$(wc -l <"$tmp/calls") calls"
fi
[ "$failures" = 0 ]
