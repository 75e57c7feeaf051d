#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The calls of dsm_futex.h; both deliveries, over shared memory and a network. "futex.sh ROUNDS"
# has so many of each race alone.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
find_deliveries
seconds=$((90 + ${1:-10000} / 200))
job_each_way $seconds 2 tests/system/futex "$@"
job $seconds 1 auto tests/system/futex "$@"
job $seconds 4 auto tests/system/futex "$@"
