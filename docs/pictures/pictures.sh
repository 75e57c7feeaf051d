#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Makes the pictures of README.md and docs/tutorial.md anew:
#
#	docs/pictures/pictures.sh [BUILD]    in the sources; BUILD has what was built there (build)
#
# For the screen of dsmctl top it needs python3-pyte. What programs show is taken from jobs that it
# runs, and is never twice the same.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:-$here/../../build}" && pwd)
ctl=$build/tools/dsmctl
tmp=$(mktemp -d)
export TMPDIR=$tmp # jobs of our own only
unset XDG_RUNTIME_DIR
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$tmp"' EXIT

# runs NODES PROGRAM [ARGUMENT...]: until all of its nodes are there
runs() {
	local nodes=$1
	shift
	(cd "$tmp" && exec "$ctl" run -n "$nodes" -- "$@") >/dev/null 2>&1 &
	until [ "$("$ctl" status --json 2>/dev/null | grep -c '"provider"')" = "$nodes" ]; do sleep 0.1; done
}

ends() {
	kill %%
	wait %% || true
}

python3 "$here/draw.py" rooms >"$here/rooms.svg"
python3 "$here/draw.py" miss >"$here/miss.svg"

runs 4 "$build/examples/heat" --steps=1000000 --rows=192 --cols=256
"$ctl" heatmap -t 2 -o "$tmp/map.svg" 2>/dev/null
python3 "$here/draw.py" small <"$tmp/map.svg" >"$here/heatmap.svg"
python3 "$here/draw.py" top "$ctl" >"$here/top.svg"
ends

cc -O2 -g -I"$here/../../dsm" -o "$tmp/step3" "$here/../../examples/tutorial/step3.c" \
	-L"$build/.libs" -Wl,-rpath,"$build/.libs" -ldsm
runs 2 "$tmp/step3" 30000000
until "$ctl" status | grep -q dsm_barrier; do sleep 0.1; done
"$ctl" trace -t 0.2 -o "$tmp/step3.json"
python3 "$here/../tracing/picture.py" "$tmp/step3.json" 0 200 >"$here/step3.svg"
ends
