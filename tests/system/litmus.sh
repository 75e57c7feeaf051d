#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Outcomes that the CPU's memory model forbids, a few rounds.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
job 240 4 auto tests/system/litmus 800
job 120 2 tcp tests/system/litmus 300
DSM_FAULTS=signal job 120 4 auto tests/system/litmus 200
