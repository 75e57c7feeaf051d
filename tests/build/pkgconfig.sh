#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Programs are compiled with what is installed of libdsm alone: pkg-config knows nothing else, as
# where the libraries below have no headers. And there is no static library.
set -u
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
top=$(cd "${srcdir:-.}" && pwd) || exit 99

fail() {
	echo "pkgconfig: $*"
	exit 1
}

mkdir "$tmp/pc" && cp dsm/dsm.pc "$tmp/pc" || fail "no dsm.pc"
for flags in "--cflags" "--libs" "--cflags --libs"; do
	# shellcheck disable=SC2086 # words
	said=$(PKG_CONFIG_PATH='' PKG_CONFIG_LIBDIR=$tmp/pc ${PKG_CONFIG:-pkg-config} $flags dsm 2>&1) ||
		fail "$flags dsm: $said"
done
case $said in
*" -ldsm"*) ;;
*) fail "--cflags --libs dsm: $said" ;;
esac

for switch in --enable-static --disable-shared; do
	(cd "$tmp" && "$top/configure" -q $switch >out 2>&1) && fail "configure takes $switch"
	grep -q 'error: libdsm is a shared library only' "$tmp/out" ||
		fail "configure $switch: $(tail -n 3 "$tmp/out")"
done
echo "pkgconfig: dsm needs no other package, and is a shared library only"
