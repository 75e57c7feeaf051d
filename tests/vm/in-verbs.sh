#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What run-suite.sh has done over RDMA within the machines, in the build directory.
#
#	in-verbs.sh memlock      a limit on locked memory is reported, not met
#	in-verbs.sh system       the system tests and examples, one node on each machine
#	in-verbs.sh mixed        another engine of the trap on each machine
#	in-verbs.sh examples     the examples, one node on each machine
#	in-verbs.sh checkpoint   jobs of this machine alone, killed while they save themselves
#	in-verbs.sh survive N    N jobs of this machine alone, which go on when nodes die
#	in-verbs.sh left SEED    jobs of a node on each machine, of which one is lost
#
# Each job that passes is also looked at from outside: its statistics add up, no page was
# copied from or to a frame, and what left the device is more than the pages written.
set -u
sources=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/system/lib.sh
. "$sources/tests/system/lib.sh"
export DSM_PROVIDER=verbs DSM_REGION=256M DSM_START_TIMEOUT=120
jobs=0

sent_bytes() {
	cat /sys/class/infiniband/rxe0/ports/1/hw_counters/sent_bytes
}

# told_by NODE: the file of the latest job's witness there, which all machines see
told_by() {
	echo "/results/told.$jobs.$1"
}

# looked_at SENT: what the witnesses of the latest job say, and our device, which had sent so
# much before.
looked_at() {
	local sent=$(($(sent_bytes) - $1)) mine all=/run/told node
	mine=$(($(witness_sum "$(told_by "$VM_NODE")" pages_written) * 4096))
	[ "$sent" -ge "$mine" ] || fail "the device has sent $sent bytes, of pages $mine"
	for ((node = 1; node <= VM_NODES; node++)); do cat "$(told_by "$node")"; done >"$all"
	witnesses_agree "$all" "$VM_NODES" >/run/sums || fail "$(cat /run/sums)"
	[ "$(witness_sum "$all" copies_of_frames)" = 0 ] || fail "copies: $(cat /run/sums)"
	[ "$VM_NODE" != 1 ] || tr '\n' ';' </run/sums
}

# everywhere PROGRAM [ARGUMENT...]: one job, of which each machine runs a node
everywhere() {
	local status=0 start=$SECONDS sent
	jobs=$((jobs + 1))
	sent=$(sent_bytes)
	rm -f "$(told_by "$VM_NODE")"
	DSM_RANK=$((VM_NODE - 1)) DSM_SIZE=$VM_NODES DSM_RENDEZVOUS=node1:$((7000 + jobs)) \
		witnessed "$(told_by "$VM_NODE")" timeout -k 10 480 "$@" || status=$?
	[ "$status" = 0 ] || fail "node $VM_NODE: status $status: $*"
	looked_at "$sent"
	echo "in $((SECONDS - start)) s: $*"
}

