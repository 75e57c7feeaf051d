#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# run.sh - runs a command on each of 1 to 4 emulated machines, as root, in this directory.
#
#	run.sh [-n machines] [-m MiB] [-c processors] [-p huge pages] [-u MTU]
#	       [-t seconds] [-o results] [-e NAME=VALUE]... [-v] -- command [argument...]
#
# They run the kernel that prepare.sh left, and see this machine's files as they are now;
# what they write is gone with them, except in /results (on this machine: -o). Machine K is
# nodeK, 10.99.0.K on eth0, with the RDMA device rxe0; VM_NODE and VM_NODES tell which one
# of how many. Their output is printed with the name before it, their kernels' with -v.
#
# Exit status: the first other than 0 that a command had; 124 after -t (300) seconds; 125
# when a machine went away without a word.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

nodes=1 memory=1024 cpus='' huge=32 mtu=9000 limit=300 results='' verbose=no variables=()
work='' pids=() logs=() partial=()

usage() {
	sed -n 's/^#	//p' "${BASH_SOURCE[0]}" >&2
	exit 2
}

# What the guests are to run, for their shell
write_command() {
	local item

	for item in ${variables[@]+"${variables[@]}"}; do
		printf 'export %q\n' "$item"
	done
	printf 'cd %q || exit 125\n' "$PWD"
	printf 'exec'
	printf ' %q' "$@"
	echo
}

# The first machine's QEMU holds a hub; the others plug into it by Unix sockets.
network_arguments() {
	local node=$1 other

	if [ "$node" != 1 ]; then
		echo "-netdev stream,id=net,server=off,addr.type=unix,addr.path=$work/plug.$node"
		return
	fi
	echo '-netdev hubport,id=net,hubid=0'
	for ((other = 2; other <= nodes; other++)); do
		echo "-netdev stream,id=wire$other,server=on,addr.type=unix,addr.path=$work/plug.$other"
		echo "-netdev hubport,id=port$other,hubid=0,netdev=wire$other"
	done
}

# The ring of the network device: with the usual 256 entries bursts overflow it, packets
# change their order in the hub, and RDMA waits half a second to send again.
start_node() {
	local node=$1 kernel_line share=security_model=none,multidevs=remap network file
	local card=host_mtu=$mtu,rx_queue_size=1024,romfile=

	kernel_line="console=ttyS0 panic=-1 mitigations=off nowatchdog tsc=reliable"
	kernel_line+=" rcupdate.rcu_cpu_stall_suppress=1 hugepages=$huge"
	kernel_line+=" vm_node=$node vm_nodes=$nodes vm_mtu=$mtu"
	[ "$verbose" = yes ] || kernel_line+=' quiet loglevel=2'
	readarray -t network < <(network_arguments "$node" | tr ' ' '\n')
	: >"$work/log.$node"
	exec {file}<"$work/log.$node"
	logs[node]=$file partial[node]=''
	# timeout: should we be killed, they end all the same.
	timeout -k 5 $((limit + 30)) qemu-system-x86_64 -accel tcg,thread=multi -cpu max \
		-m "$memory" -smp "$cpus" -nodefaults -no-user-config -no-reboot -display none \
		-kernel "$vm_cache/vmlinux" -initrd "$vm_cache/initrd" -append "$kernel_line" \
		-serial stdio "${network[@]}" \
		-device "virtio-net-pci,netdev=net,mac=52:54:00:99:00:0$node,$card" \
		-fsdev "local,id=host,path=/,readonly=on,$share" \
		-device virtio-9p-pci,fsdev=host,mount_tag=host \
		-fsdev "local,id=results,path=$results,$share" \
		-device virtio-9p-pci,fsdev=results,mount_tag=results \
		</dev/null >>"$work/log.$node" 2>&1 &
	pids[node]=$!
}

# The first machine's sockets are there before the others want them.
wait_for_plugs() {
	local other tries=0

	for ((other = 2; other <= nodes; other++)); do
		until [ -S "$work/plug.$other" ]; do
			if [ $((++tries)) -gt 200 ] || ! kill -0 "${pids[1]}" 2>/dev/null; then
				vm_fail "the first machine does not start: $(tail -n 3 "$work/log.1")"
			fi
			sleep 0.05
		done
	done
}

