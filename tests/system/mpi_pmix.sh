#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Jobs started by pmix (mpi.sh).
exec "$(dirname "$0")/mpi.sh" pmix
