#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Draws some milliseconds of what dsmctl trace wrote: the pictures of docs/tracing.md.

	picture.py TRACE.json FROM_MS TO_MS >PICTURE.svg
"""
import html
import json
import sys

MESSAGES, COUNTS = 2000000001, 2000000002
LEFT, WIDTH, ROW, BAR, TOP = 150, 800, 26, 18, 26
COLOURS = {"dsm_barrier": "#d9a441", "read fault": "#5b8bd0", "write fault": "#c8553d",
           "sent": "#8a8a8a", "received": "#b9b9b9", "page write": "#4f9d69", "landing": "#8cc7a1"}

path, start, end = sys.argv[1], float(sys.argv[2]) * 1000, float(sys.argv[3]) * 1000
with open(path, encoding="utf-8") as file:
    events = json.load(file)["traceEvents"]
slices = [e for e in events if e["ph"] == "X" and e["ts"] < end and e["ts"] + e["dur"] > start]
tracks = sorted({(e["pid"], e["tid"]) for e in slices})


def x(ts):
    return round(LEFT + (min(max(ts, start), end) - start) / (end - start) * WIDTH, 1)


def y(e):
    return TOP + ROW * tracks.index((e["pid"], e["tid"]))


def bar(e):
    colour = COLOURS.get(e["name"], COLOURS.get(e["cat"], "#a58fc4"))
    left, width = x(e["ts"]), max(1.5, x(e["ts"] + e["dur"]) - x(e["ts"]))
    said = f"{e['name']}, {e['dur']:.1f} us " + json.dumps(e["args"])
    yield (f'<rect x="{left}" y="{y(e)}" width="{width:.1f}" height="{BAR}" rx="2" fill="{colour}">'
           f"<title>{html.escape(said)}</title></rect>")
    if width > 6.5 * len(e["name"]):
        yield f'<text x="{left + 3}" y="{y(e) + 13}" fill="#fff">{html.escape(e["name"])}</text>'


def arrows():
    points = {}
    for e in events:
        if e["ph"] in "stf" and (e["pid"], e["tid"]) in tracks:
            points.setdefault(e["id"], []).append(e)
    for way in points.values():
        for a, b in zip(way, way[1:]):
            if start <= a["ts"] and b["ts"] <= end and y(a) != y(b):
                yield (f'<line x1="{x(a["ts"])}" y1="{y(a) + BAR / 2}" x2="{x(b["ts"])}" '
                       f'y2="{y(b) + BAR / 2}" stroke="#333" stroke-width="0.8" marker-end="url(#tip)"/>')


height = TOP + ROW * len(tracks) + 20
print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 20}" height="{height}" '
      'font-family="sans-serif" font-size="11">')
print('<defs><marker id="tip" viewBox="0 0 6 6" refX="6" refY="3" markerWidth="6" markerHeight="6" '
      'orient="auto"><path d="M0,0 L6,3 L0,6 z" fill="#333"/></marker></defs>')
print('<rect width="100%" height="100%" fill="#fff"/>')
for i, (pid, tid) in enumerate(tracks):
    name = {MESSAGES: "messages"}.get(tid, "thread")
    print(f'<text x="8" y="{TOP + ROW * i + 13}">node {pid - 1}: {name}</text>')
for i in range(6):
    ts = start + (end - start) * i / 5
    print(f'<line x1="{x(ts)}" y1="18" x2="{x(ts)}" y2="{height - 18}" stroke="#ddd"/>'
          f'<text x="{x(ts) - 14}" y="13" fill="#666">{ts / 1000:.2f} ms</text>')
for e in slices:
    print("\n".join(bar(e)))
print("\n".join(arrows()))
print("</svg>")
