#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# enter.sh ROOT CACHE COMMAND... - as the first process of new namespaces: gives ROOT what a
# machine has when it is up, and runs a command there as root. CACHE keeps apt's packages.
set -eu
root=$1 cache=$2
shift 2

mount --make-rprivate /
mount --bind "$root" "$root" # its / is the root of a mount, as elsewhere
hostname fresh
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount -t tmpfs -o mode=755 dev "$root/dev"
for device in null zero full random urandom tty userfaultfd; do
	[ ! -e /dev/$device ] || cp -a /dev/$device "$root/dev/"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
for stream in 0:stdin 1:stdout 2:stderr; do
	ln -s "/proc/self/fd/${stream%:*}" "$root/dev/${stream#*:}"
done
mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
mount -t tmpfs -o mode=755 run "$root/run"
mkdir -p "$cache/archives/partial"
mount --bind "$cache/archives" "$root/var/cache/apt/archives"

# Not by exec: whoever is first has to collect what others leave.
status=0
chroot "$root" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	HOME=/root USER=root LOGNAME=root SHELL=/bin/bash TERM=dumb LANG=C.UTF-8 \
	"$@" </dev/null || status=$?
exit $status
