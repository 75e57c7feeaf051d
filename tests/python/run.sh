#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The package for Python on one, two and four nodes, by both deliveries of faults; its log; processes
# that a node starts; its examples.
# shellcheck source=tests/python/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
need_python python3-numpy numpy
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
export TMPDIR=$tmp # what nodes leave that end as they should not
unset XDG_RUNTIME_DIR
here=$top/tests/python
place=$(own_address):$((10000 + $$ % 9000))

deliveries=signal
said=$(DSM_FAULTS=event tests/system/api identity 2>&1) && deliveries='signal event'
[ "$deliveries" != signal ] || echo "by signals only: $said"

# ends HOW DELIVERY: started by hand, for dsmctl would end the one that is to tell
ends() {
	local rank pids=() status=0
	[ "$1" = raise ] && status=1
	for rank in 0 1; do
		DSM_RANK=$rank DSM_SIZE=2 DSM_RENDEZVOUS=$place DSM_FAULTS=$2 \
			timeout -k 5 "$hang" "$python" -X faulthandler "$here/log.py" "$1" >"$tmp/out.$rank" 2>&1 &
		pids+=($!)
	done
	wait "${pids[0]}" || fail "log.py $1 by $2: node 0: $(cat "$tmp/out.0")"
	wait "${pids[1]}"
	[ $? = $status ] || fail "log.py $1 by $2: node 1: $(cat "$tmp/out.1")"
	grep -q '^log: .*without leaving the job' "$tmp/out.0" ||
		fail "log.py $1 by $2: not a word of why: $(cat "$tmp/out.0")"
}

# verifies NODES EXAMPLE [ARGUMENT...]
verifies() {
	job 60 "$1" auto "$python" "$top/examples/python/$2" "${@:3}" >"$tmp/out" 2>&1 ||
		fail "on $1 nodes: $2: $(cat "$tmp/out")"
	grep -q 'verified: ' "$tmp/out" || fail "did not verify on $1 nodes: $2: $(cat "$tmp/out")"
}

# calls NODES PROVIDER
calls() { job 60 "$1" "$2" "$python" -X faulthandler "$here/calls.py"; }

for delivery in $deliveries; do
	export DSM_FAULTS=$delivery
	# Each delivery and each provider with two and with four nodes, but not all with all.
	case $delivery in
	event) calls 1 shm && calls 4 shm && calls 2 tcp && provider=shm ;;
	signal) calls 2 shm && calls 4 tcp && provider=tcp ;;
	esac
	job 60 2 $provider "$python" -X faulthandler "$here/log.py" trace
	ends raise $delivery
	ends forget $delivery
	job 60 2 auto "$python" "$here/processes.py"
done
unset DSM_FAULTS
timeout "$hang" "$python" "$here/calls.py" || fail "without a launcher: status $?"
job 60 1 auto "$python" "$here/processes.py"
verifies 1 jacobi.py --rows=50 --pages=1 --steps=10
verifies 2 rows.py
verifies 4 rows.py
verifies 4 jacobi.py --rows=50 --pages=1 --steps=10
echo "python: on 1, 2 and 4 nodes"
