# SPDX-License-Identifier: BSD-2-Clause
"""Distributed shared memory: NumPy arrays that all nodes of a job share.

    import dsm

    with dsm.Job() as job:
        rows = job.array((job.size, 1000), name="rows")
        rows[job.rank] = job.rank
        job.barrier()
        print(job.rank, rows.mean())
        job.barrier()

Start it with `dsmctl run -n 4 python3 prog.py`, or on several machines, see dsm(7). The arrays are
the shared memory: they are read and written like any others, and NumPy fetches pages of other nodes
without knowing. What different nodes write at the same time belongs on different pages of 4096
bytes; dsm.h has the rules, which are the same.
"""

from ._job import Job
from ._lib import Code, Error, LostError, __version__
from ._log import TRACE
from ._sync import Condition, Lock
from ._waits import Waits

__all__ = ["Code", "Condition", "Error", "Job", "Lock", "LostError", "TRACE", "Waits",
           "__version__"]
