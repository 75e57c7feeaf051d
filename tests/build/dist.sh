#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# make dist packs what git has, without running the tests. Works in the build directory.
set -u
tmp=$(mktemp -d) || exit 99
trap 'chmod -R u+w "$tmp" && rm -rf "$tmp"' EXIT
top=$(cd "${srcdir:-.}" && pwd) || exit 99
MAKEFLAGS=
export MAKEFLAGS

# What only git and continuous integration use. This is the one list of it.
not_packed='^\.gitignore$|^\.ci/'

fail() {
	echo "dist: $*"
	exit 1
}

if [ ! -e "$top/.git" ] || ! git -C "$top" ls-files -z >"$tmp/git0" 2>"$tmp/err"; then
	echo "dist: skipped, the sources are no checkout of git: $(cat "$tmp/err" 2>/dev/null)"
	exit 77
fi
tr '\0' '\n' <"$tmp/git0" | while read -r file; do
	[ -e "$top/$file" ] && echo "$file" # or it is about to be removed
done | grep -vE "$not_packed" | sort >"$tmp/git"

make -n distdir distdir="$tmp/packed" >"$tmp/plan" 2>&1 || fail "make -n distdir: $(tail -n 5 "$tmp/plan")"
grep -q 'check-TESTS\|test-suite\.log' "$tmp/plan" && fail "make dist runs the tests"
make -s distdir distdir="$tmp/packed" >"$tmp/log" 2>&1 || fail "make distdir: $(tail -n 5 "$tmp/log")"
(cd "$tmp/packed" && find . ! -type d) | sed 's,^\./,,' | sort >"$tmp/packed.list"
missing=$(comm -23 "$tmp/git" "$tmp/packed.list")
[ -z "$missing" ] || fail "not packed: $missing"
(cd "$top" && tr '\n' '\0' <"$tmp/git" | xargs -0 sha1sum) >"$tmp/sums"
(cd "$tmp/packed" && sha1sum -c --quiet "$tmp/sums") >"$tmp/log" 2>&1 || fail "packed otherwise: $(cat "$tmp/log")"
(cd "$top" && tr '\n' '\0' <"$tmp/git" | xargs -0 sh -c 'for f; do [ ! -x "$f" ] || echo "$f"; done' -) |
	while read -r file; do
		[ -x "$tmp/packed/$file" ] || echo "$file"
	done >"$tmp/log"
[ ! -s "$tmp/log" ] || fail "not executable: $(cat "$tmp/log")"
make -n install-dist_docDATA | grep -q LICENSE || fail "LICENSE is not installed"
echo "dist: $(wc -l <"$tmp/git") files of git are packed"
