#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Heat in a plate by Jacobi's method, in NumPy: by the nodes of a job, and beside it the same by as
many processes of multiprocessing, which share memory on one machine only.

    dsmctl run -n 4 python3 jacobi.py

The rows are dealt out in bands. A step reads one copy of the field and writes the other, and a
barrier ends it. Rows are whole pages, so all that a node reads of others are the rows above and
below its band.
"""

import argparse
import multiprocessing
import time
from multiprocessing import shared_memory

import numpy as np

import dsm

COLUMNS_PER_PAGE = 4096 // 8


def start(field):
    """A hot edge, and a cold plate."""
    field[0] = 1


def sweep(old, new, band):
    """One step for the rows of a band, the edge of the plate stays."""
    first, end = max(band.start, 1), min(band.stop, len(old) - 1)
    if first < end:
        new[first:end, 1:-1] = 0.25 * (
            old[first - 1 : end - 1, 1:-1] + old[first + 1 : end + 1, 1:-1]
            + old[first:end, :-2] + old[first:end, 2:]
        )


def run(fields, band, steps, barrier):
    """All steps for a band. The field of the last one, and the seconds."""
    barrier()
    begin = time.perf_counter()
    for step in range(steps):
        sweep(fields[step % 2], fields[1 - step % 2], band)
        barrier()
    return fields[steps % 2], time.perf_counter() - begin


def band_of(rows, size, rank):
    return slice(rows * rank // size, rows * (rank + 1) // size)


def by_plain(shape, steps):
    fields = np.zeros((2, *shape))
    for field in fields:
        start(field)
    return run(fields, slice(0, shape[0]), steps, lambda: None)


def by_nodes(job, shape, steps):
    fields = job.array((2, *shape), name="fields")
    band = band_of(shape[0], job.size, job.rank)
    if job.rank == 0:
        for field in fields:
            start(field)
    return run(fields, band, steps, job.barrier)


def worker(memory_name, shape, size, rank, steps, barrier, seconds):
    memory = shared_memory.SharedMemory(memory_name)
    fields = np.ndarray((2, *shape), buffer=memory.buf)
    _, seconds[rank] = run(fields, band_of(shape[0], size, rank), steps, barrier.wait)
    del fields
    memory.close()


def by_processes(shape, size, steps):
    """They are spawned: a node must not fork processes that go on computing."""
    context = multiprocessing.get_context("spawn")
    memory = shared_memory.SharedMemory(create=True, size=2 * 8 * shape[0] * shape[1])
    try:
        fields = np.ndarray((2, *shape), buffer=memory.buf)
        for field in fields:
            start(field)
        barrier, seconds = context.Barrier(size), context.Array("d", size)
        processes = [
            context.Process(
                target=worker, args=(memory.name, shape, size, rank, steps, barrier, seconds)
            )
            for rank in range(size)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        result = fields[steps % 2].copy()
        del fields, field
    finally:
        memory.close()
        memory.unlink()
    return result, max(seconds)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=512)
    parser.add_argument("--pages", type=int, default=2, help="of a row, each of 512 numbers")
    parser.add_argument("--steps", type=int, default=200)
    options = parser.parse_args()
    shape, steps = (options.rows, options.pages * COLUMNS_PER_PAGE), options.steps

    with dsm.Job() as job:
        shared, seconds = by_nodes(job, shape, steps)
        if job.rank == 0:
            plain, plain_seconds = by_plain(shape, steps)
            others, others_seconds = by_processes(shape, job.size, steps)
            print(f"{shape[0]} x {shape[1]} points, {steps} steps, provider {job.provider}")
            for name, took in [
                ("one process", plain_seconds),
                (f"{job.size} processes of multiprocessing", others_seconds),
                (f"{job.size} nodes of a job", seconds),
            ]:
                print(f"{name:32} {took:8.3f} s {took / max(steps, 1) * 1e6:10.0f} us/step")
            if not (shared == plain).all() or not (others == plain).all():
                raise SystemExit("WRONG: they have not computed the same")
            print("verified: all three have computed the same, bit by bit")
        job.barrier()


if __name__ == "__main__":
    main()
