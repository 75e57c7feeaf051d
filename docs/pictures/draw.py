#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Draws the pictures of README.md that are not a command's: see pictures.sh.

	draw.py rooms >rooms.svg            the parts of the library, and who may know whom
	draw.py miss >miss.svg              the life of a miss
	draw.py top DSMCTL [JOB] >top.svg   a screen of dsmctl top, on a terminal that is emulated (pyte)
	draw.py small <MAP.svg >SMALL.svg   what dsmctl heatmap drew, without the texts under the pointer
"""
import fcntl
import html
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time

INK, PAPER, LINE, SOFT, ACCENT = "#222", "#fff", "#888", "#f1f4f8", "#c8553d"


def begin(width, height):
    print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
          f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12" fill="{INK}">')
    print('<defs><marker id="tip" viewBox="0 0 6 6" refX="6" refY="3" markerWidth="7" '
          f'markerHeight="7" orient="auto"><path d="M0,0 L6,3 L0,6 z" fill="{INK}"/></marker></defs>')
    print(f'<rect width="100%" height="100%" fill="{PAPER}"/>')


def text(x, y, said, **more):
    more = "".join(f' {key.replace("_", "-")}="{value}"' for key, value in more.items())
    print(f'<text x="{x}" y="{y}"{more}>{html.escape(said)}</text>')


def box(x, y, width, height, name, *lines, fill=SOFT):
    print(f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" fill="{fill}" '
          f'stroke="{LINE}"/>')
    text(x + 10, y + 19, name, font_weight="bold")
    for i, line in enumerate(lines):
        text(x + 10, y + 37 + 16 * i, line)


def arrow(x1, y1, x2, y2, colour=INK):
    print(f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{colour}" stroke-width="1.4" '
          'marker-end="url(#tip)"/>')


def rooms():
    begin(760, 340)
    box(20, 16, 225, 62, "programs", "examples/, and yours:", "C, C++, Python", fill=PAPER)
    box(268, 16, 225, 62, "tools/", "dsmctl: run, top, hot, trace, ...", "dsm-bench", fill=PAPER)
    box(516, 16, 224, 62, "python/", "NumPy arrays that are", "the shared memory", fill=PAPER)
    for x in 132, 380, 628:
        arrow(x, 78, x, 106)
    box(20, 108, 720, 110, "dsm/, the library: what dsm.h promises")
    for x, name, what in ((32, "calls, heap", "what programs ask for"),
                          (210, "node", "faults, messages"),
                          (388, "trap, memory", "userfaultfd; frames"),
                          (566, "start, boot, members", "who is in the job")):
        box(x, 142, 164, 62, name, what, fill=PAPER)
    arrow(200, 218, 200, 246)
    arrow(560, 218, 560, 246)
    box(20, 248, 350, 76, "coherence/, the protocol", "directory, MSI; pure: no clock, no I/O, no threads,",
        "so every state of small jobs can be looked at")
    box(390, 248, 350, 76, "transport/", "messages and pages, by libfabric: verbs, tcp,",
        "shared memory")
    print("</svg>")


MISS = [  # from, to, what, colour
    (0, 1, "load, page fault: the thread stops", INK), (1, 2, "GetS: the page, please, into this frame", INK),
    (2, 3, "Fwd-GetS: the home knows who has it", INK), (3, 1, "the page, from memory to memory", ACCENT),
    (3, 2, "the same, to the home", ACCENT), (1, 2, "Done: the page is free for the next", INK),
    (1, 0, "mapped for reading, the thread goes on", INK)]


def miss():
    names = ["thread", "its node", "the page's home", "the owner"]
    xs = [80, 330, 570, 800]
    begin(890, 90 + 36 * len(MISS))
    for x, name in zip(xs, names):
        print(f'<rect x="{x - 62}" y="12" width="124" height="26" rx="6" fill="{SOFT}" stroke="{LINE}"/>')
        text(x, 30, name, text_anchor="middle", font_weight="bold")
        print(f'<line x1="{x}" y1="38" x2="{x}" y2="{78 + 36 * len(MISS)}" stroke="{LINE}" '
              'stroke-dasharray="3,3"/>')
    for i, (source, to, what, colour) in enumerate(MISS):
        y = 76 + 36 * i
        arrow(xs[source], y, xs[to], y, colour)
        text((xs[source] + xs[to]) / 2, y - 6, what, text_anchor="middle", fill=colour, font_size=11)
    print("</svg>")


def screen_of(command, rows, columns, seconds):
    """What a command shows after so long."""
    import pyte  # here, for the other pictures need no package
    screen = pyte.Screen(columns, rows)
    stream = pyte.ByteStream(screen)
    pid, fd = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", LINES=str(rows), COLUMNS=str(columns))
        os.execvp(command[0], command)
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if select.select([fd], [], [], 0.1)[0]:
            stream.feed(os.read(fd, 65536))
    shown = [[screen.buffer[y][x] for x in range(columns)] for y in range(rows)]
    os.write(fd, b"q")
    os.waitpid(pid, 0)
    return shown


def top(command):
    colours = {"default": "#e6e6e6", "red": "#ff7b72", "green": "#7ee787", "brown": "#e3b341",
               "blue": "#79c0ff", "magenta": "#d2a8ff", "cyan": "#a5d6ff", "white": "#fff",
               "black": "#000"}
    rows, columns, width, height = 24, 80, 7.8, 17
    shown = screen_of([*command[:1], "top", "--every", "1", *command[1:]], rows, columns, 6)
    print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{columns * width + 24:.0f}" '
          f'height="{rows * height + 20}" font-family="monospace" font-size="13" xml:space="preserve">')
    print('<rect width="100%" height="100%" rx="8" fill="#1c2128"/>')
    for y, line in enumerate(shown):
        at = 12 + 13 + y * height
        for part in re.finditer(r"(?:(?!  ).)*\S", "".join(c.data for c in line)):
            first = line[part.start()]
            part_text, x = part.group(), part.start()
            x += len(part_text) - len(part_text.lstrip())
            part_text = part_text.strip()
            style = ' font-weight="bold"' if first.bold else ""
            if first.reverse:
                print(f'<rect x="{12 + x * width:.1f}" y="{at - 13}" height="{height}" '
                      f'width="{len(part_text) * width:.1f}" fill="#e6e6e6"/>')
            fill = "#1c2128" if first.reverse else colours.get(first.fg, "#e6e6e6")
            print(f'<text x="{12 + x * width:.1f}" y="{at}" fill="{fill}"{style} '
                  f'textLength="{len(part_text) * width:.1f}">{html.escape(part_text)}</text>')
    print("</svg>")


def small():
    print(re.sub(r"><title>[^<]*</title></rect>", "/>", sys.stdin.read()), end="")


what = sys.argv[1] if len(sys.argv) > 1 else ""
if what in ("rooms", "miss", "small"):
    {"rooms": rooms, "miss": miss, "small": small}[what]()
elif what == "top" and len(sys.argv) > 2:
    top(sys.argv[2:])
else:
    sys.exit(__doc__)
