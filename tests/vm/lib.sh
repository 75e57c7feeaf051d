# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# What the scripts of this folder share. Sourced by bash.
# shellcheck disable=SC2034 # used by those who source this
set -euo pipefail

vm_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
vm_cache=${DSM_VM_CACHE:-$vm_here/../../build/vm}
vm_skipped=77

# program:Debian package that has it, for all that the scripts and the guests call
vm_programs="qemu-system-x86_64:qemu-system-x86 cpio:cpio busybox:busybox-static
	depmod:kmod modprobe:kmod zstd:zstd xz:xz-utils rdma:iproute2 apt-get:apt
	dpkg-deb:dpkg timeout:coreutils"

vm_note() {
	echo "vm: $*"
}

vm_fail() {
	echo "vm: $*" >&2
	exit 1
}

# This machine cannot do it, and why.
vm_skip() {
	echo "vm: skipped: $*"
	exit $vm_skipped
}

# Packages of vm_programs that are not installed, in one line. The guests' RDMA device
# also needs its user space driver.
vm_missing() {
	local pair missing=''

	for pair in $vm_programs; do
		command -v "${pair%%:*}" >/dev/null || missing+=" ${pair#*:}"
	done
	compgen -G '/usr/lib/*/libibverbs/librxe-*.so' >/dev/null || missing+=' ibverbs-providers'
	# A busybox that needs shared libraries is of no use in an empty root.
	if command -v busybox >/dev/null &&
		grep -q ld-linux < <(head -c 4096 "$(command -v busybox)" | tr -d '\0'); then
		missing+=' busybox-static'
	fi
	echo "$missing" | tr ' ' '\n' | sort -u | paste -s -d ' ' | sed 's/^ //'
}
