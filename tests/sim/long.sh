#!/bin/sh
# The long run of the simulator: all workloads, over and over in other configurations of
# up to 1,024 nodes, until so many events have been simulated without a violation:
#   tests/sim/long.sh BUILD_DIRECTORY [EVENTS [SEED]]
# 10^9 events are the default. A violation ends it and prints how to see it again.
set -e
build=$1 events=${2:-1000000000} seed=${3:-1}
[ -x "$build/tests/sim/sim" ] || { echo "usage: $0 BUILD_DIRECTORY [EVENTS [SEED]]" >&2; exit 2; }
exec nice -n 10 "$build/tests/sim/sim" --total "$events" --seed "$seed"
