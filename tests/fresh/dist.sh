#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# dist.sh FILES - make dist, and what comes of it: the tar file has what git has, whose names
# FILES has (git ls-files -z), and builds by itself. Works in the sources.
set -eu
files=$1
cd "$(dirname "$0")/../.."
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

fail() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

autoreconf -i
mkdir -p build
(cd build && ../configure -q && make -s dist)
tars=(build/libdsm-*.tar.*)
[ ${#tars[@]} = 1 ] || fail "make dist leaves more than one tar file: ${tars[*]}"
tar -C "$tmp" -xf "${tars[0]}"
dir=$(echo "$tmp"/libdsm-*)

# Only what is for git and for those who work on the project stays behind.
tr '\0' '\n' <"$files" | grep -vx -e '\.gitignore' -e '\.ci/.*' | sort >"$tmp/git"
(cd "$dir" && find . ! -type d -printf '%P\n') | sort >"$tmp/tar"
missing=$(comm -23 "$tmp/git" "$tmp/tar")
[ -z "$missing" ] || fail "the tar file lacks $(echo "$missing" | wc -l) files: $missing"

mkdir "$dir/build"
cd "$dir/build"
../configure -q
make -s -j2
make -s -j2 check TESTS='tests/docs/check_docs.sh tests/heap/test_alloc tests/scripts/test_check.sh'
make -s install DESTDIR="$tmp/installed"
[ -e "$tmp/installed/usr/local/include/dsm.h" ] || fail "dsm.h is not installed"
echo "dist: the tar file has what git has, and builds"
