#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Is the table in docs/protocol.md the one that the code runs? With --update it is made so:
#	srcdir=../the/sources ../the/sources/tests/coherence/check_table.sh --update
set -u
doc=${srcdir:-.}/docs/protocol.md
begin='<!-- The tables, printed by tests/coherence/print_table: begin -->'
end='<!-- The tables: end -->'
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT

tests/coherence/print_table >"$tmp/table" && [ -s "$tmp/table" ] || exit 99
for mark in "$begin" "$end"; do
	[ "$(grep -cxF "$mark" "$doc")" = 1 ] || { echo "check_table: $doc lacks: $mark"; exit 1; }
done
awk -v begin="$begin" -v end="$end" -v table="$tmp/table" '
	$0 == end { inside = 0 }
	!inside { print }
	$0 == begin { inside = 1; while ((getline line < table) > 0) print line }
' "$doc" >"$tmp/doc"
cmp -s "$tmp/doc" "$doc" && exit 0
if [ "${1:-}" = --update ]; then
	cp "$tmp/doc" "$doc"
	exit 0
fi
diff "$doc" "$tmp/doc"
echo "check_table: docs/protocol.md tells another protocol than the code; see $0 --update"
exit 1
