#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Jobs under the launchers that are here: PMIx starts programs that know no MPI, and every
# MPI starts its own. mpi.sh pmix|openmpi|mpich|prterun.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
export TMPDIR=$tmp

skip() { echo "skipped: $*"; exit 77; }
need() { command -v "$1" >/dev/null || skip "no $1 here"; }

# says TEXT SECONDS COMMAND...: it ends well, and TEXT is in its output.
says() {
	local text=$1 seconds=$2
	shift 2
	timeout -k 5 "$seconds" "$@" >"$tmp/out" 2>&1 || fail "status $?: $*: $(cat "$tmp/out")"
	grep -q "$text" "$tmp/out" || fail "does not say '$text': $*: $(cat "$tmp/out")"
}

# More ranks than processors: they give way to each other while they wait.
open_mpi=(mpirun.openmpi --oversubscribe --mca mpi_yield_when_idle 1)
[ "$(id -u)" = 0 ] && open_mpi+=(--allow-run-as-root)

# What a launcher with PMIx has to do for programs that call dsm_init and nothing else.
by_pmix() {
	grep -q 'define HAVE_PMIX 1' config.h || skip "built without PMIx: install libpmix-dev"
	says 'verified: sorted' 30 "$@" -n 4 examples/sort --keys=100000
	says '4 nodes .* all coherent' 30 "$@" -n 4 tests/system/stress --seconds 2
	says 'verified: sorted' 30 "$@" -n 1 examples/sort --keys=1000
}

case ${1-} in
pmix)
	need mpirun.openmpi
	by_pmix "${open_mpi[@]}"
	;;
prterun)
	need prterun
	by_pmix prterun --map-by :OVERSUBSCRIBE
	;;
openmpi)
	need mpirun.openmpi
	[ -x examples/mpi_halo ] || skip "built without Open MPI: install libopenmpi-dev"
	says 'verified: the product' 30 "${open_mpi[@]}" -n 4 examples/matmul 256
	says 'both agree bit by bit' 30 "${open_mpi[@]}" -n 4 examples/mpi_halo 256 50
	says 'both agree bit by bit' 30 "${open_mpi[@]}" -n 1 examples/mpi_halo 64 10
	;;
mpich)
	need mpiexec.mpich
	[ -x examples/mpi_halo-mpich ] || skip "built without MPICH: install libmpich-dev"
	says 'verified: the product' 40 mpiexec.mpich -n 4 examples/matmul-mpich 256
	says 'both agree bit by bit' 40 mpiexec.mpich -n 4 examples/mpi_halo-mpich 64 20
	;;
*) fail "unknown launcher: ${1-}" ;;
esac
echo "mpi: jobs ran under $1"
