#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Measures the programs of docs/tutorial.md on a machine that does nothing else, and writes the
# medians into its table:
#
#	docs/pictures/tutorial.sh [BUILD [RUNS]]    in the sources; BUILD has what was built there (build)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:-$here/../../build}" && pwd)
runs=${2:-15}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

for step in 0 1 2 3 4; do
	cc -O2 -g -I"$here/../../dsm" -o "$tmp/step$step" "$here/../../examples/tutorial/step$step.c" \
		-L"$build/.libs" -Wl,-rpath,"$build/.libs" -ldsm
done

# took FILE COMMAND...: the milliseconds that it says, and its pages, go to the file
took() {
	"${@:2}" | sed -n 's/^\(\[0\] \)*\([0-9.]*\) ms\(, \([0-9]*\) pages came\)*$/\2 \4/p' >>"$tmp/$1"
}

# All in turns, so that what else happens meets all of them.
for ((run = 0; run < runs; run++)); do
	took 0.1 "$tmp/step0"
	for step in 1 2 3 4; do
		took $step.1 "$build/tools/dsmctl" run -n 1 "$tmp/step$step"
		took $step.2 "$build/tools/dsmctl" run -n 2 "$tmp/step$step"
	done
done

# median FILE FIELD
median() { sort -n -k "$2" "$tmp/$1" | awk -v f="$2" '{ v[NR] = $f } END { printf "%.0f", v[int((NR + 1) / 2)] }'; }
for step in 0 1 2 3 4; do
	two="| |"
	[ $step = 0 ] || two="$(median $step.2 1) ms | $(median $step.2 2) |"
	sed -i "s/^\(| $step |[^|]*|\).*/\1 $(median $step.1 1) ms | $two/" "$here/../tutorial.md"
done
grep '^| ' "$here/../tutorial.md"
