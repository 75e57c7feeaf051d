#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# All that works on 4 KiB pages, on pages of 2 MiB: each node takes some from vm.nr_hugepages.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
need_huge_pages 36
job 60 2 auto tests/system/engine --huge
DSM_FAULTS=signal job 60 2 auto tests/system/engine --huge
job 60 2 auto tests/system/stress --seconds 2 --huge --pages 4
job 60 2 tcp tests/system/stress --seconds 1 --huge --pages 2 --seed 2
DSM_FAULTS=signal job 60 2 auto tests/system/stress --seconds 2 --huge --pages 3 --seed 3
job 120 4 auto tests/system/litmus --huge 150
job 60 3 auto tests/system/kernel --huge fork
(need_events >/dev/null) && job 60 3 auto tests/system/kernel --huge calls
tests/system/errors --huge || fail "errors"
export DSM_HUGE=18M
job 60 4 auto tests/system/api memory
job 60 3 auto tests/system/api pin_huge
DSM_FAULTS=signal job 60 2 tcp tests/system/api pin_huge
if [ -x examples/heat ]; then # or there is no libpng
	pictures=$(mktemp -d) || exit 1
	job 60 2 auto examples/heat --rows 512 --steps 20 --output "$pictures/heat.png"
	rm -r "$pictures"
fi
job 60 2 auto examples/sort --keys 500000
