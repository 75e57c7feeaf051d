#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Do files of the coherence core call each other in a circle? Of its objects, those that define
# a symbol are below those that want it, and home, cache and sync know nothing of each other.
set -u
archive=.libs/libcoherence.a
top=${srcdir:-.}
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT

[ -f "$archive" ] || { echo "check_circles: $archive is missing"; exit 99; }
LC_ALL=C nm -A "$archive" >"$tmp/symbols" || exit 99

# Lines "user below": the file that wants a symbol, the file that defines it.
tr ':' ' ' <"$tmp/symbols" | awk '
	{ object = $2; sub(/\.o$/, "", object); symbol = $NF; kind = $(NF - 1) }
	kind == "U" { wants[object " " symbol] = 1 }
	kind ~ /^[A-TV-Z]$/ { file[symbol] = object }
	END {
		for (want in wants) {
			split(want, part, " ")
			if (part[2] in file)
				print part[1], file[part[2]]
		}
	}' | sort -u >"$tmp/arrows"
[ "$(wc -l <"$tmp/arrows")" -ge 30 ] || { echo "check_circles: too few calls to be true"; exit 99; }

failures=0
if ! tsort "$tmp/arrows" >/dev/null 2>"$tmp/circle"; then
	echo "check_circles: files of the core call each other in a circle:"
	sed 's/^tsort: /  /; s/^.*input contains a loop:$/a circle:/' "$tmp/circle"
	failures=1
fi

# The room of a file: home, cache, sync, or nothing for what is below or above all.
room() {
	(cd "$top/coherence" && echo */"$1.c" | sed -n 's,/.*\.c$,,; /[*]/!p')
}
while read -r user below; do
	from=$(room "$user") to=$(room "$below")
	if [ -n "$from" ] && [ -n "$to" ] && [ "$from" != "$to" ]; then
		echo "check_circles: coherence/$from/$user.c calls coherence/$to/$below.c"
		failures=1
	fi
done <"$tmp/arrows"
[ "$failures" = 0 ] && echo "check_circles: $(wc -l <"$tmp/arrows") arrows, no circle"
[ "$failures" = 0 ]
