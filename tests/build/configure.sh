#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# configure names all that is missing at once, by packages that tests/lib.sh has, too; and what it
# leaves out for lack of something, it says at its end.
set -u
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
top=$(cd "${srcdir:-.}" && pwd) || exit 99
pkg_config=${PKG_CONFIG:-pkg-config}

fail() { printf 'configure: %s\n' "$*"; exit 1; }

# What the configure of this build has found out about the system, but for headers and packages, which
# are what this is about: to look again is most of what a run takes.
sed -n "s/^\\(\\(ac\\|am\\|lt\\)_cv_.*\\)/\\1/p" config.log 2>/dev/null |
	grep -v '^ac_cv_\(env\|header\|lib\|search\)_' >"$tmp/known"

# configure DIR [VARIABLE=VALUE...]: in DIR, on a machine whose pkg-config knows what is in DIR/pc
configure() {
	local dir=$1
	shift
	mkdir -p "$dir/build" "$dir/pc"
	cp "$tmp/known" "$dir/build/known"
	(cd "$dir/build" && export CONFIG_SHELL=/bin/sh &&
		timeout 600 "$top/configure" --cache-file=known --disable-dependency-tracking PKG_CONFIG_PATH= PKG_CONFIG_LIBDIR="$dir/pc" "$@") \
		>"$dir/out" 2>&1 </dev/null
}

needed=(libfabric-dev libjansson-dev libsodium-dev libxxhash-dev libev-dev uthash-dev)
wanted=(libpmix-dev libopenmpi-dev libmpich-dev libmicrohttpd-dev libpng-dev libzstd-dev libdw-dev
	libcapstone-dev libncurses-dev libcunit1-dev)

configure "$tmp/bare" ac_cv_header_ev_h=no ac_cv_header_uthash_h=no ac_cv_header_CUnit_CUnit_h=no &&
	fail "it goes through without a library"
grep -q "^  apt install ${needed[*]}\$" "$tmp/bare/out" ||
	fail "it does not name ${needed[*]} at once: $(tail -n 5 "$tmp/bare/out")"
grep -q "^Without these, parts are left out: ${wanted[*]}\$" "$tmp/bare/out" ||
	fail "it does not name ${wanted[*]} at once: $(tail -n 5 "$tmp/bare/out")"

mapfile -t listed < <(cd "$top" && bash -c '. tests/lib.sh && printf "%s\n" "${PACKAGES[@]}"')
for package in $(grep -oE '\b[a-z][a-z0-9-]*-dev\b' "$top/configure.ac" | sort -u); do
	# Every compiler of C depends on it.
	[ "$package" = linux-libc-dev ] && continue
	[[ " ${listed[*]} " = *" $package "* ]] || fail "tests/lib.sh lacks $package"
done

# With what is needed alone it goes through, and says what is not built.
for module in libfabric jansson libsodium libxxhash; do
	dir=$($pkg_config --variable=pcfiledir $module) || fail "no $module here"
	mkdir -p "$tmp/least/pc" && ln -s "$dir/$module.pc" "$tmp/least/pc"
done
for module in $($pkg_config --print-requires --print-requires-private libfabric | cut -d' ' -f1); do
	ln -sf "$($pkg_config --variable=pcfiledir "$module")"/*.pc "$tmp/least/pc"
done
configure "$tmp/least" || fail "it wants more than it needs: $(tail -n 5 "$tmp/least/out")"
for line in 'start by PMIx.* no: install libpmix-dev' 'RDMA devices .* ' \
	'metrics over HTTP .* no: install libmicrohttpd-dev' \
	'compressed checkpoints .* no: install libzstd-dev' \
	'examples/heat .* no: install libpng-dev' 'examples/histogram .* ' 'package dsm for Python .* ' 'Open MPI .* no: install libopenmpi-dev' \
	'lines of code .* no: install libdw-dev' 'their bytes .* no: install libcapstone-dev' \
	'dsmctl top .* no: install libncurses-dev' 'MPICH .* no: install libmpich-dev' 'unit tests .* '; do
	grep -q "^  .*$line" "$tmp/least/out" || fail "it does not say '$line': $(tail -n 9 "$tmp/least/out")"
done
built=$(make -s -C "$tmp/least/build" -f - show <<'END'
include Makefile
show:
	@echo $(noinst_PROGRAMS)
END
)
[[ $built = *examples/sort* ]] || fail "make builds other examples: $built"
[[ $built = *heat* || $built = *matmul* ]] && fail "make builds what was left out: $built"
echo "configure: it names all that is missing, and what it leaves out"