# Two nodes on this machine, without the right to lock what they like.
memlock() {
	local said status=0
	said=$(setpriv --bounding-set -ipc_lock --inh-caps -ipc_lock bash -c 'ulimit -l 8192 &&
		exec tools/dsmctl run -t 60 -n 2 -- examples/sort --keys 1000' 2>&1) || status=$?
	echo "$said"
	[ "$status" != 0 ] || fail 'a job runs whose region exceeds RLIMIT_MEMLOCK'
	grep -q 'RLIMIT_MEMLOCK.* is 8192 KiB.*verbs;ofi_rxm' <<<"$said" ||
		fail 'the sentence does not name RLIMIT_MEMLOCK'
	setpriv --bounding-set -ipc_lock --inh-caps -ipc_lock bash -c 'ulimit -l 65536 &&
		DSM_REGION=16M exec tools/dsmctl run -t 60 -n 2 -- examples/sort --keys 1000' ||
		fail 'a job does not run whose region keeps to RLIMIT_MEMLOCK'
	landings
	evicted
}

# Where a job goes on when nodes die, pages land in memory of their own: 2 x 512 KiB and 2 MiB, of two nodes.
landings() {
	local said status=0
	said=$(setpriv --bounding-set -ipc_lock --inh-caps -ipc_lock bash -c 'ulimit -l 18432 &&
		DSM_REGION=16M DSM_KEEP2=0 exec tools/dsmctl run --survive -t 60 -n 2 -- examples/kv --seconds=1' 2>&1) ||
		status=$?
	[ "$status" != 0 ] || fail 'a job runs whose landings exceed RLIMIT_MEMLOCK'
	grep -q 'RLIMIT_MEMLOCK.* is 18432 KiB.*, up to 19456 KiB' <<<"$said" ||
		fail "the sentence does not count landings: $said"
	setpriv --bounding-set -ipc_lock --inh-caps -ipc_lock bash -c 'ulimit -l 65536 &&
		DSM_REGION=16M exec tools/dsmctl run --survive -t 60 -n 2 -- examples/kv --seconds=1' ||
		fail 'a job that goes on when nodes die does not run with room for landings'
}

# The same rights, and a region of which a node may hold a part only: chunks are pinned no
# longer when their pages have been given up. Homes have 6 MiB of each node's 8, and 16 chunks
# more may be needed at once; what the provider pins for itself comes on top.
evicted() {
	local told=/run/told node
	rm -f $told
	DSM_LOG=error DSM_MEMORY=8M witnessed $told setpriv --bounding-set -ipc_lock --inh-caps -ipc_lock \
		bash -c 'ulimit -l 65536 && exec tools/dsmctl run -t 150 -n 2 -- \
			tests/system/stress --untimed --seconds 8 --pages 3000 --dense' ||
		fail 'a job does not run whose budgets keep to RLIMIT_MEMLOCK'
	witnesses_agree $told 2 || fail 'the counts do not add up'
	awk '{
		for (i = 1; i < NF; i += 2)
			own[$i] = $(i + 1)
		printf "node %d: %d KiB registered, %d KiB counted, %d pages returned\n", own["rank"],
			own["registered_bytes"] / 1024, own["memory_used"] / 1024,
			own["frames_returned"]
		wrong += own["registered_bytes"] > 12 * 1048576 || !own["frames_returned"] ||
			own["registered_bytes"] > own["memory_used"]
	} END { exit NR != 2 || wrong }' $told || fail 'memory was not given back'
}

system() {
	export DSM_TRAP=rwp
	everywhere tests/system/engine
	everywhere tests/system/stress --dir /results --untimed --seconds 6
	DSM_FAULTS=signal everywhere tests/system/stress --dir /results --untimed --seconds 3 \
		--patience 60 --seed 2
	everywhere tests/system/litmus 120
	everywhere tests/system/kernel
	everywhere tests/system/api pin
	DSM_HUGE=8M everywhere tests/system/api pin_huge
	everywhere tests/system/engine --huge
	everywhere tests/system/stress --dir /results --untimed --seconds 4 --huge \
		--pages 3
	examples
	DSM_HUGE=8M everywhere examples/sort --keys 20000
}

mixed() {
	local engines=(wp rwp)
	export DSM_TRAP=${engines[VM_NODE % 2]}
	everywhere tests/system/engine
	everywhere tests/system/stress --dir /results --untimed --seconds 4 --seed 4
	everywhere tests/system/stress --dir /results --untimed --seconds 3 --huge \
		--pages 3 --seed 5
}

examples() {
	export DSM_TRAP=rwp
	awk 'BEGIN {
		for (i = 0; i < 400; i++)
			printf "Package: p%d\nDepends: p%d, p%d\n\n", i, int(i / 2), (i * 7919) % (i + 1)
	}' >/run/Packages
	everywhere examples/heat --rows 96 --steps 10 --output /run/heat.png
	everywhere examples/sort --keys 30000
	everywhere examples/pagerank --tolerance=1e-6 /run/Packages
}

checkpoint() {
	export DSM_TRAP=rwp CHECKPOINT_NODES='1 2 3 4'
	"$sources/tests/system/checkpoint_kill.sh" 2 4 20 verbs || fail "pages of 4 KiB: status $?"
	"$sources/tests/system/checkpoint_kill.sh" 4 3 20 verbs pmd || fail "pages of 2 MiB: status $?"
}

# Sets DSM_LOSS_TIMEOUT to a third of what COMMAND takes, a job: where the machine below is busy, the seconds of
# this one are worth less, and nobody is to be missed for that. 2 s at least, the default.
patience_by() {
	local start=${EPOCHREALTIME/[.,]/} ms
	"$@" >/run/said 2>&1 || fail "status $?: $*: $(cat /run/said)"
	ms=$(((${EPOCHREALTIME/[.,]/} - start) / 3000))
	export DSM_LOSS_TIMEOUT=$((ms < 2000 ? 2000 : ms > 30000 ? 30000 : ms))
	echo "DSM_LOSS_TIMEOUT is $DSM_LOSS_TIMEOUT ms: a third of a job, or 2 s"
}

