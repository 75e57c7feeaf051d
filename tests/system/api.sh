#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The calls of dsm.h on one, two and four nodes.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
for nodes in 1 2 4; do
	job 120 $nodes auto tests/system/api
done
DSM_FAULTS=signal job 120 2 auto tests/system/api
# Pins where not all that is shared fits into a node, and where what fits are chunks.
DSM_MEMORY=512K job 60 2 auto tests/system/api pin
DSM_CHUNKS=1 DSM_MEMORY=6M job 60 3 tcp tests/system/api pin