# What a machine has said since the last time, whole lines
print_news() {
	local node=$1 line

	while IFS= read -r -u "${logs[node]}" line; do
		line=${partial[node]}$line
		partial[node]=''
		line=${line%$'\r'}
		case $line in
		*'hub 0 is not connected'* | *'sysrq: Power Off' | *'reboot: Power down') ;;
		*) printf 'node%d: %s\n' "$node" "$line" ;;
		esac
	done
	partial[node]+=$line
}

stop_all() {
	local node file

	for node in "${!pids[@]}"; do
		kill "${pids[node]}" 2>/dev/null || true
		wait "${pids[node]}" 2>/dev/null || true
		print_news "$node"
		[ -z "${partial[node]}" ] || printf 'node%d: %s\n' "$node" "${partial[node]}"
		file=${logs[node]}
		exec {file}<&-
	done
	pids=()
}

# shellcheck disable=SC2317 # called when the script ends
clean_up() {
	stop_all
	rm -rf "$work"
}

# A machine that went away before all were up, or by an int3 that nobody set: the kernel
# patches its own code while it runs, and QEMU's emulation of several processors is not
# always up to it. That says nothing about what was to be run.
emulator_failed() {
	local node

	[ "$1" = 125 ] || return 1
	for ((node = 1; node <= nodes; node++)); do
		[ -e "$results/.vm/up.$node" ] || return 0
	done
	grep -q 'Oops: int3' "$work"/log.*
}

run_once() {
	local node

	rm -rf "$results/.vm" "$work"/*.*
	mkdir "$results/.vm"
	write_command "$@" >"$results/.vm/command"
	for ((node = 1; node <= nodes; node++)); do
		start_node "$node"
		[ "$node" != 1 ] || wait_for_plugs
	done
	watch_nodes
}

# Until all have told their status and are gone, or it makes no sense to wait any longer:
# when one has failed, or went away, the others get 10 seconds to tell theirs.
watch_nodes() {
	local node told gone status end=$((SECONDS + limit)) result=0 code

	while :; do
		told=0 gone=0
		for ((node = 1; node <= nodes; node++)); do
			# Gone first, told then: it tells before it goes.
			kill -0 "${pids[node]}" 2>/dev/null || gone=$((gone + 1))
			status=$results/.vm/status.$node
			print_news "$node"
			[ -e "$status" ] || continue
			told=$((told + 1))
			code=$(cat "$status")
			if [ "$code" = 0 ] || [ "$result" != 0 ]; then continue; fi
			result=$code
			vm_note "node$node: exit status $code"
			[ $((SECONDS + 10)) -ge "$end" ] || end=$((SECONDS + 10))
		done
		[ "$gone" != "$nodes" ] || break
		if [ "$gone" != 0 ] && [ "$told" != "$nodes" ] && [ "$result" = 0 ]; then
			result=125
			vm_note 'a machine went away'
			[ $((SECONDS + 10)) -ge "$end" ] || end=$((SECONDS + 10))
		fi
		if [ "$SECONDS" -ge "$end" ]; then
			[ "$result" != 0 ] || vm_note "not done after $limit seconds"
			[ "$result" != 0 ] || [ "$told" = "$nodes" ] || result=124
			break
		fi
		sleep 0.1
	done
	[ "$told" = "$nodes" ] || [ "$result" != 0 ] || result=125
	return "$result"
}

while getopts n:m:c:p:u:t:o:e:v option; do
	case $option in
	n) nodes=$OPTARG ;;
	m) memory=$OPTARG ;;
	c) cpus=$OPTARG ;;
	p) huge=$OPTARG ;;
	u) mtu=$OPTARG ;;
	t) limit=$OPTARG ;;
	o) results=$OPTARG ;;
	e) variables+=("$OPTARG") ;;
	v) verbose=yes ;;
	*) usage ;;
	esac
done
shift $((OPTIND - 1))
if [ $# = 0 ] || [ "$nodes" -lt 1 ] || [ "$nodes" -gt 4 ]; then usage; fi
[ -e "$vm_cache/prepared" ] || vm_fail "nothing is prepared in $vm_cache: run prepare.sh"
# An emulated processor is a thread here: more of them than there are cores hold each
# other up.
[ -n "$cpus" ] || cpus=$((nodes > 2 ? 1 : 2))

work=$(mktemp -d)
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
[ -n "$results" ] || results=$work/results
mkdir -p "$results"
results=$(cd "$results" && pwd)
for try in 1 2 3; do
	result=0
	run_once "$@" || result=$?
	emulator_failed "$result" || break
	stop_all
	vm_note "the emulator failed (try $try of 3)"
done
exit "$result"