survive() {
	local status=0 sent
	export DSM_TRAP=rwp WAYS='dsmctl hand' PROVIDERS=verbs ADDRESS=10.99.0.$VM_NODE KEPT=/results/failed
	tests/system/api identity >/dev/null # what it is made of is here now
	patience_by tools/dsmctl run -n 3 -- examples/sort --keys 1000
	export LOSS_MS=$DSM_LOSS_TIMEOUT
	sent=$(sent_bytes)
	"$sources/tests/system/survive_long.sh" "$1" || status=$?
	[ "$status" = 0 ] || fail "status $status" # also where it says that it is skipped
	echo "the device has sent $((($(sent_bytes) - sent) >> 20)) MiB"
}

# left_by WHAT VICTIM MS: a job that loses the node of machine VICTIM, so long after all have begun. Each machine
# judges its own node: no clock is that of all.
left_by() {
	local what=$1 victim=$2 said=/results/said.$((++jobs)).$VM_NODE pid status=0 node ms
	rm -f "$said"
	DSM_RANK=$((VM_NODE - 1)) DSM_SIZE=$VM_NODES DSM_RENDEZVOUS=node1:$((7000 + jobs)) DSM_ON_LOSS=continue \
		DSM_LOG=info timeout -k 5 $hang examples/kv --seconds=1 --deaths=1 --operations=400000 --kept >"$said" 2>&1 &
	pid=$!
	if [ "$victim" = "$VM_NODE" ]; then
		wait_until "$what of $victim" pgrep -P $pid >/run/child
		wait_until "$what of $victim" grep 'has begun' "$said"
		sleep "$3e-3"
		lose "$what" "$(tail -n 1 /run/child)"
	fi
	wait $pid || status=$?
	[ "$victim" != "$VM_NODE" ] || ip link set eth0 up
	touch "/results/done.$jobs.$VM_NODE"
	for ((node = 1; node <= VM_NODES; node++)); do
		wait_until "the end of node $node" ls "/results/done.$jobs.$node" >/dev/null
	done
	case $victim,$what,$status in
	"$VM_NODE",cut,3 | "$VM_NODE",stop,3) grep -q 'it is out' "$said" && return ;;
	"$VM_NODE",gone,137 | "$VM_NODE",kill,137) return ;;
	*,0)
		ms=$(sed -n 's/.* 1 deaths seen, .*longest operation \([0-9]*\) ms$/\1/p' "$said")
		if [ "$victim" != "$VM_NODE" ] && [ "$ms" ] && [ "$ms" -le $((DSM_LOSS_TIMEOUT + 3000)) ]; then
			echo "machine $victim is lost ($what): the longest wait is $ms ms"
			return
		fi
		;;
	esac
	cat "$said"
	fail "node $VM_NODE of $VM_NODES: status $status: $what of machine $victim"
}

# lose WHAT PROCESS: this machine's node, which the others miss
lose() {
	case $1 in
	kill) kill -KILL "$2" ;;
	gone) ip link set eth0 down && kill -KILL "$2" ;;
	stop) kill -STOP "$2" && sleep "$((3 * DSM_LOSS_TIMEOUT))e-3" && kill -CONT "$2" ;;
	cut) ip link set eth0 down && sleep "$((3 * DSM_LOSS_TIMEOUT))e-3" ;;
	esac
}

left() {
	local what victim
	RANDOM=$1
	export DSM_TRAP=rwp
	patience_by env DSM_RANK=$((VM_NODE - 1)) DSM_SIZE="$VM_NODES" DSM_RENDEZVOUS=node1:6999 \
		examples/sort --keys 1000
	# What the first one has found is for all.
	[ "$VM_NODE" != 1 ] || { echo "$DSM_LOSS_TIMEOUT" >/results/new && mv /results/new /results/patience; }
	DSM_LOSS_TIMEOUT=$(wait_until patience cat /results/patience 2>/dev/null) || fail 'the first machine tells no patience'
	victim=$((RANDOM % VM_NODES))
	for what in gone cut kill stop; do
		left_by $what $((victim + 1)) $((RANDOM % 700))
		victim=$(((victim + 1) % VM_NODES))
	done
}

"$@"
