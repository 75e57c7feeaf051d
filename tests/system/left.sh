#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What nodes over shm leave that were started by hand and killed, all at once, or have become
# another program: dsmctl clean removes it, and so does the next start. Not what is in use.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
tmp=$(mktemp -d) || exit 99
nodes=() # those that run
all=()   # those that have
# shellcheck disable=SC2317 # by the trap
finish() {
	kill -9 "${nodes[@]}" 2>/dev/null
	of "${all[@]}" | xargs -r rm -rf
	rm -rf "$tmp"
}
trap finish EXIT
export TMPDIR=$tmp DSM_PROVIDER=shm
unset XDG_RUNTIME_DIR
host=$(own_address) port=$((10000 + $$ % 9000))
mkfifo "$tmp/stay" "$tmp/go"

# start INPUT SIZE [PROGRAM...]: nodes by hand that wait for the end of INPUT
start() {
	local rank input=$1 size=$2 place=$host:$port
	shift 2
	((port++))
	for ((rank = 0; rank < size; rank++)); do
		DSM_RANK=$rank DSM_SIZE=$size DSM_RENDEZVOUS=$place \
			tests/system/left "$@" <"$input" >"$tmp/out.$rank" 2>&1 &
		nodes+=($!)
		all+=($!)
	done
	case $input in *stay) exec {stay}>"$input" ;; *) exec {go}>"$input" ;; esac
	for ((rank = 0; rank < size; rank++)); do
		wait_until "rank $rank has joined" grep process "$tmp/out.$rank" >/dev/null || exit
	done
}

# of PROCESS...: what is there of these
of() {
	local pid
	for pid in "$@"; do
		find /dev/shm /tmp -maxdepth 1 \( -name "$pid.????????:$UID:*" -o \
			-name "dsm-bell.$pid.??????" \) 2>/dev/null
	done
}

# make_old PROCESS...: as if they had been there for long
make_old() {
	of "$@" | xargs -r touch -d '2 minutes ago'
}

# go_by COMMAND...: by that goes what was left, and what is in use stays
go_by() {
	local killed changed stays
	start "$tmp/stay" 2
	stays=("${nodes[@]}")
	start "$tmp/go" 2
	killed=("${nodes[@]:2}")
	kill -9 "${killed[@]}"
	wait "${killed[@]}" 2>/dev/null
	exec {go}>&-
	nodes=("${stays[@]}")
	start "$tmp/go" 1 sleep 1000
	changed=${nodes[2]}
	exec {go}>&-
	wait_until "a node becomes another program" grep -qx sleep "/proc/$changed/comm" || exit
	[ "$(of "${killed[@]}" "$changed" | wc -l)" = 6 ] ||
		fail "not 3 files and 3 doorbells: $(of "${killed[@]}" "$changed")"
	make_old "${nodes[@]}" "${killed[@]}"
	"$@" >"$tmp/said" 2>&1 || fail "$*: status $?: $(cat "$tmp/said")"
	[ -z "$(of "${killed[@]}" "$changed")" ] ||
		fail "left by $*: $(of "${killed[@]}" "$changed"): $(cat "$tmp/said")"
	[ "$(of "${stays[@]}" | wc -l)" = 4 ] || fail "gone by $*: of nodes that run: $(of "${stays[@]}")"
	kill -0 "$changed" || fail "$changed has ended"
	kill -9 "$changed"
	wait "$changed" 2>/dev/null
	exec {stay}>&-
	worst_of "${stays[@]}" || fail "nodes that ran: status $?: $(cat "$tmp"/out.?)"
	nodes=()
}

go_by tools/dsmctl clean
go_by tests/system/api identity
