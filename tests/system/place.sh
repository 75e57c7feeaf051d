#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Shared memory at addresses of the program's own (dsm_place.h); both deliveries, over shared memory
# and a network.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
find_deliveries
job_each_way 60 2 tests/system/place
job 60 1 auto tests/system/place
job 60 4 auto tests/system/place
