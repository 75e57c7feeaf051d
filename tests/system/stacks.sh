#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Small alternate stacks, and stacks in shared memory; both deliveries.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
find_deliveries
job_each_way 60 2 tests/system/stacks
