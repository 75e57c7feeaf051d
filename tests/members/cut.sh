#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Four "hosts", network namespaces joined by a bridge, with a process each that is to survive: links go
# down, so that boot connections and heartbeats end alike, without a word. Those who are together go on
# if they are a majority, the others end with a sentence.
set -u
# shellcheck source=tests/hosts.sh
. "$(dirname "$0")/../hosts.sh"
one=$PWD/tests/members/one
[ -x "$one" ] || { echo "cut: run in the build directory, as make check does"; exit 99; }

tmp=$(mktemp -d) || exit 99
ns=dsmcut$$
pids=()
clean_up() {
	local i
	exec 9>&- 2>/dev/null
	for i in "${pids[@]}"; do kill -9 "$i" 2>/dev/null; done
	remove_hosts
	rm -rf "$tmp"
}
trap clean_up EXIT

made=$(make_hosts 10.78.0 2>&1) || skip "no network namespaces with a bridge here: $made"

# wait_for HOST TEXT: until the process there has said so
wait_for() {
	local i
	for ((i = 0; i < 3000; i++)); do
		grep -q "$2" "$tmp/$1" && return
		sleep 0.02
	done
	echo "cut: host $1 does not say \"$2\":"
	tail -n 20 "$tmp"/[0-3]
	exit 1
}

# start: all four, who live until file descriptor 9 is closed
start() {
	local i
	rm -f "$tmp/hold"
	mkfifo "$tmp/hold"
	pids=()
	for i in 0 1 2 3; do
		env DSM_RENDEZVOUS=10.78.0.1:7000 DSM_RANK=$i DSM_SIZE=4 DSM_SECRET=cut LOSS_MS=1000 \
			ip netns exec $ns-$i "$one" <"$tmp/hold" >"$tmp/$i" 2>&1 &
		pids+=($!)
	done
	exec 9>"$tmp/hold"
	for i in 0 1 2 3; do wait_for $i '^usable'; done
}

finish() {
	exec 9>&-
	wait "${pids[@]}"
	pids=()
}

echo "the hub's host, which leads"
start
ip -n $ns-bridge link set port0 down
for i in 1 2 3; do wait_for $i '^view 2 e'; done
wait_for 0 '^end: of the 4 nodes of view 1 this one reaches 1'
grep -q '^unusable' "$tmp/0" || { echo "cut: host 0 kept its window"; exit 1; }
ip -n $ns-bridge link set port0 up
finish

echo "another, which comes back after the others have gone on: it learns that it is out"
start
ip -n $ns-bridge link set port3 down
for i in 0 1 2; do wait_for $i '^view 2 7'; done
ip -n $ns-bridge link set port3 up
wait_for 3 '^end: '
grep -q '^unusable' "$tmp/3" || { echo "cut: host 3 kept its window"; exit 1; }
finish

echo "two halves: that of the lowest rank goes on"
start
ip -n $ns-bridge link set port2 down
ip -n $ns-bridge link set port3 down
for i in 0 1; do wait_for $i '^view 2 3'; done
for i in 2 3; do wait_for $i '^end: of the 4 nodes of view 1 this one reaches 1'; done
finish
echo "cut: all is well"
