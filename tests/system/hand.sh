#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Jobs started by hand: they run, two at a time, and end when a node dies.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
host=$(own_address) port=$((10000 + $$ % 9000))

# by_hand NODES PORT PROGRAM [ARGUMENT...]: the last rank starts first. The status of the
# worst one; output in $tmp/PORT.
by_hand() {
	local size=$1 place=$host:$2 out=$tmp/$2 logs=$tmp/logs-$2 rank pids=() status
	shift 2
	mkdir -p "$logs"
	for ((rank = size - 1; rank >= 0; rank--)); do
		TMPDIR=$logs DSM_SIZE=$size DSM_RENDEZVOUS=$place DSM_RANK=$rank \
			timeout -k 5 $hang "$@" >"$out.$rank" 2>&1 &
		pids+=($!)
	done
	worst_of "${pids[@]}"
	status=$?
	cat "$out".* >"$out"
	return $status
}

# Two at a time on one machine, and each on another provider.
by_hand 4 $port tests/system/stress --seconds 2 & first=$!
DSM_SECRET=sesame DSM_PROVIDER=tcp by_hand 3 $((port + 1)) \
	tests/system/stress --seconds 2 --seed 2 || fail "second job: $(cat "$tmp/$((port + 1))")"
wait $first || fail "first job: $(cat "$tmp/$port")"
by_hand 1 $((port + 2)) tests/system/api identity || fail "a job of one node"

# Where others may come, and nobody has given a secret, node 0 says so, and no other node.
warning='without DSM_SECRET whoever reaches node 0'
for secret in '' sesame; do
	unset DSM_LOG
	DSM_SECRET=$secret host=0.0.0.0 by_hand 2 $((port + 8)) tests/system/api identity ||
		fail "at all addresses: $(cat "$tmp/$((port + 8))")"
	said=$(grep -c "^dsm 0 warn: $warning" "$tmp/$((port + 8))")
	[ "$said" = $([ "$secret" ] && echo 0 || echo 1) ] ||
		fail "with secret '$secret' it warns $said times: $(cat "$tmp/$((port + 8))")"
done
! grep -q "$warning" "$tmp/$port" || fail "warns at loopback: $(cat "$tmp/$port")"

# A killed process of the same number has left its file of the shm provider, as libfabric 1.17
# makes them; to it this process is that one.
# shellcheck disable=SC2016
DSM_PROVIDER=shm bash -c 'file=/dev/shm/$$:$UID:0
	truncate -s 16M "$file" &&
		printf "\\4\\0\\1\\0\\$(printf %o $(($$ & 255)))\\$(printf %o $(($$ >> 8 & 255)))\\0\\0\\1" |
			dd of="$file" conv=notrunc status=none
	echo "$file" >"$0"
	exec "$@"' "$tmp/stale" tests/system/api identity >"$tmp/out" 2>&1
status=$?
rm -f "$(cat "$tmp/stale")"
[ $status = 0 ] || fail "with a file of an earlier process: $(cat "$tmp/out")"

# dsmctl sees the nodes that are here, audits them, and nothing is left of them.
mkdir "$tmp/held"
mkfifo "$tmp/go"
unset XDG_RUNTIME_DIR
export TMPDIR=$tmp/held
DSM_SIZE=2 DSM_RENDEZVOUS=$host:$((port + 7)) timeout -k 5 $hang \
	bash -c 'DSM_RANK=1 "$0" --hold </dev/null & DSM_RANK=0 "$0" --hold; rc=$?; wait $! && exit $rc' \
	tests/system/audit <"$tmp/go" >"$tmp/said" 2>&1 & job=$!
exec {go}>"$tmp/go"
page=$(wait_until "a page is lied about" grep -o 'lies about page .*' "$tmp/said") || exit
page=${page##* }
seen=$(tools/dsmctl status)
[[ $seen =~ job\ audit-[0-9a-f]{8} ]] || fail "dsmctl status does not see the job: $seen"
seen=$(tools/dsmctl audit) && fail "dsmctl audit finds nothing: $seen"
[[ $seen == *"rank 0: page $page at 0x"* && $seen =~ "rank 1: "[1-9][0-9]*" pages compared, 0 wrong" ]] ||
	fail "dsmctl audit does not name page $page: $seen"
[ "$(tools/dsmctl clean)" ] && fail "dsmctl clean takes a running job away"
exec {go}>&-
wait $job || fail "the job failed: $(cat "$tmp/said")"
[ -z "$(ls -A "$tmp/held")" ] || fail "left behind: $(find "$tmp/held")"
export TMPDIR=$tmp

# One does not come: the others say which.
DSM_START_TIMEOUT=1 DSM_SIZE=2 DSM_RENDEZVOUS=$host:$((port + 3)) DSM_RANK=0 DSM_LOG=error \
	timeout $hang tests/system/api identity >"$tmp/out" 2>&1 && fail "did not miss rank 1"
grep -q 'waited 1 s for the nodes with rank 1' "$tmp/out" ||
	fail "does not say who is missing: $(cat "$tmp/out")"

# One dies: the others are told, and who, by node 0 or by the provider, whichever is first.
for dead in 0 2; do
	pids=()
	for rank in 0 1 2; do
		DSM_SIZE=3 DSM_RENDEZVOUS=$host:$((port + 4 + dead)) DSM_RANK=$rank DSM_LOG=error \
			timeout -k 5 $hang tests/system/lost $dead >"$tmp/out.$rank" 2>&1 &
		pids+=($!)
	done
	for rank in 0 1 2; do
		wait "${pids[$rank]}"
		status=$?
		[ $rank = $dead ] && continue
		[ $status = 0 ] || fail "rank $rank without $dead: status $status: $(cat "$tmp/out.$rank")"
		grep -q "rank $dead .*ended without leaving the job\|error with node $dead" \
			"$tmp/out.$rank" ||
			fail "rank $rank does not say that $dead has died: $(cat "$tmp/out.$rank")"
	done
done
[ -z "$(tools/dsmctl status 2>/dev/null)" ] || fail "left behind: $(tools/dsmctl status)"
echo "by hand: jobs ran, and ended when a node was missing or died"
