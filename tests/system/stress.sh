#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Random accesses, checked for coherence: a few seconds on each provider.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
job 60 4 auto tests/system/stress --seconds 3
job 60 2 auto tests/system/stress --seconds 2 --threads 4 --pages 3 --seed 2
job 60 3 tcp tests/system/stress --seconds 2 --pages 200 --seed 3
job 60 2 'tcp;ofi_rxm' tests/system/stress --seconds 2 --seed 4
DSM_FAULTS=signal job 60 3 auto tests/system/stress --seconds 2 --seed 5
