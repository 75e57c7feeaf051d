#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The package for Python under mpirun: by PMIx, and over mpi4py's communicator.
# shellcheck source=tests/python/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
need_python "python3-numpy python3-mpi4py" numpy mpi4py
sanitizer_stands_in_the_way && { echo "MPI with a sanitizer that was loaded first is not tried"; exit 77; }
command -v mpirun.openmpi >/dev/null || { echo "no mpirun.openmpi here: install openmpi-bin"; exit 77; }
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
export TMPDIR=$tmp
run=(timeout -k 5 "$hang" mpirun.openmpi --oversubscribe --mca mpi_yield_when_idle 1)
[ "$(id -u)" = 0 ] && run+=(--allow-run-as-root)

"${run[@]}" -n 3 "$python" "$top/tests/python/mpi.py" >"$tmp/out" 2>&1 || fail "mpi4py: $(cat "$tmp/out")"
grep -q '^mpi: 3 nodes$' "$tmp/out" || fail "mpi4py: $(cat "$tmp/out")"
grep -q 'define HAVE_PMIX 1' config.h || { echo "mpi: over mpi4py; built without PMIx"; exit 0; }
"${run[@]}" -n 2 "$python" "$top/examples/python/rows.py" >"$tmp/out" 2>&1 || fail "PMIx: $(cat "$tmp/out")"
grep -q 'verified: 2 nodes' "$tmp/out" || fail "PMIx: $(cat "$tmp/out")"
echo "mpi: over mpi4py, and by PMIx"
