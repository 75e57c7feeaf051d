# SPDX-License-Identifier: BSD-2-Clause
"""Reads back what dsmctl heatmap drew of tests/system/heat.c.

	heat.py FILE.svg|png     after it says "ready"
	heat.py FILE.html        recorded while it wrote page 30 in turns, once
	heat.py FILE.html idle   recorded at three times while it did nothing
	heat.py FILE.html dom    the same file as a browser shows it
"""
import html.parser
import json
import struct
import sys
import xml.etree.ElementTree as ElementTree
import zlib

SVG = "{http://www.w3.org/2000/svg}"
NOBODY, ONE, TWO = "#eeeeee", "#c6dbef", "#6baed6"
NODE = ["#1f77b4", "#ff7f0e"]
TURNS, SHARED = 20, (10, 17, 12, 19, 14)
path = sys.argv[1]


def must(condition, *sentence):
    if not condition:
        sys.exit(f"heat.py: {path}: " + " ".join(map(str, sentence)))


def check_svg():
    blocks = {}
    for block in ElementTree.parse(path).getroot().iter(SVG + "g"):
        if block.get("class") != "block":
            continue
        blocks[block.get("data-name")] = {
            field.get("class"): [(r.get("fill"), r.find(SVG + "title").text) for r in field.findall(SVG + "rect")]
            for field in block.findall(SVG + "g")}
    must(set(blocks) == {"grid", "big"}, "other blocks:", *blocks)
    for name, cells in (("grid", 100), ("big", 2500)):
        fields = {k: len(v) for k, v in blocks[name].items()}
        must(fields == {"faults": cells, "owner": cells, "sharing": cells}, name, fields)
    faults, owner, sharing = ([c[0] for c in blocks["grid"][k]] for k in ("faults", "owner", "sharing"))
    count = [int(c[1].split(": ")[1].split()[0]) for c in blocks["grid"]["faults"]]
    must(count[7] >= TURNS and count[7] == max(count), "page 7 has", count[7], "faults")
    reds = [int(c[1:3], 16) * 3 - int(c[3:5], 16) * 2 for c in faults]
    must(faults[7] == "#8c0000", "page 7 is not dark red:", faults[7])
    must(all(faults[i] == NOBODY and count[i] == 0 for i in range(40, 100)), "faults of untouched pages")
    must(all(owner[i] == sharing[i] == NOBODY for i in range(60, 100)), "owners of untouched pages")
    must(all(owner[i] == NODE[1] and sharing[i] == ONE and count[i] >= 1 for i in range(20, 30)), "pages of node 1")
    must(all(owner[i] == NOBODY and sharing[i] == TWO for i in SHARED), "pages of both:",
         [(owner[i], sharing[i]) for i in SHARED])
    must(owner[7] == NODE[1] and sharing[7] == ONE, "the page that node 1 wrote last:", owner[7])
    must(len(set(reds)) > 2, "no shades")
    last = [blocks["big"][k][-1][0] for k in ("owner", "sharing")]
    must(last == [NODE[0], ONE], "the last page of the big block:", last)
    must({c[0] for c in blocks["big"]["owner"][:-1]} == {NOBODY}, "owners in the big block")


