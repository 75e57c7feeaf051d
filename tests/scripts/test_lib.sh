#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# tests/lib.sh takes a package for missing unless dpkg says that it is installed: what dpkg has
# only heard of, and what was removed, is not. It waits for another apt.
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

# An apt-get that another one keeps from its work: all of the times that "busy" says
mkdir bin
cat >bin/apt-get <<'END'
#!/bin/sh
n=$(cat busy)
echo "$n: $*" >>ran
[ "$n" = 0 ] && exit "$(cat ends)"
echo $((n - 1)) >busy
echo 'E: Could not get lock /var/lib/apt/lists/lock. It is held by process 1 (apt-get)' >&2
exit 100
END
chmod +x bin/apt-get
export PATH=$tmp/bin:$PATH
sleep() { :; }

# apt BUSY ENDS: "STATUS, RUNS" of apt_get
apt() {
	echo "$1" >busy && echo "$2" >ends && rm -f ran
	apt_get update >said 2>&1
	printf '%s, %s' $? "$(wc -l <ran)"
}

[ "$(apt 2 0)" = '0, 3' ] || fail "it does not wait for another apt: $(cat said)"
[ "$(apt 0 100)" = '100, 1' ] || fail "it tries again what has failed for another reason: $(cat said)"
APT_PATIENCE=0
[ "$(apt 2 0)" = '100, 1' ] || fail "it waits for another apt without an end"
echo "$0: what is not installed is installed"
