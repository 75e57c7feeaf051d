#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# System calls on shared memory, and fork.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
for nodes in 1 2 3; do
	job 120 $nodes auto tests/system/kernel
done
