#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Connections that break under a running job: what they take along is missed, and the job goes on
# with right data or ends on all nodes, soon. Three "hosts": network namespaces joined by a bridge.
# The second and the third have no connection to each other but the provider's.
#
#	breaks.sh [RESETS [PARTITIONS]]    so many times each, a job each time
#
# BREAKS_LIMIT: seconds within which a job has to end when its network is broken. Where nothing
# else runs 12 are enough: a node that does not answer for 10 is lost.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
resets=${1:-6} partitions=${2:-3}
limit=${BREAKS_LIMIT:-$hang}
need_nodes
skip() { echo "skipped: $*"; exit 77; }
[ "$(id -u)" = 0 ] || skip "making network namespaces needs root"
command -v ip ss >/dev/null || skip "no ip and ss here: install iproute2"

tmp=$(mktemp -d) || exit 99
export TMPDIR=$tmp # what nodes leave that are ended
unset XDG_RUNTIME_DIR
ns=dsmb$$
clean_up() {
	local i
	for i in 0 1 2 bridge; do ip netns del $ns-$i 2>/dev/null; done
	rm -rf "$tmp"
}
trap clean_up EXIT

make_hosts() {
	local i
	ip netns add $ns-bridge && ip -n $ns-bridge link add br0 type bridge &&
		ip -n $ns-bridge link set br0 up || return
	for i in 0 1 2; do
		ip netns add $ns-$i &&
			ip -n $ns-bridge link add port$i type veth peer name eth0 netns $ns-$i &&
			ip -n $ns-bridge link set port$i master br0 &&
			ip -n $ns-bridge link set port$i up &&
			ip -n $ns-$i addr add 10.78.0.$((i + 1))/24 dev eth0 &&
			ip -n $ns-$i link set lo up && ip -n $ns-$i link set eth0 up || return
	done
}
made=$(make_hosts 2>&1) || skip "no network namespaces with a bridge here: $made"

# In the kernel's own words, for a link that heals when TCP has given up.
give_up_early() { ip netns exec $ns-"$1" sysctl -qw net.ipv4.tcp_retries2=3; }

# Packets between the second and the third host go nowhere, and do again.
cut() { for i in 1 2; do ip -n $ns-bridge link set port$i type bridge_slave isolated on; done; }
heal() { for i in 1 2; do ip -n $ns-bridge link set port$i type bridge_slave isolated off; done; }

# reset NUMBER: a connection is reset, by turns at each of its ends; mostly something is on its way,
# and the other end does not hear of it at once.
reset() {
	[ $((n % 4)) = 0 ] || { cut && sleep 0.05; }
	ip netns exec $ns-$((1 + $1 % 2)) ss -HtK dst 10.78.0.$((3 - $1 % 2)) >"$tmp/reset"
	heal
	touch "$tmp/stop"
}

all_work() { [ "$(cat "$tmp"/out.? | grep -c ' works$')" = 3 ]; }

# one NUMBER WHAT [ARGUMENT]: a job while which that happens to the network
one() {
	local i pids=()
	rm -f "$tmp"/out.? "$tmp/stop"
	for i in 2 1 0; do
		DSM_LOG=error DSM_REGION=16M DSM_SIZE=3 DSM_RANK=$i DSM_RENDEZVOUS=10.78.0.1:7000 \
			DSM_PROVIDER=$provider timeout -k 5 $((hang + limit)) \
			ip netns exec $ns-$i tests/system/breaks "$tmp/stop" >"$tmp/out.$i" 2>&1 &
		pids+=($!)
	done
	wait_until "$1: the job has not started" all_work >/dev/null
	sleep "0.0$((RANDOM % 10))" # the network breaks at any time
	SECONDS=0
	"${@:2}"
	worst_of "${pids[@]}" || fail "$1 over $provider: status $?: $(cat "$tmp"/out.?)"
	[ $SECONDS -le "$limit" ] || fail "$1 over $provider: ended after $SECONDS s"
	went=$(cat "$tmp"/out.? | grep -c ' went on$') lost=$(cat "$tmp"/out.? | grep -c ' lost .* ms')
	[ $((went + lost)) = 3 ] || fail "$1 over $provider: $(cat "$tmp"/out.?)"
	[ "$lost" = 0 ] || ends=$((ends + 1))
	[ $SECONDS -le "$longest" ] || longest=$SECONDS
}

# By turns for good, for a time in which nothing is lost, and until TCP has given up.
partition() {
	cut
	case $1 in
	1) sleep 1 ;;
	2) sleep 4 ;;
	*) return ;; # the job is lost
	esac
	heal
	touch "$tmp/stop"
}

ends=0 longest=0 provider=tcp
for ((n = 1; n <= resets; n++)); do
	[ $((n % 6)) = 0 ] && provider='tcp;ofi_rxm' || provider=tcp
	one "reset $n" reset $n
	[ -s "$tmp/reset" ] || skip "this kernel does not let ss -K reset connections"
done
echo "breaks: $resets resets, $ends jobs ended, all within $longest s"
ends=0 longest=0 provider=tcp
for i in 1 2; do give_up_early $i; done
for ((n = 1; n <= partitions; n++)); do
	one "partition $n" partition $((n % 3))
	[ $((n % 3)) != 0 ] || [ "$lost" = 3 ] || fail "partition $n: the job went on without a network"
	heal
done
echo "breaks: $partitions partitions, $ends jobs ended, all within $longest s"
