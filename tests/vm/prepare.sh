#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# prepare.sh - makes of a fetched kernel what QEMU boots: vmlinux and initrd in the cache.
# Does nothing when both are newer than the kernel and these scripts.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# What the guests load beyond what is built in: root, network, RDMA, and links to try.
modules='virtio_pci virtio_net 9pnet_virtio 9p overlay ib_uverbs rdma_ucm rdma_rxe
	veth bridge sch_netem'

release=$(cat "$vm_cache/release")
kernel=$(find "$vm_cache/kernel" -type f -name 'vmlinuz*' | head -n 1)
tree=$(find "$vm_cache/kernel" -type d -path "*/lib/modules/$release" | head -n 1)
work=

# An unsigned number of so many bytes at an offset of the kernel image
image_number() {
	od -An -v -t "u$2" -j "$1" -N "$2" "$kernel" | tr -d ' '
}

# QEMU can enter the ELF kernel within the image itself. That saves its decompression,
# which takes long on an emulated processor. Where it lies is told by the header
# (Documentation/arch/x86/boot.rst: setup_sects, payload_offset, payload_length), how it is
# packed by its first bytes; its last four are the unpacked size.
unpack_elf() {
	local start length magic unpack

	start=$((($(image_number 0x1f1 1) + 1) * 512 + $(image_number 0x248 4)))
	length=$(($(image_number 0x24c 4) - 4))
	magic=$(od -An -v -t x1 -j "$start" -N 4 "$kernel" | tr -d ' ')
	case $magic in
	28b52ffd) unpack=zstd ;;
	fd377a58) unpack=xz ;;
	1f8b*) unpack=gzip ;;
	*) return 1 ;;
	esac
	dd if="$kernel" iflag=skip_bytes,count_bytes skip="$start" count="$length" bs=1M \
		status=none | "$unpack" -dc >"$1"
	[ "$(head -c 4 "$1" | tail -c 3)" = ELF ]
}

# The modules and what they need, in the order of loading, unpacked
copy_modules() {
	local module file name

	# kmod looks in lib/modules only, whatever is above it.
	mkdir -p "$work/tree/lib/modules"
	ln -s "$tree" "$work/tree/lib/modules/$release"
	depmod -b "$work/tree" "$release" 2>/dev/null
	for module in $modules; do
		modprobe -d "$work/tree" -S "$release" --show-depends "$module" ||
			vm_fail "Linux $release has no module $module"
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >"$work/list"
	while read -r file; do
		name=${file##*/}
		name=${name%%.ko*}
		case $file in
		*.xz) xz -dc "$file" ;;
		*.zst) zstd -qdc "$file" ;;
		*) cat "$file" ;;
		esac >"$work/root/modules/$name.ko"
		echo "$name" >>"$work/root/modules/order"
	done <"$work/list"
}

stamp=$(cat "$vm_here"/{prepare,lib,guest-init,guest-node}.sh "$vm_cache/release" | cksum)
[ "$(cat "$vm_cache/prepared" 2>/dev/null)" != "$stamp" ] || exit 0
rm -f "$vm_cache/prepared"
vm_note "preparing Linux $release"
work=$(mktemp -d "$vm_cache/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
unpack_elf "$work/vmlinux" || cp "$kernel" "$work/vmlinux"
mkdir -p "$work/root"/{bin,modules,proc,sys,dev,host,over,node}
cp "$(command -v busybox)" "$work/root/bin/"
copy_modules
install -m 755 "$vm_here/guest-init.sh" "$work/root/init"
install -m 755 "$vm_here/guest-node.sh" "$work/root/node.sh"
# Not packed: QEMU loads it at once, a guest would take long to unpack it.
(cd "$work/root" && find . | cpio --create --format=newc --quiet) >"$work/initrd"
mv "$work/vmlinux" "$work/initrd" "$vm_cache/"
echo "$stamp" >"$vm_cache/prepared"
