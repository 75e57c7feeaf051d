#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The long explorations: some 40 minutes of one processor, and up to 8 GB of memory. Builds
# what is needed in a configured build directory, "build" unless another is given.
set -eu
cd "$(dirname "$0")/../.."
build=${1:-build}
[ -e "$build/Makefile" ] || { echo "long.sh: $build is not configured; see CONTRIBUTING.md"; exit 2; }
make -s -C "$build" tests/explore/explore
exec "$build/tests/explore/explore" long
