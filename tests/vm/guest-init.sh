#!/bin/busybox sh
# shellcheck shell=dash
# shellcheck disable=SC2154 # vm_*: from the kernel's command line
# SPDX-License-Identifier: BSD-2-Clause
# The first process of a guest, in the initramfs: modules, the host's root under a tmpfs,
# network, RDMA device. Then guest-node.sh takes over in that root.
#
# Everything is done by the one static busybox that is here: to start a program of the
# host costs a tenth of a second and more. The kernel hands us the words of its command
# line that it does not know itself as our environment: vm_node, vm_nodes, vm_mtu.
export PATH=/bin
/bin/busybox --install -s /bin

give_up() {
	echo "vm: this guest cannot start: $*"
	poweroff -f
}

mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
while read -r name; do
	insmod "/modules/$name.ko" || echo "vm: module $name does not load"
done </modules/order

# On a busy host the kernel may misjudge by far how fast its clock goes. What a second is
# is told by the clock on the board, which is the host's.
second() {
	second=$(cat /sys/class/rtc/rtc0/since_epoch)
	while [ "$(cat /sys/class/rtc/rtc0/since_epoch)" = "$second" ]; do :; done
	read -r up _ </proc/uptime
	echo "${up%.*}${up#*.}"
}
before=$(second)
passed=$(($(second) - before))
if [ "$passed" -lt 50 ] || [ "$passed" -gt 250 ]; then
	give_up "its clock passes $passed hundredths of a second in one"
fi

# The host's root, which we may not write, under a layer of memory, which we may
p9=trans=virtio,version=9p2000.L,msize=262144
mount -t 9p -o "ro,cache=loose,$p9" host /host || give_up 'no root'
mount -t tmpfs -o size=50% none /over
mkdir /over/upper /over/work
mount -t overlay -o lowerdir=/host,upperdir=/over/upper,workdir=/over/work none /node ||
	give_up 'no overlay'
mkdir -p /node/results
mount -t 9p -o "cache=none,$p9" results /node/results || give_up 'no place for results'

mkdir -p /dev/pts /dev/shm /dev/hugepages
mount -t devpts none /dev/pts
mount -t tmpfs -o mode=1777,size=75% none /dev/shm
mount -t hugetlbfs none /dev/hugepages
ln -s /proc/self/fd /dev/fd
for n in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${n%:*}" "/dev/${n#*:}"; done
mount -t tmpfs -o mode=755 none /node/run
mkdir -p /node/run/lock
cp /bin/busybox /node.sh /node/run/

# All addresses are known beforehand: nobody has to ask for one, so no first packet waits
# or is lost. IPv6 would only add addresses to choose from.
hostname "node$vm_node"
echo "node$vm_node" >/node/etc/hostname
rm -f /node/etc/hosts
echo '127.0.0.1 localhost' >/node/etc/hosts
ip link set lo up
echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6
ip link set eth0 mtu "$vm_mtu" up || give_up 'no network'
ip addr add "10.99.0.$vm_node/24" dev eth0 || give_up 'no address'
peer=1
while [ "$peer" -le "$vm_nodes" ]; do
	echo "10.99.0.$peer node$peer" >>/node/etc/hosts
	[ "$peer" = "$vm_node" ] || arp -s "10.99.0.$peer" "52:54:00:99:00:0$peer"
	peer=$((peer + 1))
done

# libfabric looks for a driver there, twice in each process: seconds, on an emulated processor.
mount --bind /dev/null /proc/kallsyms
for dir in proc sys dev; do mount --move "/$dir" "/node/$dir"; done
PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot /node rdma link add rxe0 type rxe netdev eth0 ||
	echo 'vm: no RDMA device'
exec switch_root /node /run/busybox sh /run/node.sh
