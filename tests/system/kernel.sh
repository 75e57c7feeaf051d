#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# System calls on shared memory, and fork.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
DSM_FAULTS=signal job 60 2 auto tests/system/kernel fork
need_events
for nodes in 1 2 3; do
	DSM_FAULTS=event job 120 $nodes auto tests/system/kernel
done
