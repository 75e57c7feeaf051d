# SPDX-License-Identifier: BSD-2-Clause
"""Lines of the log get to logging while threads fault with the GIL held, at the end of a job, and
where the program ends in one. The argument says which: "trace", "raise" or "forget"."""

import atexit
import logging
import sys
import threading

import numpy as np

import dsm

lines = []
lock = threading.Lock()


class Handler(logging.Handler):
    """As bad as a handler may be: it has a lock that others hold, and touches shared memory."""

    def emit(self, record):
        with lock:
            lines.append((record.levelno, record.getMessage()))
            if shared is not None and not left:
                shared[-1, 0] += 1


shared = None
left = False
dsm_logger = logging.getLogger("dsm")
dsm_logger.addHandler(Handler())
dsm_logger.propagate = False


def trace():
    """Every message of the protocol is a line, and every page of an array a message."""
    global shared, left
    dsm_logger.setLevel(dsm.TRACE)
    with dsm.Job() as job:
        field = job.array((job.size + 1, 64 * 512), name="field")
        shared = field
        for round in range(5):
            with lock:  # which the handler wants
                field[job.rank] += 1
            job.barrier()
            assert field[: job.size].sum() == field[: job.size].size * (round + 1)
            job.barrier()
        left = True
        job.barrier()
    levels = {level for level, _ in lines}
    assert logging.INFO in levels, "no line from the start"
    assert dsm.TRACE in levels or job.size == 1, levels
    assert all(isinstance(text, str) and "\n" not in text for _, text in lines)


def ends(by):
    """The last node ends in the job. The others get LostError, and the line that says why."""
    job = dsm.Job()
    if job.rank == job.size - 1:
        np.add(job.array(5), 1)
        if by == "raise":
            raise SystemExit("as it happens")
        return
    try:
        with job:
            job.barrier()
    except dsm.LostError as e:
        assert e.code == dsm.Code.LOST
    else:
        raise AssertionError("the barrier was passed")


if sys.argv[1] == "trace":
    trace()
else:
    # What dsm registers is called before, and waits for what was said.
    atexit.register(lambda: print(*(f"log: {text}" for _, text in lines), sep="\n"))
    ends(sys.argv[1])
