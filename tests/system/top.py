# SPDX-License-Identifier: BSD-2-Clause
"""Compares what dsmctl top shows of the job tests/system/steady with its counters.

top.py DSMCTL [screen]: as lines, and on a terminal, which is emulated.
"""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import pyte

LINES, COLUMNS = 24, 80
HANG_S = 300
ctl = sys.argv[1]


def fail(text):
    sys.exit(f"top.py: {text}")


def stats():
    """The counters of both nodes, and when."""
    out = subprocess.run([ctl, "stats", "--json"], check=True, stdout=subprocess.PIPE).stdout
    return time.monotonic(), json.loads(out)["jobs"][0]["nodes"]


def row(lines, rank):
    """The numbers of a node, by the heads of their columns; "-" is none."""
    at = next((i for i, line in enumerate(lines) if line.startswith(" RANK ")), None)
    if at is None:
        return None
    heads = lines[at].split()
    for line in lines[at + 1:]:
        words = line.split()
        if len(words) == len(heads) and words[0] == rank:
            return dict(zip(heads[1:], [None if w == "-" else float(w) for w in words[1:]]))
    return None


def check_rows(shown, before, after):
    """Every figure lies around what the counters say for the time around the look."""
    seconds = after[0] - before[0]
    columns = {"READ": "read_misses", "UPGR": "upgrades", "WRITE": "write_misses",
               "IN": "pages_fetched", "OUT": "pages_written", "FAULT": "faults"}
    for rank in (0, 1):
        told = row(shown, str(rank))
        if not told:
            fail(f"no row of rank {rank}: {shown}")
        for head, key in columns.items():
            rate = (after[1][rank][key] - before[1][rank][key]) / seconds
            if not rate / 3 - 2 <= told[head] <= rate * 3 + 2:
                fail(f"rank {rank}, {head}: {told[head]} a second, and {key} says {rate}")
        if told["MEM%"] is None or not 0 <= told["MEM%"] <= 100:
            fail(f"memory: {told}")
        if told["FAULT"] > 0 and not 0 < (told["P50us"] or 0) <= (told["P99us"] or 0):
            fail(f"no latency: {told}")
    zero, one, both = row(shown, "0"), row(shown, "1"), row(shown, "all")
    if one["READ"] < 1 or zero["UPGR"] + zero["WRITE"] < 1:
        fail(f"no load: {shown}")
    if abs(both["READ"] - zero["READ"] - one["READ"]) > 1.1:
        fail(f"the sum is none: {shown}")
    if one["WAIT"] < 1 or zero["WAIT"] > 1 or both["WAIT"] != zero["WAIT"] + one["WAIT"]:
        fail(f"who waits: {shown}")
    if one["MiBIN"] <= 0 or zero["MiBOUT"] <= 0:
        fail(f"no bytes: {shown}")
    waits = next((line for line in shown if line.startswith("waiting:")), "")
    if not re.search(r"\b1 dsm_mutex_lock\b", waits):
        fail(f"what they wait for: {shown}")
    if not any(re.match(r" *[0-9.k]+  shared +[0-9]+  +steady  0 w steady\.c:\d+, 1 r steady\.c:\d+$", line)
               for line in shown):
        fail(f"no page by its name, with its lines: {shown}")
    for line in shown[:6]:
        if len(line) > COLUMNS:
            fail(f"longer than {COLUMNS} columns: {line}")


def check_lines():
    for _ in range(10):  # lines are sampled: those of the page may have come just after
        before = stats()
        out = subprocess.run([ctl, "top", "--batch", "--count", "2", "--every", "0.7"], check=True,
                             stdout=subprocess.PIPE, timeout=HANG_S, text=True).stdout
        after = stats()
        blocks = out.rstrip("\n").split("\n\njob ")
        if len(blocks) != 2:
            fail(f"not two looks: {out}")
        if "steady.c:" in blocks[1]:
            break
    check_rows(("job " + blocks[1]).split("\n"), before, after)


class Terminal:
    """A program on a terminal of 80 columns."""

    def __init__(self, *words):
        self.screen = pyte.Screen(COLUMNS, LINES)
        self.stream = pyte.ByteStream(self.screen)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "linux"  # which is what pyte is
            os.execv(ctl, [ctl, *words])
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        os.kill(self.pid, signal.SIGWINCH)

    def read(self, seconds):
        """Takes what is written within that time. False: the program has ended."""
        if select.select([self.fd], [], [], seconds)[0]:
            try:
                self.stream.feed(os.read(self.fd, 65536))
            except OSError:
                return False
        return True

    def wait(self, what, is_there):
        """Until that is on the screen, whose lines are the answer."""
        end = time.monotonic() + HANG_S
        while not is_there(self.lines()):
            if time.monotonic() > end or not self.read(0.2):
                fail(f"{what}: not on the screen: {self.lines()}")
        return self.lines()

    def lines(self):
        return [line.rstrip() for line in self.screen.display]

    def press(self, key):
        os.write(self.fd, key.encode())

    def end(self):
        end = time.monotonic() + HANG_S
        while self.read(0.2):
            if time.monotonic() > end:
                fail("it does not end")
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def has(text):
    return lambda lines: any(text in line for line in lines)


def check_screen():
    before = stats()
    top = Terminal("top", "--every", "0.5")
    shown = top.wait("the nodes", lambda lines: row(lines, "all") and has("steady.c:")(lines))
    after = stats()
    if "q quit" not in shown[-1]:
        fail(f"no keys are told: {shown}")
    check_rows(shown, before, after)
    top.press("s")
    top.wait("sorted by faults", has("nodes by faults"))
    top.press("S")
    top.wait("sorted by rank", has("nodes by rank"))
    top.press("w")
    waits = top.wait("the waits", lambda lines: has("THREAD")(lines) and has("dsm_mutex_lock")(lines))
    if not any(re.match(r" +1 +\d+\.\d{3} +\d+  dsm_mutex_lock", line) for line in waits):
        fail(f"a wait: {waits}")
    top.press("p")
    top.wait("the pages", lambda lines: has("pages by faults")(lines) and has(" steady ")(lines))
    top.press("n")
    top.wait("the nodes", lambda lines: row(lines, "all"))
    top.press(" ")
    paused = top.wait("the pause", has(", paused"))
    for _ in range(10):
        top.read(0.1)
    if top.lines() != paused:
        fail(f"it goes on in a pause: {paused} {top.lines()}")
    top.press(" ")
    top.wait("the end of the pause", lambda lines: not has(", paused")(lines))
    top.press("q")
    if top.end():
        fail("q is no success")
    top = Terminal("top")
    top.wait("the nodes", lambda lines: row(lines, "all"))
    os.kill(top.pid, signal.SIGINT)
    if top.end():
        fail("SIGINT is no success")


check_lines()
if sys.argv[2:] == ["screen"]:
    check_screen()
