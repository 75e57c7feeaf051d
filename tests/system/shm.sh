#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A /dev/shm that others fill up, before nodes start and afterwards. As root, in a name space of its
# own, where /dev/shm has 64 MiB, as in a container.
# shellcheck disable=SC2016 # what shells of nodes expand
script=$(readlink -f "$0")
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
if [ -z "${SHM_INSIDE:-}" ]; then
	unshare --mount --propagation private mount -t tmpfs tmpfs /dev/shm 2>/dev/null || {
		echo "a name space with a /dev/shm of its own needs root"
		exit 77
	}
	SHM_INSIDE=1 exec unshare --mount --propagation private "$script"
fi
need_nodes
mount -t tmpfs -o size=64m tmpfs /dev/shm || exit 99
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
said=$tmp/said
filler=/dev/shm/filler

fill() { cat /dev/zero >>$filler 2>/dev/null; } # until there is no room

# After the start, nodes go on.
mkfifo "$tmp/go"
run_job 60 3 shm sh -c 'exec tests/system/full <"$0"' "$tmp/go" >"$said" 2>&1 & job=$!
exec {go}>"$tmp/go"
wait_until "3 nodes have joined" sh -c '[ "$(grep -c joined "$0")" = 3 ]' "$said" || exit
fill
exec {go}>&-
wait $job || fail "nodes over shm, and /dev/shm filled up: status $?: $(cat "$said")"

fill # what these nodes had
# Before it, they take another provider; or say why not, where they must not.
run_job 60 2 auto tests/system/full </dev/null >"$said" 2>&1 ||
	fail "no room in /dev/shm: status $?: $(cat "$said")"
run_job 60 2 shm tests/system/full </dev/null >"$said" 2>&1 && fail "nodes over shm without room"
grep -q 'dev/shm is full' "$said" || fail "not a word of /dev/shm: $(cat "$said")"

# Room for one of two is not enough for two.
truncate -s 36M $filler
DSM_LOG=info run_job 60 2 auto tests/system/full </dev/null >"$said" 2>&1 ||
	fail "room for one: status $?: $(cat "$said")"
grep -q 'provider tcp, trap' "$said" || fail "room for one, and not over tcp: $(cat "$said")"
