# SPDX-License-Identifier: BSD-2-Clause
"""Processes that a node starts. Those that are spawned compute and answer; they have no part in the
job, and neither has a child of fork, which is told so."""

import multiprocessing
import os

import numpy as np

import dsm


def square(rows):
    return rows * rows


def join(_):
    try:
        dsm.Job()
    except dsm.Error as e:
        return str(e)
    return None


def spawned(job):
    field = job.array((4, 1000), name="field")
    field[job.rank :: job.size] = 3
    job.barrier()
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        if job.rank == 0:
            for row, result in enumerate(pool.map(square, list(field))):
                field[row] = result
        said = pool.map(join, [0])[0]
    job.barrier()
    assert (field == 9).all()
    assert job.size == 1 or said, "a process that a node has started is another node"


def forked(job):
    child = os.fork()
    if child == 0:
        try:
            job.barrier()
        except dsm.Error as e:
            os._exit(0 if e.code == dsm.Code.INVAL and "fork" in str(e) else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    job.barrier()


if __name__ == "__main__":
    with dsm.Job() as the_job:
        spawned(the_job)
        forked(the_job)
        assert np.array_equal(the_job.lookup("field"), np.full((4, 1000), 9))
        the_job.barrier()
