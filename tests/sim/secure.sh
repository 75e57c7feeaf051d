#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Deaths among pages that two nodes hold, one after the other and at any time, in jobs of several sizes; in a
# build directory, as make check does. SEED=n for others than the first ones; ROUNDS=n for more of them.
set -u
seed=${SEED:-1}
last=$((seed + ${ROUNDS:-5} - 1))
while [ "$seed" -le "$last" ]; do
	for job in "2 1" "3 2" "5 4" "8 5" "16 9" "64 30"; do
		tests/sim/secure $job 200000 "$seed" || exit 1
		tests/sim/secure $job 200000 "$seed" any || exit 1
	done
	seed=$((seed + 1))
done
