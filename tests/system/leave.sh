#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Handlers that leave an access to shared memory, and cancellation in one; both deliveries.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
# Who leaves a handler on a signal stack, and comes back to it, finds it used by another: AddressSanitizer makes one.
ASAN_OPTIONS+=:use_sigaltstack=0
need_nodes
! thread_sanitizer_stands_in_the_way ||
	{ echo "ThreadSanitizer calls handlers when it sees fit, not in an access"; exit 77; }
find_deliveries
job_each_way 60 2 tests/system/leave
