# SPDX-License-Identifier: BSD-2-Clause
"""Reads what dsmctl trace wrote, and holds it against what is known.

	trace.py FILE form             what has to be so in any trace that nothing was lost of
	trace.py FILE load             and what tests/system/traced.c does once
	trace.py FILE lost             what has to be so where events were overwritten
	trace.py FILE clock RANK NS    the clock of a node is that far ahead, and arrows go forward
"""
import bisect
import collections
import json
import sys

MESSAGES = 2000000001
PAGES, LOCKS, BARRIERS = 64, 5, 3

path, what = sys.argv[1:3]
with open(path, encoding="utf-8") as file:
    trace = json.load(file)
events = [e for e in trace["traceEvents"] if e["ph"] != "M"]
nodes = {n["rank"]: n for n in trace["otherData"]["nodes"]}


def must(condition, *sentence):
    if not condition:
        sys.exit(f"trace.py: {path}: " + " ".join(map(str, sentence)))


def of(rank, **members):
    return [e for e in events if e["pid"] == rank + 1 and all(e.get(k) == v for k, v in members.items())]


def ns(us):
    return round(us * 1000)


def check_order():
    last = {}
    for e in events:
        must(e["ph"] in "Xistf" and e["name"] and e["cat"], "no such event:", e)
        must(e["ts"] >= last.get((e["pid"], e["tid"]), 0), "goes back in time:", e)
        must(e["ph"] != "X" or e["dur"] >= 0, "ends before it begins:", e)
        last[e["pid"], e["tid"]] = e["ts"]


def check_nesting():
    """Slices of a track are in each other or apart."""
    stack = collections.defaultdict(list)
    for e in events:
        if e["ph"] != "X":
            continue
        open_ends = stack[e["pid"], e["tid"]]
        begin, end = ns(e["ts"]), ns(e["ts"]) + ns(e["dur"])
        while open_ends and open_ends[-1] <= begin:
            open_ends.pop()
        must(not open_ends or end <= open_ends[-1], "neither in another slice nor apart:", e)
        open_ends.append(end)


def check_arrows():
    """Each begins once, goes on, ends once, in this order, and at slices."""
    slices = collections.defaultdict(list)
    for e in events:
        if e["ph"] == "X":
            slices[e["pid"], e["tid"]].append((ns(e["ts"]), ns(e["ts"]) + ns(e["dur"])))
    arrows = collections.defaultdict(list)
    for e in events:
        if e["ph"] not in "stf":
            continue
        arrows[e["id"]].append(e)
        track = slices[e["pid"], e["tid"]]
        at = bisect.bisect_right(track, (ns(e["ts"]), float("inf"))) - 1
        must(any(end >= ns(e["ts"]) for _, end in track[max(0, at - 8):at + 1]), "belongs to no slice:", e)
    for points in arrows.values():
        form = "".join(p["ph"] for p in points)
        must(len(form) >= 2 and form == "s" + "t" * (len(form) - 2) + "f", "no arrow:", points)
    return arrows


def check_counts():
    """What is in the trace is what the nodes have counted meanwhile."""
    for rank, node in nodes.items():
        must(node["overwritten"] == 0, "events of rank", rank, "were overwritten")
        counted = node["statistics"]
        seen = collections.Counter()
        for e in of(rank, cat="count"):
            seen[e["name"]] += e["args"]["count"]
        for name in ("read_misses", "write_misses", "upgrades", "pages_fetched", "grants_empty",
                     "invalidations", "downgrades", "pages_supplied", "deferred", "atomics", "locks",
                     "barriers", "evictions", "prefetched"):
            must(seen[name] == counted[name], "rank", rank, name, seen[name], "not", counted[name])
        for name, category in (("faults", "fault"), ("messages_sent", "sent"),
                               ("messages_received", "received"), ("page_writes_landed", "landing")):
            n = len(of(rank, cat=category))
            must(n == counted[name], "rank", rank, name, n, "not", counted[name])
        written = sum(e["args"]["pages"] for e in of(rank, cat="page write"))
        must(written == counted["pages_written"], "rank", rank, "pages written", written)


def check_messages():
    """What all have sent to each other all have received, but for what is on its way."""
    way = {}
    for kind in ("sent", "received"):
        for e in events:
            if e["cat"] != kind:
                continue
            here, there = e["pid"] - 1, e["args"]["to" if kind == "sent" else "from"]
            pair = (here, there) if kind == "sent" else (there, here)
            way.setdefault(pair + (e["args"]["number"],), {})[kind] = e
    both = [w for w in way.values() if len(w) == 2]
    must(len(both) >= 0.9 * len(way), "of", len(way), "messages only", len(both), "were sent and received")
    for w in both:
        must(w["sent"]["name"] == w["received"]["name"], "another message came:", w)
    return both


def check_load(arrows):
    faults = of(1, cat="fault")
    must(not of(0, cat="fault"), "node 0 has faulted")
    must([f["name"] for f in faults] == ["write fault"] * PAGES, "other faults:", len(faults))
    must(sorted(f["args"]["byte"] for f in faults) == [4096 * i + 40 for i in range(PAGES)], "not where they were")
    must({f["args"]["block"] for f in faults} == {"load"}, "another block")
    must(nodes[1]["statistics"]["write_misses"] == PAGES, "other misses")
    thread = faults[0]["tid"]
    begun = {(p[0]["ts"], p[-1]["name"]) for p in arrows.values() if p[0]["pid"] == 2 and p[0]["tid"] == thread}
    asked = [f for f in faults if {(f["ts"], "GetM"), (f["ts"], "Fwd-GetM")} & begun]
    must(len(asked) == PAGES, "of", PAGES, "faults", len(asked), "have an arrow to their grant")
    ends = [p[-1] for p in arrows.values() if p[0]["ts"] in {f["ts"] for f in faults}]
    must(all(e["pid"] == 2 and e["tid"] == MESSAGES for e in ends), "a grant to another node")
    for name, n, phase in (("dsm_mutex_lock", LOCKS, "X"), ("dsm_mutex_unlock", LOCKS, "i")):
        must(len(of(1, name=name, ph=phase)) == n, name, len(of(1, name=name, ph=phase)))
    for rank in (0, 1):
        passed = of(rank, name="dsm_barrier", ph="X")
        must(len(passed) == BARRIERS, "rank", rank, "barriers", len(passed))
    must(len(of(1, name="dsm_broadcast", ph="X")) == 2, "node 1 has waited for other words")
    must([e["args"].get("cut") for e in of(1, name="dsm_broadcast", ph="X")] == [True, True], "no cuts")


if what == "lost":
    for n in nodes.values():
        must(n["records"] == 1024, "rank", n["rank"], "has", n["records"], "events")
    must(any(n["overwritten"] > 0 for n in nodes.values()), "nothing was overwritten")
elif what == "clock":
    node = nodes[int(sys.argv[3])]
    must(abs(node["clock_ns"] - int(sys.argv[4])) <= node["clock_error_ns"] + 10 ** 6, "clock:", node["clock_ns"])
    error = node["clock_error_ns"]
    for m in check_messages():
        must(m["sent"]["ts"] <= m["received"]["ts"] + error / 1000, "received before it was sent:", m)
else:
    check_counts()
    check_messages()
if what != "clock":
    check_order()
    check_nesting()
    arrows = check_arrows()
    must(arrows, "no arrow at all")
if what == "load":
    check_load(arrows)
print(f"{path}: {len(events)} events as they have to be")
