#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Handlers that leave an access to shared memory, and cancellation in one; both deliveries.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
for provider in auto tcp; do
	DSM_FAULTS=auto job 60 2 $provider tests/system/leave
	DSM_FAULTS=signal job 60 2 $provider tests/system/leave
done
