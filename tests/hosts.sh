# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# Four "hosts": network namespaces $ns-0 to $ns-3 with an address each, joined by a bridge in a fifth one.
# To be sourced with bash. Where they cannot be made the test is skipped.
# shellcheck disable=SC2154 # ns is the sourcing script's

skip() { echo "skipped: $*"; exit 77; }
[ "$(id -u)" = 0 ] || skip "making network namespaces needs root"
command -v ip >/dev/null || skip "no ip here: install iproute2"

# make_hosts NET: host I is NET.I+1
make_hosts() {
	local i
	ip netns add $ns-bridge && ip -n $ns-bridge link add br0 type bridge &&
		ip -n $ns-bridge link set br0 up || return
	for i in 0 1 2 3; do
		ip netns add $ns-$i &&
			ip -n $ns-bridge link add port$i type veth peer name eth0 netns $ns-$i &&
			ip -n $ns-bridge link set port$i master br0 &&
			ip -n $ns-bridge link set port$i up &&
			ip -n $ns-$i addr add "$1.$((i + 1))/24" dev eth0 &&
			ip -n $ns-$i link set lo up && ip -n $ns-$i link set eth0 up || return
	done
}

remove_hosts() {
	local i
	for i in 0 1 2 3 bridge; do ip netns del $ns-$i 2>/dev/null; done
}
