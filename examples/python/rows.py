#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A two-dimensional array that all nodes of a job fill, each its own rows: a picture of the
Mandelbrot set.

    dsmctl run -n 4 python3 rows.py
"""

import argparse

import numpy as np

import dsm


def escape_times(rows, height, width, most):
    """How many steps each point of these rows takes to leave the circle, most at most."""
    im = np.linspace(-1.2, 1.2, height)[rows]
    re = np.linspace(-2.2, 0.8, width)
    c = re + 1j * im[:, None]
    z, steps = np.zeros_like(c), np.zeros(c.shape, np.int32)
    for _ in range(most):
        inside = abs(z) <= 2
        z[inside] = z[inside] ** 2 + c[inside]
        steps += inside
    return steps


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--height", type=int, default=24)
    parser.add_argument("--width", type=int, default=72)
    parser.add_argument("--most", type=int, default=50, help="steps that a point may take")
    options = parser.parse_args()
    height, width, most = options.height, options.width, options.most

    with dsm.Job() as job:
        # All nodes get the same array: it is shared memory, zeroed.
        picture = job.array((height, width), np.int32, name="picture")
        # By turns, as some rows take longer. (Where speed matters each node has rows together, for
        # what several nodes write at the same time belongs on different pages.)
        mine = np.arange(job.rank, height, job.size)
        picture[mine] = escape_times(mine, height, width, most)
        job.barrier()
        if job.rank == 0:
            for row in picture:
                print("".join(" .:-=+*#%@"[min(int(n) * 10 // most, 9)] for n in row))
            wrong = (picture != escape_times(np.arange(height), height, width, most)).sum()
            if wrong:
                raise SystemExit(f"WRONG: {wrong} points differ from those of one process")
            print(f"verified: {job.size} nodes have drawn what one process draws")
        job.barrier()


main()
