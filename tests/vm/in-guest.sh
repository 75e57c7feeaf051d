#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What run-suite.sh has done within the machines, in the build directory.
#
#	in-guest.sh all_of PROGRAM...    each must pass, and skip nothing
#	in-guest.sh system               jobs of two nodes with read-write protection
#	in-guest.sh mixed                the same with another engine on each node
#	in-guest.sh netns                jobs on four hosts, on links that delay, lose, and reorder
set -u
sources=$(cd "$(dirname "$0")/../.." && pwd)

all_of() {
	local program status result=0
	for program in "$@"; do
		"$program" 2>&1 | tee /run/said
		status=${PIPESTATUS[0]}
		if [ "$status" != 0 ]; then
			echo "$program: exit status $status"
			result=1
		elif grep '^skipped ' /run/said; then
			echo "$program has skipped what this machine has"
			result=1
		fi
	done
	return $result
}

# timed COMMAND...: runs it, and tells how long it took.
timed() {
	local start=$SECONDS
	"$@" || return
	echo "in $((SECONDS - start)) s: $*"
}

# All programs of the system tests, and the examples, with short runs: each ends with an audit.
# What the engine must have done is known to engine.
system() {
	# shellcheck source=tests/system/lib.sh
	. "$sources/tests/system/lib.sh"
	export DSM_TRAP=rwp
	timed job 300 2 auto tests/system/engine
	DSM_FAULTS=signal timed job 300 2 auto tests/system/engine
	timed job 300 2 auto tests/system/audit
	timed job 300 2 auto tests/system/api
	timed job 300 2 auto tests/system/place
	DSM_FAULTS=signal timed job 300 2 auto tests/system/place
	timed job 300 2 auto tests/system/stress --seconds 8
	DSM_FAULTS=signal timed job 300 2 auto tests/system/stress --seconds 5 --seed 2
	timed job 300 2 tcp tests/system/stress --seconds 5 --seed 3
	timed job 300 2 auto tests/system/litmus 200
	timed job 300 2 auto tests/system/kernel
	timed job 300 2 auto examples/heat --rows 128 --steps 20 --output /run/heat.png
	timed job 300 2 auto examples/sort --keys 100000

	timed job 300 2 auto tests/system/engine --huge
	DSM_FAULTS=signal timed job 300 2 auto tests/system/engine --huge
	timed job 300 2 auto tests/system/stress --seconds 8 --huge --pages 3
	timed job 300 2 auto tests/system/litmus --huge 60
	timed job 300 2 auto tests/system/kernel --huge
	export DSM_HUGE=8M
	timed job 300 2 auto examples/heat --rows 512 --steps 5 --output /run/heat.png
	timed job 300 2 auto examples/sort --keys 300000
}

# one_each COMMAND...: runs it on two nodes, of which node 0 has rwp and node 1 wp.
one_each() {
	# shellcheck disable=SC2016 # for the nodes' shell
	job 300 2 auto bash -c 'engines=(rwp wp); export DSM_TRAP=${engines[DSM_RANK]}; exec "$@"' \
		one_each "$@"
}

mixed() {
	# shellcheck source=tests/system/lib.sh
	. "$sources/tests/system/lib.sh"
	timed one_each tests/system/engine
	timed one_each tests/system/stress --seconds 8 --seed 4
	timed one_each tests/system/litmus 200
	timed one_each tests/system/kernel calls
	timed one_each tests/system/engine --huge
	timed one_each tests/system/stress --seconds 8 --huge --pages 3 --seed 5
}

# The hosts are namespaces of this machine, whose kernel has netem: nothing may be skipped.
netns() {
	local status=0
	export DSM_TRAP=rwp NETNS_LIMIT=100
	timed "$sources/tests/system/netns.sh" netem delay 1ms loss 1% reorder 25% || status=$?
	[ "$status" != 77 ] || status=1
	return "$status"
}

"$@"
