# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# How survive_long.sh starts a job whose nodes die, and what happens to them. To be sourced with bash.
# shellcheck disable=SC2154,SC2034 # the sourcing script's: tmp, way, nodes, provider, loss_ms, ns, run

ways_pids=()  # of the nodes by hand, by rank; or of the starter alone
ways_ended=() # their statuses

# ways_find: sets ways to those that can be had here, and says why one cannot
ways_find() {
	local said
	ways=(dsmctl hand)
	if [ "$(id -u)" = 0 ] && command -v ip >/dev/null; then
		# shellcheck source=tests/hosts.sh
		. "$here/../hosts.sh"
		if said=$(make_hosts 10.79.0 2>&1); then
			ways+=(hosts)
		else
			echo "no network namespaces with a bridge here: $said"
		fi
	else
		echo "making network namespaces needs root, and iproute2"
	fi
	if command -v mpirun.openmpi >/dev/null && grep -q 'define HAVE_PMIX 1' config.h; then
		case $(mpirun.openmpi --version 2>&1) in
		*'(OpenRTE) 4.'*) ways+=(mpirun) ;;
		*) echo "not by this mpirun: Open MPI 4's has --enable-recovery" ;;
		esac
	else
		echo "no Open MPI here, or built without PMIx"
	fi
}

# ways_start COMMAND...: on so many nodes; what they say is in $tmp/said.*
ways_start() {
	local rank place host=()
	rm -f "$tmp"/said.*
	: >"$tmp/said.0" # somebody looks before it is there
	ways_pids=()
	ways_ended=()
	export DSM_PROVIDER=$provider DSM_ON_LOSS=continue DSM_LOSS_TIMEOUT=$loss_ms DSM_LOG=info
	case $way in
	dsmctl)
		tools/dsmctl run --survive -n "$nodes" -- "$@" >"$tmp/said.0" 2>&1 &
		ways_pids=($!)
		;;
	mpirun)
		local options=(--enable-recovery --oversubscribe --mca mpi_yield_when_idle 1)
		[ "$(id -u)" != 0 ] || options+=(--allow-run-as-root)
		mpirun.openmpi "${options[@]}" -n "$nodes" "$@" >"$tmp/said.0" 2>&1 &
		ways_pids=($!)
		;;
	hand | hosts)
		place=${ADDRESS:-$(own_address)}:$((10000 + ($$ + run) % 9000))
		[ "$way" = hand ] || place=10.79.0.1:$((7000 + run % 1000))
		for ((rank = 0; rank < nodes; rank++)); do
			[ "$way" = hand ] || host=(ip netns exec "$ns-$rank")
			DSM_RANK=$rank DSM_SIZE=$nodes DSM_RENDEZVOUS=$place \
				timeout -k 5 "$hang" "${host[@]}" "$@" >"$tmp/said.$rank" 2>&1 &
			ways_pids+=($!)
		done
		;;
	esac
	unset DSM_PROVIDER DSM_ON_LOSS DSM_LOSS_TIMEOUT DSM_LOG
}

ways_live() {
	local pid
	for pid in "${ways_pids[@]}"; do kill -0 "$pid" 2>/dev/null && return; done
	return 1
}

# ways_begun: waits until all nodes say so; status 1: one ended, or it took too long
ways_begun() {
	local end=$((SECONDS + 120))
	until [ "$(cat "$tmp"/said.* | grep -c 'has begun')" = "$nodes" ]; do
		ways_live && [ $SECONDS -lt $end ] || return
		sleep 0.05
	done
}

# ways_pid RANK: of the node, as it has said
ways_pid() {
	cat "$tmp"/said.* | sed -n "s/.*node $1 of .* process \([0-9]*\), .*/\1/p"
}

# ways_hit RANK: what happens to it, of which nobody hears but by its silence, or its end
ways_hit() {
	local pid
	pid=$(ways_pid "$1")
	case $what in
	kill) kill -KILL "$pid" ;;
	stop) kill -STOP "$pid" ;;
	cut) ip -n "$ns-bridge" link set "port$1" down ;;
	reset) ss -K -tn "( $(ss -tnp | sed -n "s/.* \([0-9.]*:[0-9]*\) *[0-9.]*:[0-9]* *users:.*pid=$pid,.*/src \1/p" |
		sed '2,$s/^/or /' | tr '\n' ' '))" >"$tmp/reset" 2>&1 ;;
	esac
}

# ways_back RANK: and it goes on
ways_back() {
	case $what in
	stop) kill -CONT "$(ways_pid "$1")" 2>/dev/null ;;
	cut) ip -n "$ns-bridge" link set "port$1" up ;;
	esac
	return 0
}

# ways_end SECONDS: waits for all; status 1: they have not ended by then, and are made to
ways_end() {
	local end=$((SECONDS + $1)) rank status=0
	while ways_live && [ $SECONDS -lt $end ]; do sleep 0.05; done
	if ways_live; then
		status=1
		ways_tell
	fi
	for ((rank = 0; rank < nodes; rank++)); do
		# Who is stopped, or hangs; of a starter's nodes that is its own business.
		[ $status = 0 ] || [ "$(ways_pid $rank)" = '' ] || kill -KILL "$(ways_pid $rank)" 2>/dev/null
	done
	[ $status = 0 ] || kill -TERM "${ways_pids[@]}" 2>/dev/null
	for rank in "${!ways_pids[@]}"; do
		wait "${ways_pids[rank]}"
		ways_ended[rank]=$?
	done
	return $status
}

# What hangs, in full.
ways_tell() {
	local rank pid
	timeout 20 tools/dsmctl status >"$tmp/status" 2>&1
	for ((rank = 0; rank < nodes; rank++)); do
		pid=$(ways_pid $rank)
		if [ ! "$pid" ] || ! kill -0 "$pid" 2>/dev/null || ! command -v gdb >/dev/null; then continue; fi
		timeout 60 gdb -p "$pid" -batch -ex 'thread apply all bt 16' >"$tmp/stacks.$rank" 2>&1
	done
}
