#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Small alternate stacks, and stacks in shared memory; both deliveries.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
for provider in auto tcp; do
	DSM_FAULTS=auto job 60 2 $provider tests/system/stacks
	DSM_FAULTS=signal job 60 2 $provider tests/system/stacks
done
