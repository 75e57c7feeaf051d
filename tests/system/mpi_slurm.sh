#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Jobs started by slurm (mpi.sh).
exec "$(dirname "$0")/mpi.sh" slurm
