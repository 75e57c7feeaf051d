#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The pictures that README and docs/ show are there, are installed, and are well formed; those that
# docs/pictures/draw.py draws by itself are what it draws.
set -u
top=$(cd "${srcdir:-.}" && pwd) || exit 99
python=$(command -v python3) || { echo "there is no python3"; exit 77; }
fail() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

for picture in rooms miss; do
	"$python" "$top/docs/pictures/draw.py" $picture | diff -q - "$top/docs/pictures/$picture.svg" ||
		fail "draw.py draws another $picture.svg: make it anew"
done
shown=$(cd "$top" && grep -o '!\[[^]]*\]([^)]*)' README.md docs/*.md |
	sed -n 's,^README.md:.*(\(.*\)),\1,p; s,^docs/[^:]*:.*(\(.*\)),docs/\1,p' | sort -u)
[ "$(wc -l <<<"$shown")" -ge 7 ] || fail "found only $shown"
for picture in $shown; do
	"$python" -c 'import sys, xml.dom.minidom as m
sys.exit(m.parse(sys.argv[1]).documentElement.tagName != "svg")' "$top/$picture" || fail "$picture is no SVG"
	grep -qw "$picture" "$top/docs/local.mk" || fail "$picture is not installed"
done
for picture in "$top"/docs/pictures/*.svg; do
	grep -q "docs/pictures/${picture##*/}$" <<<"$shown" || fail "$picture is shown nowhere"
done
echo "pictures: $(wc -l <<<"$shown")"
