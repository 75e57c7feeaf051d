# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# A Slurm of our own, run by whoever runs this: munged, slurmctld and two slurmd. What they
# keep, sockets included, is in one directory; they listen at the loopback address only.
# To be sourced with bash, in the build directory.
#
# Its programs are those that are installed, or that ./check has unpacked beside the build.

slurm_pids=()
# The first of three, for the daemons.
slurm_port=$((20000 + $$ % 2500 * 4))

# Puts the programs into PATH. Status 1 and the reason when there are none.
slurm_find() {
	local root=$PWD/slurm lib program
	[ -e "$root/done" ] || root=$PWD/../slurm
	if [ -e "$root/done" ]; then
		PATH=$root/usr/bin:$root/usr/sbin:$PATH
		for lib in "$root"/usr/lib/*-linux-* "$root"/lib/*-linux-*; do
			[ -d "$lib" ] || continue
			LD_LIBRARY_PATH=$lib:$lib/slurm-wlm${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
			[ -d "$lib/slurm-wlm" ] && slurm_plugins=$lib/slurm-wlm
		done
		export LD_LIBRARY_PATH
	fi
	PATH=$PATH:/usr/sbin
	for program in srun sinfo squeue scancel munged slurmctld slurmd slurmstepd; do
		slurm_daemon $program >/dev/null && continue
		echo "no $program here: install slurmctld, slurmd, slurm-client and munge"
		return 1
	done
}

# Once it runs: whether it speaks PMIx.
slurm_has_pmix() {
	srun --mpi=list 2>&1 | grep -qw pmix
}

# Debian has another Slurm, too, and names the daemons of this one so.
slurm_daemon() {
	command -v "$1-wlm" || command -v "$1"
}

# slurm_configure DIR: two nodes with two processors each, whatever this machine has. No
# cgroups, which take root: a step's processes are found by their parents.
slurm_configure() {
	local dir=$1 host user daemon port=$slurm_port
	host=$(uname -n)
	host=${host%%.*}
	user=$(id -un)
	export SLURM_CONF=$dir/slurm.conf
	mkdir -p "$dir"/{sbin,state,spool-n0,spool-n1,tmp-n0,tmp-n1} || return
	# They ask their own names what they are.
	for daemon in slurmctld slurmd slurmstepd; do
		ln -s "$(slurm_daemon $daemon)" "$dir/sbin/$daemon" || return
	done
	# Older ones load no plugin for cgroups where none is asked for, newer ones need to be told.
	[ "$("$dir/sbin/slurmd" -V | sed 's/.* \([0-9]*\)\..*/\1/')" -lt 24 ] ||
		echo CgroupPlugin=disabled >"$dir/cgroup.conf"
	cat >"$SLURM_CONF" <<-END
		ClusterName=dsm
		SlurmctldHost=$host(127.0.0.1)
		SlurmUser=$user
		SlurmdUser=$user
		SlurmctldPort=$port
		AuthType=auth/munge
		CredType=cred/munge
		AuthInfo=socket=$dir/munge.sock
		${slurm_plugins:+PluginDir=$slurm_plugins}
		PlugStackConfig=/dev/null
		StateSaveLocation=$dir/state
		SlurmdSpoolDir=$dir/spool-%n
		TmpFS=$dir/tmp-%n
		SlurmctldPidFile=$dir/slurmctld.pid
		SlurmdPidFile=$dir/slurmd-%n.pid
		SlurmctldLogFile=$dir/slurmctld.log
		SlurmdLogFile=$dir/slurmd-%n.log
		ProctrackType=proctrack/linuxproc
		TaskPlugin=task/none
		SelectType=select/cons_tres
		SelectTypeParameters=CR_CPU
		SlurmdParameters=config_overrides
		ReturnToService=2
		KillWait=2
		NodeName=n[0-1] NodeHostname=$host NodeAddr=127.0.0.1 Port=[$((port + 1))-$((port + 2))] CPUs=2
		PartitionName=all Nodes=n[0-1] Default=YES
	END
}

slurm_run() {
	"$@" >>"$slurm_dir/daemons.log" 2>&1 &
	slurm_pids+=($!)
}

# slurm_start DIR: returns when both nodes are there to take jobs.
slurm_start() {
	# shellcheck disable=SC2154 # hang is lib.sh's
	local node deadline=$((SECONDS + hang))
	slurm_dir=$1
	slurm_configure "$slurm_dir" || return
	(umask 077 && head -c 1024 /dev/urandom >"$slurm_dir/key")
	# --force: what it says about directories that others may write to is /tmp's.
	slurm_run munged --foreground --force --socket="$slurm_dir/munge.sock" \
		--key-file="$slurm_dir/key" --pid-file="$slurm_dir/munged.pid" \
		--log-file="$slurm_dir/munged.log" --seed-file="$slurm_dir/seed"
	slurm_run "$slurm_dir/sbin/slurmctld" -D
	for node in n0 n1; do
		slurm_run "$slurm_dir/sbin/slurmd" -D -N $node -d "$slurm_dir/sbin/slurmstepd"
	done
	until [ "$(timeout 60 sinfo -h -N -t idle 2>/dev/null | wc -l)" = 2 ]; do
		[ $SECONDS -lt $deadline ] || { slurm_tell; return 1; }
		sleep 0.2
	done
}

slurm_tell() {
	tail -n 6 "$slurm_dir"/*.log >&2
}

# Ends the jobs, then the daemons; kills what has not ended 10 s after.
slurm_stop() {
	local deadline=$((SECONDS + 10)) pid
	[ ${#slurm_pids[@]} = 0 ] && return
	timeout 5 scancel --user="$(id -un)" 2>/dev/null
	while [ -n "$(timeout 5 squeue -h 2>/dev/null)" ] && [ $SECONDS -lt $deadline ]; do
		sleep 0.1
	done
	kill "${slurm_pids[@]}" 2>/dev/null
	deadline=$((SECONDS + 10))
	for pid in "${slurm_pids[@]}"; do
		while kill -0 "$pid" 2>/dev/null && [ $SECONDS -lt $deadline ]; do sleep 0.1; done
		kill -9 "$pid" 2>/dev/null
	done
	wait "${slurm_pids[@]}" 2>/dev/null
	slurm_pids=()
}
