#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The objects of dsm_sync.h; both deliveries, over shared memory and a network. "objects.sh TIMES
# ITEMS" does things so often.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
find_deliveries
seconds=$((200 + ${1:-500} / 10 + ${2:-5000} / 500))
job_each_way $seconds 2 tests/system/objects "$@"
job $seconds 1 auto tests/system/objects "$@"
job $seconds 4 auto tests/system/objects "$@"
[ $# -gt 0 ] || job 600 2 auto tests/system/objects 100 100000
