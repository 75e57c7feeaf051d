#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What run-suite.sh has done within the machines.
#
#	in-guest.sh all_of PROGRAM...    each must pass, and skip nothing
set -u

all_of() {
	local program status result=0
	for program in "$@"; do
		"$program" 2>&1 | tee /run/said
		status=${PIPESTATUS[0]}
		if [ "$status" != 0 ]; then
			echo "$program: exit status $status"
			result=1
		elif grep '^skipped ' /run/said; then
			echo "$program has skipped what this machine has"
			result=1
		fi
	done
	return $result
}

"$@"
