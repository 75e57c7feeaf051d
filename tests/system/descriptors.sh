#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Nodes that are started, and dsmctl, with some of descriptors 0 to 2 closed.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes

tests/system/descriptors
status=$?
[ $status = 0 ] || exit $status

said=$(mktemp) || exit 1
trap 'rm -f "$said"' EXIT
for closed in '<&-' '>&-' '2>&-' '>&- 2>&-' '<&- >&- 2>&-'; do
	for provider in shm tcp; do
		run_job 60 2 $provider sh -c "exec tests/system/descriptors --talk $closed" >"$said" 2>&1 ||
			fail "nodes over $provider with $closed: status $?: $(cat "$said")"
	done
	# What dsmctl has closed itself.
	eval "run_job 60 2 auto tests/system/descriptors --talk $closed" || fail "dsmctl with $closed: status $?"
done
