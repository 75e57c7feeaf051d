#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Freed memory returns, over shared memory and TCP, with both ways of faults, and by chunks.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
export DSM_MEMORY=64M
DSM_PROVIDER=shm job 120 2 auto tests/system/reuse
DSM_PROVIDER=tcp job 120 3 auto tests/system/reuse
DSM_FAULTS=signal job 120 2 auto tests/system/reuse
DSM_ON_LOSS=continue job 120 3 tcp tests/system/reuse
DSM_CHUNKS=1 job 120 2 tcp tests/system/reuse
