#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Jobs under the launchers that are here: PMIx starts programs that know no MPI, and every
# MPI starts its own. mpi.sh pmix|openmpi|mpich|prterun|slurm.
here=$(realpath "$(dirname "$0")") # before lib.sh changes the directory
# shellcheck source=tests/system/lib.sh
. "$here/lib.sh"
need_nodes
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
export TMPDIR=$tmp

skip() { echo "skipped: $*"; exit 77; }
need() { command -v "$1" >/dev/null || skip "no $1 here"; }

# says TEXT SECONDS COMMAND...: it ends well, and TEXT is in its output. SECONDS: as for run_job.
says() {
	local text=$1 seconds=$(($2 * hang_times))
	shift 2
	timeout -k 5 "$seconds" "$@" >"$tmp/out" 2>&1 || fail "status $?: $*: $(cat "$tmp/out")"
	grep -q "$text" "$tmp/out" || fail "does not say '$text': $*: $(cat "$tmp/out")"
}

# More ranks than processors: they give way to each other while they wait.
open_mpi=(mpirun.openmpi --oversubscribe --mca mpi_yield_when_idle 1)
prte=(prterun --map-by :OVERSUBSCRIBE)
[ "$(id -u)" = 0 ] && open_mpi+=(--allow-run-as-root) && prte+=(--allow-run-as-root)

# What a launcher with PMIx has to do for programs that call dsm_init and nothing else.
by_pmix() {
	grep -q 'define HAVE_PMIX 1' config.h || skip "built without PMIx: install libpmix-dev"
	says 'verified: sorted' 30 "$@" -n 4 examples/sort --keys=100000
	says '4 nodes .* all coherent' 30 "$@" -n 4 tests/system/stress --seconds 2
	says 'verified: sorted' 30 "$@" -n 1 examples/sort --keys=1000
}

# Without PMIx a task of Slurm is told where it stands, which is all that a start by hand takes.
by_srun_by_hand() {
	# shellcheck disable=SC2016 # for the tasks' shell
	says 'verified: sorted' 30 srun --mpi=none -n 4 /bin/sh -c 'export DSM_RANK=$SLURM_PROCID \
		DSM_SIZE=$SLURM_NTASKS DSM_RENDEZVOUS=$SLURM_LAUNCH_NODE_IPADDR:'"$1"'
		exec examples/sort --keys=100000'
}

by_slurm() {
	by_pmix srun --mpi=pmix
	by_srun_by_hand $((slurm_port + 3))
	says 'SLURM_STEP_NUM_TASKS is 2.* --mpi=pmix' 30 \
		srun --mpi=none -n 2 tests/system/api identity
	[ -x examples/mpi_halo ] || skip "built without Open MPI, but other jobs ran"
	# On one node: both are this machine, which Open MPI takes amiss.
	export OMPI_MCA_mpi_yield_when_idle=1
	says 'verified: the product' 30 srun --mpi=pmix -N 1 --overcommit -n 4 examples/matmul 256
}

case ${1-} in
pmix)
	need mpirun.openmpi
	by_pmix "${open_mpi[@]}"
	;;
prterun)
	need prterun
	by_pmix "${prte[@]}"
	;;
slurm)
	grep -q 'define HAVE_PMIX 1' config.h || skip "built without PMIx: install libpmix-dev"
	# shellcheck source=tests/system/slurm.sh
	. "$here/slurm.sh"
	slurm_find || exit 77
	trap 'case $? in 0 | 77) ;; *) slurm_tell ;; esac; slurm_stop; rm -rf "$tmp"' EXIT
	slurm_start "$tmp/slurm" || fail "Slurm has not started within $hang s"
	slurm_has_pmix || skip "this Slurm has no plugin for PMIx"
	by_slurm
	;;
openmpi)
	need mpirun.openmpi
	[ -x examples/mpi_halo ] || skip "built without Open MPI: install libopenmpi-dev"
	says 'verified: the product' 30 "${open_mpi[@]}" -n 4 examples/matmul 256
	says 'both agree bit by bit' 30 "${open_mpi[@]}" -n 4 examples/mpi_halo 256 50
	says 'both agree bit by bit' 30 "${open_mpi[@]}" -n 1 examples/mpi_halo 64 10
	;;
mpich)
	# As any program of MPICH's 4.0 does that begins and ends, and nothing else.
	! nm -D .libs/libdsm.so 2>/dev/null | grep -q __tsan_ || skip "MPICH crashes under ThreadSanitizer"
	need mpiexec.mpich
	[ -x examples/mpi_halo-mpich ] || skip "built without MPICH: install libmpich-dev"
	says 'verified: the product' 40 mpiexec.mpich -n 4 examples/matmul-mpich 256
	says 'both agree bit by bit' 40 mpiexec.mpich -n 4 examples/mpi_halo-mpich 64 20
	says 'PMI_SIZE is 2: dsm_mpi_init' 30 mpiexec.mpich -n 2 tests/system/api identity
	;;
*) fail "unknown launcher: ${1-}" ;;
esac
echo "mpi: jobs ran under $1"
