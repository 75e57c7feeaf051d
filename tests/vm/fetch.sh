#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# fetch.sh - gets the newest packaged kernel that has userfaultfd RWP.
#
# Where Debian is mirrored, and whose signature counts, is what this machine's apt is
# configured with for its own release; only the suite is another one. Lists and packages
# go to a folder of their own: what the system has installed and may install is untouched.
#
# Leaves kernel/ (unpacked) and release in the cache. Exit status 77: not to be had here.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

suite=${DSM_VM_SUITE:-trixie-backports} # the first with Linux 7.3 or later
release=
apt=$vm_cache/apt

# This machine's source of its own release, as the same source of $suite.
our_source() {
	local codename
	codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release | tr -d '"')

	# One line: deb [options] URI release components
	find /etc/apt/sources.list /etc/apt/sources.list.d -name '*.list' -exec cat {} + 2>/dev/null |
		awk -v release="$codename" -v suite="$suite" '
			$1 == "deb" {
				options = match($0, /\[[^]]*\]/) ? substr($0, RSTART, RLENGTH) " " : ""
				sub(/\[[^]]*\]/, "")
				if ($3 == release && !done++)
					print "deb " options $2 " " suite " main"
			}' >"$apt/parts/own.list"
	[ ! -s "$apt/parts/own.list" ] || return 0

	# Paragraphs of fields, of which some may have more lines
	cat /etc/apt/sources.list.d/*.sources 2>/dev/null |
		awk -v RS= -v release="$codename" -v suite="$suite" '
			{
				n = split($0, line, "\n")
				ours = 0
				text = "Types: deb\nSuites: " suite "\nComponents: main\n"
				for (i = 1; i <= n; i++) {
					if (line[i] ~ /^Suites:/)
						ours = (line[i] " ") ~ ("[ \t]" release "[ \t]")
					if (line[i] ~ /^[^ \t]/)
						keep = line[i] ~ /^(URIs|Signed-By|Trusted):/
					if (keep)
						text = text line[i] "\n"
				}
				if (ours && !done++)
					printf "%s", text
			}' >"$apt/parts/own.sources"
	[ -s "$apt/parts/own.sources" ]
}

# An apt program with no state but ours
own_apt() {
	local program=$1
	shift
	timeout 600 "$program" -qq -o Dir::Etc::sourcelist=/dev/null \
		-o "Dir::Etc::sourceparts=$apt/parts" -o Dir::Etc::preferencesparts=/dev/null \
		-o Dir::Etc::preferences=/dev/null -o Dir::State::status=/dev/null \
		-o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache" \
		-o APT::Sandbox::User=root -o APT::Architecture=amd64 \
		-o APT::Architectures=amd64 -o Acquire::Languages=none "$@"
}

# The packages that one kernel consists of: those that its image needs and that bear its
# version in their name.
kernel_packages() {
	own_apt apt-cache depends --recurse --no-recommends --no-suggests --no-enhances \
		--no-conflicts --no-breaks --no-replaces linux-image-amd64 |
		grep -E '^linux-[a-z]+-[0-9].*-amd64$' | sort -u
}

[ "$(dpkg --print-architecture)" = amd64 ] || vm_skip 'the guests run the programs of an amd64 host'
[ ! -s "$vm_cache/release" ] || exit 0
rm -rf "$apt" "$vm_cache/kernel"
mkdir -p "$apt/parts" "$apt/lists/partial" "$apt/cache/archives/partial" "$vm_cache/kernel"
our_source || vm_skip "apt has no source of this machine's own Debian release"
vm_note "looking for a kernel in $suite"
own_apt apt-get update || vm_skip "apt cannot read the lists of $suite"
packages=$(kernel_packages) || vm_skip "$suite has no kernel for amd64"
release=$(echo "$packages" | sed -n 's/^linux-image-//p' | head -n 1)
vm_note "fetching Linux $release"
# shellcheck disable=SC2086
(cd "$apt" && own_apt apt-get download $packages) || vm_skip "apt cannot fetch Linux $release"
for package in "$apt"/*.deb; do
	dpkg-deb -x "$package" "$vm_cache/kernel"
done
rm -rf "$apt"
config=$(find "$vm_cache/kernel" -name 'config*' -type f | head -n 1)
grep -q '^CONFIG_USERFAULTFD_RWP=y' "$config" ||
	vm_skip "the kernel of $suite, Linux $release, has no CONFIG_USERFAULTFD_RWP"
echo "$release" >"$vm_cache/release"
