#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Pages that are needed with a mutex come with it; both deliveries, over shared memory and a network.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
find_deliveries
job_each_way 60 2 tests/system/bound
