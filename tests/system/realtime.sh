#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Programs of real-time priority that wait without sleeping, each node on one processor.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
chrt -f 10 true 2>/dev/null || { echo "this user may not run programs with a real-time priority"; exit 77; }

mine=()
for ((cpu = 0; cpu < 4096 && ${#mine[@]} < 2; cpu++)); do
	taskset -c $cpu true 2>/dev/null && mine+=("$cpu")
done
# On one a node that does not sleep stops the other, whatever we do.
[ ${#mine[@]} = 2 ] || { echo "this takes two processors"; exit 77; }

# shellcheck disable=SC2016 # the rank is known to the node
bound='cpus=('${mine[*]}') && exec chrt -f "$0" taskset -c "${cpus[DSM_RANK]}" "$@"'
for faults in event signal; do
	for provider in shm tcp; do
		DSM_FAULTS=$faults job 6 2 $provider bash -c "$bound" 10 tests/system/api spin
	done
done

# Nothing is above 99; and what may be, is not said.
said=$(DSM_LOG=warn run_job 6 2 auto bash -c "$bound" 99 tests/system/api identity 2>&1) ||
	fail "status $? with priority 99: $said"
[ "$(grep -c "have real-time priority 99, and the library's may not have 100" <<<"$said")" = 2 ] ||
	fail "it does not say on each node what waits for ever: $said"
said=$(DSM_LOG=warn run_job 6 2 auto bash -c "$bound" 10 tests/system/api identity 2>&1) ||
	fail "status $? with priority 10: $said"
! grep -q 'real-time priority' <<<"$said" || fail "it warns although there is nothing to warn of: $said"
