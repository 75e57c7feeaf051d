#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Nodes that wait in a barrier leave the CPU alone, whatever carries the messages.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
job 60 4 auto tests/system/idle 10
job 60 4 tcp tests/system/idle 5
DSM_FAULTS=signal job 60 2 auto tests/system/idle 5
