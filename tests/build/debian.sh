#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What debian/ says by itself agrees with what it is made from: the version, the calls that the
# library has, the packages that it is built with, and what it loads. Works in the build directory.
set -u
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
top=$(cd "${srcdir:-.}" && pwd) || exit 99

fail() { printf 'debian: %s\n' "$*"; exit 1; }

version=$(sed -n 's/^#define PACKAGE_VERSION "\(.*\)"$/\1/p' config.h)
packed=$(sed -n '1s/^libdsm (\(.*\)-[^-]*) .*/\1/p' "$top/debian/changelog")
[[ -n $version && $version = "$packed" ]] ||
	fail "debian/changelog begins with version '$packed', configure.ac has '$version'"

# What is asked for to build: ./package installs it, by the one list.
mapfile -t listed < <(cd "$top" &&
	bash -c '. tests/lib.sh && printf "%s\n" "${PACKAGES_BUILD[@]}" "${PACKAGES_DEB[@]}"')
mapfile -t wanted < <(sed -n '/^Build-Depends:/,/^[A-Z]/s/^ \([a-z0-9-]*\).*/\1/p' \
	"$top/debian/control")
[ ${#wanted[@]} -ge 10 ] || fail "cannot find the packages in debian/control"
for package in "${wanted[@]}"; do
	case $package in debhelper-compat) package=debhelper ;; dh-sequence-python3) package=dh-python ;; esac
	[[ " ${listed[*]} " = *" $package "* ]] || fail "tests/lib.sh lacks $package of Build-Depends"
done

# What is loaded while it runs: no tool sees that the package needs it.
mapfile -t loaded < <(grep -rhoE 'dlopen\("lib[a-z]+\.so\.[0-9]+"' "$top/dsm" |
	sed 's/.*"\(lib.*\)\.so\.\([0-9]*\)"/\1\2/')
[ ${#loaded[@]} -ge 2 ] || fail "cannot find what is loaded by dlopen"
for package in "${loaded[@]}"; do
	grep -qE "^(Depends|Suggests): .*\b$package\b" "$top/debian/control" ||
		fail "debian/control does not ask for $package, which is loaded by dlopen"
done

# The library's calls: a package asks for the version of the newest that it uses.
if [ ! -e .libs/libdsm.so ] || ! command -v nm >/dev/null; then
	echo "debian: no nm here, or no library: calls are not looked at"
	exit
fi
nm -D --defined-only .libs/libdsm.so | awk '$3 ~ /^(dsm_|DSM_)/ { sub(/@.*/, "", $3); print $3 }' |
	LC_ALL=C sort >"$tmp/calls"
sed -n 's/^ \([^@]*\)@DSM_[0-9]* .*/\1/p' "$top/debian/libdsm0.symbols" |
	LC_ALL=C sort >"$tmp/listed"
[ "$(wc -l <"$tmp/calls")" -ge 30 ] || fail "too few calls to be true"
missing=$(LC_ALL=C comm -23 "$tmp/calls" "$tmp/listed")
[ -z "$missing" ] ||
	fail "debian/libdsm0.symbols lacks, each with ' NAME@DSM_0 VERSION~':" "$missing"
gone=$(LC_ALL=C comm -13 "$tmp/calls" "$tmp/listed")
[ -z "$gone" ] || fail "debian/libdsm0.symbols has what the library has not:" "$gone"
echo "debian: version $version, ${#wanted[@]} packages, $(wc -l <"$tmp/calls") calls"
