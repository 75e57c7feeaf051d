#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# tests/lib.sh takes a package for missing unless dpkg says that it is installed: what dpkg has
# only heard of, and what was removed, is not.
set -u
top=$(cd "${srcdir:-.}" && pwd) || exit 99
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 99

fail() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

command -v dpkg-query >/dev/null || { echo "no dpkg here"; exit 77; }

# package NAME STATUS [ARCHITECTURE]: an entry as dpkg keeps it
package() {
	printf 'Package: %s\nStatus: %s\nVersion: 1\nArchitecture: %s\n' "$1" "$2" "${3:-all}"
	printf 'Maintainer: nobody\nDescription: a package\n\n'
}

mkdir -p dpkg/info dpkg/updates
{
	package here 'install ok installed'
	package removed 'deinstall ok config-files'
	package broken 'install ok half-installed'
	package unpacked 'install ok unpacked'
	printf 'Package: heard-of\nStatus: unknown ok not-installed\n\n'
} >dpkg/status
export DPKG_ADMINDIR=$tmp/dpkg

. "$top/tests/lib.sh"
# Instead of apt: what it would be told to install
find_sudo() { :; }
apt_get_install() { printf '%s\n' "$*" >asked; }

missing() {
	rm -f asked
	install_packages "$@" >said || fail "install_packages fails: $(cat said)"
	cat asked 2>/dev/null
}

[ "$(missing here)" = '' ] || fail "an installed package is installed again"
[ "$(missing here unheard-of)" = unheard-of ] || fail "a package that dpkg does not know is left out"
for name in heard-of removed broken unpacked; do
	[ "$(missing here $name)" = $name ] || fail "a package that is $name counts as installed"
done
echo "$0: what is not installed is installed"
