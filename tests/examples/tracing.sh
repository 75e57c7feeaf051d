#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What docs/tracing.md finds by a trace is to be found: the node that is late at a barrier, and the
# page that two nodes share by accident. And that its pictures can be drawn.
top=$(cd "${srcdir:-.}" && pwd) || exit 99
# shellcheck source=tests/system/lib.sh
. "$top/tests/system/lib.sh"
need_nodes
python=$(command -v python3) || { echo "there is no python3 to read JSON"; exit 77; }
tmp=$(mktemp -d) || exit 99
export TMPDIR=$tmp # jobs of our own only
unset XDG_RUNTIME_DIR
trap 'rm -rf "$tmp"' EXIT

# trace_of SECONDS NODES COMMAND...: to $tmp/trace.json
trace_of() {
	local job seconds=$1 nodes=$2
	shift 2
	timeout -k 5 $hang tools/dsmctl run -n "$nodes" -- "$@" >"$tmp/said" 2>&1 &
	job=$!
	wait_until "all nodes answer" all_answer "$nodes" >/dev/null || { cat "$tmp/said" >&2; exit 1; }
	tools/dsmctl trace -t "$seconds" -o "$tmp/trace.json" >"$tmp/trace.said" 2>&1 ||
		fail "no trace of $1: $(cat "$tmp/trace.said")"
	kill -TERM $job
	wait $job
}
all_answer() { [ "$(tools/dsmctl status --json | grep -c '"provider"')" = "$1" ]; }

trace_of 3 3 examples/late
"$python" - "$tmp/trace.json" <<'END' || fail "the late node is not found"
import json, sys
waits = {}
for e in json.load(open(sys.argv[1]))["traceEvents"]:
    if e["name"] == "dsm_barrier" and not e["args"].get("cut"):
        waits.setdefault(e["pid"] - 1, []).append(e)
# There are barriers at which two wait long, for the third, and on a machine that is busy others.
late = [0, 0, 0]
for w in waits[0]:
    end = w["ts"] + w["dur"]
    same = {r: min(waits[r], key=lambda e: abs(e["ts"] + e["dur"] - end)) for r in waits}
    long = [r for r in same if same[r]["dur"] > 40000]
    short = [r for r in same if same[r]["dur"] < 20000]
    if len(long) == 2 and len(short) == 1:
        late[short[0]] += 1
print("late at barriers:", late)
sys.exit(late[1] == 0 or late[1] < max(late))
END
"$python" "$top/docs/tracing/picture.py" "$tmp/trace.json" 0 500 >"$tmp/late.svg" || fail "no picture"
"$python" - "$tmp/late.svg" <<'END' || fail "no such picture: $(head -c 2000 "$tmp/late.svg")"
import sys, xml.dom.minidom
picture = xml.dom.minidom.parse(sys.argv[1])
waits = [t for t in picture.getElementsByTagName("title") if t.firstChild.data.startswith("dsm_barrier,")]
sys.exit(len(waits) < 12 or len(picture.getElementsByTagName("line")) < 12)
END

trace_of 2 2 examples/neighbours
"$python" - "$tmp/trace.json" <<'END' || fail "false sharing is not found"
import json, sys
places = {}
for e in json.load(open(sys.argv[1]))["traceEvents"]:
    if e.get("cat") == "fault":
        places.setdefault(e["pid"] - 1, set()).add((e["name"], e["args"]["page"], e["args"]["block"], e["args"]["byte"]))
print(places)
if any("counters" not in {p[2] for p in places.get(r, ())} for r in (0, 1)):
    sys.exit("no faults at the counters")
words = [{p[3] for p in places[r]} for r in (0, 1)]
pages = [{p[1] for p in places[r]} for r in (0, 1)]
sys.exit(words != [{0}, {8}] or pages[0] != pages[1] or len(pages[0]) != 1)
END

# Its counter on a page of its own, a node faults when it begins, if the trace has begun by then.
trace_of 0.5 2 examples/neighbours apart
"$python" - "$tmp/trace.json" <<'END' || fail "faults of nodes that share nothing"
import json, sys
sys.exit(sum(e.get("cat") == "fault" for e in json.load(open(sys.argv[1]))["traceEvents"]) > 4)
END
