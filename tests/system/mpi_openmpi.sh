#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Jobs started by openmpi (mpi.sh).
exec "$(dirname "$0")/mpi.sh" openmpi