def check_png():
    """Cells of the three fields of block "grid", or of "big", whichever lies first."""
    with open(path, "rb") as file:
        data = file.read()
    must(data[:8] == b"\x89PNG\r\n\x1a\n", "no PNG")
    at, packed = 8, b""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        if kind == b"IHDR":
            width, height, depth, colours = struct.unpack(">IIBB", data[at + 8:at + 18])
        packed += data[at + 8:at + 8 + size] if kind == b"IDAT" else b""
        at += 12 + size
    must((depth, colours) == (8, 2), "no colours")
    rows, line, raw = [], bytearray(3 * width), zlib.decompress(packed)
    for y in range(height):
        how, now = raw[y * (3 * width + 1)], bytearray(raw[y * (3 * width + 1) + 1:(y + 1) * (3 * width + 1)])
        for i, value in enumerate(now):
            left, up, corner = now[i - 3] if i > 2 else 0, line[i], line[i - 3] if i > 2 else 0
            near = min((left, up, corner), key=lambda v: abs(left + up - corner - v))
            now[i] = (value + (0, left, up, (left + up) // 2, near)[how]) & 255
        rows.append(now)
        line = now

    def colour(field, cell, top):
        x, y = 24 + field * (64 * 7 + 24) + cell % 64 * 7, top + cell // 64 * 7
        return "#" + bytes(rows[y][3 * x:3 * x + 3]).hex()

    tops = [24, 24 + 40 * 7 + 24]  # 40 rows of "big" lie above, or below
    grid = tops[0] if colour(0, 7, tops[0]) == "#8c0000" else tops[1]
    must(colour(0, 7, grid) == "#8c0000", "page 7 is not dark red")
    must(colour(1, 25, grid) == NODE[1] and colour(2, 25, grid) == ONE, "a page of node 1")
    must(colour(1, 17, grid) == NOBODY and colour(2, 17, grid) == TWO, "a page of both")
    must(colour(0, 60, grid) == NOBODY, "an untouched page")


class Page(html.parser.HTMLParser):
    """The text of the map, the blocks, and the cells that a browser has made."""

    def __init__(self):
        super().__init__()
        self.map, self.names, self.cells, self.is_map = "", [], [], False

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        must(not any(str(v).startswith(("http:", "https:", "//")) for v in attrs.values()), "needs something else")
        self.is_map = tag == "script" and attrs.get("id") == "map"
        if attrs.get("class") == "cells":
            self.names.append(attrs["data-name"])
            self.cells.append([])
        elif tag == "i" and self.cells:
            self.cells[-1].append(attrs)

    def handle_data(self, data):
        if self.is_map:
            self.map += data

    def handle_endtag(self, tag):
        self.is_map = False


def check_html():
    page = Page()
    with open(path, encoding="utf-8") as file:
        page.feed(file.read())
    heat = json.loads(page.map)
    must(set(page.names) == {"grid", "big"}, "other blocks:", page.names)
    sizes = dict(zip(page.names, (b["cells"] for b in heat["blocks"])))
    must(sizes == {"grid": 100, "big": 2500}, "cells:", sizes)
    begin = 0 if page.names[0] == "grid" else 2500
    grid = [v["cells"][begin:begin + 100] for v in heat["views"]]
    times = [v["seconds"] for v in heat["views"]]
    must(times == sorted(times) and times[0] > 0, "times:", times)
    if sys.argv[2:] == ["idle"]:
        must(len(grid) == 3, len(grid), "views")
        must(not any(c[0] for v in heat["views"] for c in v["cells"]), "faults while nothing happens")
        return
    recorded = [sum(view[i][0] for view in grid) for i in range(100)]
    must(recorded[30] >= TURNS - 2, "page 30 has", recorded[30], "faults")
    must(sum(recorded) == recorded[30], "other pages have faults:", recorded)
    must(grid[-1][30][1:3] == [1, 1] and grid[-1][25][1:3] == [1, 1], "owners:", grid[-1][30], grid[-1][25])
    must(heat["colours"][grid[-1][25][4]] == NODE[1], "colour of node 1")
    must(all(0 <= c[k] < len(heat["colours"]) for v in heat["views"] for c in v["cells"] for k in (3, 4, 5)), "colours")
    if sys.argv[2:] == ["dom"]:
        must([len(c) for c in page.cells] == [sizes[n] for n in page.names], "cells in the browser")
        must(all("background" in c.get("style", "") and "faults" in c.get("title", "")
                 for block in page.cells for c in block), "cells without colour")


if path.endswith(".svg"):
    check_svg()
elif path.endswith(".png"):
    check_png()
else:
    check_html()
print(f"{path}: as it has to be")
