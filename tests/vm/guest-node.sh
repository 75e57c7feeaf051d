# shellcheck shell=dash
# shellcheck disable=SC2154 # vm_*: from the kernel's command line
# SPDX-License-Identifier: BSD-2-Clause
# What a guest does once its root is there: starts the command when all nodes are up, tells
# its exit status, and stays until all are done, for the others may still need this node.
# It remains the first process, so it must not end.
desk=/results/.vm box=/run/busybox

# Until every node has left a file of this kind
until_all() {
	while :; do
		all=yes node=1
		while [ "$node" -le "$vm_nodes" ]; do
			[ -e "$desk/$1.$node" ] || all=no
			node=$((node + 1))
		done
		[ "$all" = no ] || return 0
		"$box" sleep 0.1
	done
}

: >"$desk/up.$vm_node"
until_all up
ulimit -l unlimited
ulimit -n 65536
ulimit -c 0
# FI_UNIVERSE_SIZE: libfabric makes completion queues for 256 peers, too large for rxe.
"$box" env -i HOME=/root LANG=C.UTF-8 FI_UNIVERSE_SIZE=16 VM_NODE="$vm_node" \
	VM_NODES="$vm_nodes" PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	"$box" setsid bash "$desk/command" </dev/null &
wait "$!"
echo "$?" >"$desk/new.$vm_node"
"$box" mv "$desk/new.$vm_node" "$desk/status.$vm_node"
until_all status
echo o >/proc/sysrq-trigger
while :; do "$box" sleep 60; done
