# SPDX-License-Identifier: BSD-2-Clause
"""A job over mpi4py's communicator, and its messages beside shared memory."""

from mpi4py import MPI

import dsm

comm = MPI.COMM_WORLD
with dsm.Job(comm=comm) as job:
    assert (job.rank, job.size) == (comm.Get_rank(), comm.Get_size())
    field = job.array((job.size, 5000), name="field")
    field[job.rank] = job.rank
    job.barrier()
    total = comm.allreduce(float(field[job.rank].sum()))
    assert total == field.sum()
    job.barrier()
    if job.rank == 0:
        print(f"mpi: {job.size} nodes")
