#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Each engine of the trap that this kernel has does what it is there for.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
for engine in wp rwp; do
	said=$(DSM_TRAP=$engine tests/system/api identity 2>&1)
	case $? in
	0) ;;
	77) printf '%s\n' "$said" && continue ;;
	*) fail "a job of one node does not run: $said" ;;
	esac
	DSM_TRAP=$engine job 60 2 auto tests/system/engine
	DSM_TRAP=$engine DSM_FAULTS=signal job 60 2 auto tests/system/engine
done
