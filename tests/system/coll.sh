#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The calls of dsm_coll.h on one, two and four nodes, in a region with room for one large block.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
export DSM_REGION=64M
for provider in shm tcp; do
	for nodes in 1 2 4; do
		job 60 $nodes $provider tests/system/coll
	done
	DSM_FAULTS=signal job 60 3 $provider tests/system/coll
done
