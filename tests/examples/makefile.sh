#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The examples that are installed are built by the Makefile beside them, with what pkg-config knows of
# libdsm; hello says what it should, and has no more than 30 lines.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/../system/lib.sh"
top=$(realpath "${srcdir:-$(dirname "$0")/../..}")
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT

unset MAKEFLAGS MFLAGS # of the make that runs this

make -s install-dist_exampleDATA install-dist_examplepythonDATA \
	install-dist_examplethreadsDATA install-dist_exampletutorialDATA DESTDIR="$tmp/root" >"$tmp/said" 2>&1 ||
	fail "install: $(cat "$tmp/said")"
examples=$(dirname "$(find "$tmp/root" -name hello.c)")
[ "$(wc -l <"$examples/hello.c")" -le 30 ] || fail "hello.c has more than 30 lines"
(cd "$top/examples" && find . -type f ! -name local.mk | sort) >"$tmp/there"
(cd "$examples" && find . -type f | sort) | diff "$tmp/there" - || fail "not all are installed"

warns= # the linker, of what a sanitizer's own library holds
sanitizer_stands_in_the_way && warns=yes
# As if libdsm were installed: its headers and library are where they are now.
mkdir "$tmp/pc" && sed "s,^libdir=.*,libdir=$PWD/.libs,; s,^includedir=.*,includedir=$top/dsm," \
	dsm/dsm.pc >"$tmp/pc/dsm.pc"
export PKG_CONFIG_PATH=$tmp/pc:${PKG_CONFIG_PATH-}
# Its directory may be read only: make is called in another one, too.
mkdir "$tmp/build" && cd "$tmp/build" || exit 99
make -s -f "$examples/Makefile" >"$tmp/said" 2>&1 || fail "make: $(cat "$tmp/said")"
[ ! -s "$tmp/said" ] || [ "$warns" ] || fail "make says: $(cat "$tmp/said")"
make -s -C "$examples" hello || fail "make hello where they are"
for program in kmeans pagerank sort; do
	[ -x $program ] || fail "$program is not built"
done
cd "$OLDPWD" || exit 99
[ ! "$warns" ] || { echo "built, not run: the library has sanitizers"; exit 0; }
need_nodes
LD_LIBRARY_PATH=$PWD/.libs tools/dsmctl run -t $hang -n 4 "$examples/hello" >"$tmp/said" ||
	fail "hello: status $?: $(cat "$tmp/said")"
[ "$(sort "$tmp/said")" = "$(printf '[%d] hello from node %d of 4: the sum is 10\n' 0 0 1 1 2 2 3 3)" ] ||
	fail "hello: $(cat "$tmp/said")"
echo "the examples are installed, and built"
