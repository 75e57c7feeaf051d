#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# mixed.sh ROOT BUILD ROOT BUILD: jobs whose nodes run in two systems with different libfabrics.
# BUILD is where, in ROOT, the same sources are built, tests/system/stress among them. Runs as
# root, in namespaces of its own.
set -u
fail() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }
[ $# = 4 ] || fail "ROOT BUILD ROOT BUILD"
[ "$(id -u)" = 0 ] || { echo "skipped: only root may enter another root"; exit 77; }
if [ -z "${MIXED_INSIDE-}" ]; then
	MIXED_INSIDE=1 exec unshare --mount --net --propagation private "$0" "$@"
fi
ip link set lo up || exit 1
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/said"
roots=("$1" "$3" "$1") builds=("$2" "$4" "$2") port=10000

# All see the same /dev/shm and /tmp, as nodes of one machine do.
for root in "$1" "$3"; do
	[ "$root" -ef / ] && continue
	mount -t proc proc "$root/proc" || exit 1
	mount --rbind /dev "$root/dev" || exit 1
	mount --bind /tmp "$root/tmp" || exit 1
done

# apart CASE: three nodes, the second in the other system, each with what CASE sets by rank.
apart() {
	local rank pids=() status=0
	port=$((port + 1))
	for rank in 0 1 2; do
		env -u DSM_PROVIDER -u FI_PROVIDER -u TMPDIR DSM_SIZE=3 DSM_RANK=$rank \
			DSM_RENDEZVOUS=127.0.0.1:$port DSM_LOG=info \
			timeout -k 5 60 chroot "${roots[rank]}" /bin/bash -c "cd '${builds[rank]}' &&
			case $rank in $1 esac; exec tests/system/stress --seconds 2" \
			>"$tmp/said/$rank" 2>&1 &
		pids+=($!)
	done
	for rank in 0 1 2; do
		wait "${pids[rank]}" || status=$?
	done
	said=$(cat "$tmp"/said/?)
	return $status
}

# all_use PROVIDER CASE
all_use() {
	apart "$2" || fail "status $?: $2: $said"
	[ "$(grep -c "node . of 3, provider $1," <<<"$said")" = 3 ] ||
		fail "not all nodes use $1: $2: $said"
	grep -q 'all coherent' <<<"$said" || fail "no verdict: $2: $said"
	echo "mixed: ${2:-nothing set}: $1"
}

all_use tcp '*) export DSM_PROVIDER=tcp ;;'
libfabrics=$(grep -o 'libfabric [0-9.]*' <<<"$said" | sort -u)
[ "$(wc -l <<<"$libfabrics")" = 2 ] || fail "there are not two libfabrics, but $libfabrics"
all_use tcp '0) export DSM_PROVIDER=net ;; 1) export DSM_PROVIDER=tcp ;;'
all_use tcp '*) ;;'
all_use 'tcp;ofi_rxm' '1) export DSM_PROVIDER="tcp;ofi_rxm" ;;'
apart '*) export DSM_PROVIDER=shm ;;' && fail "a job of two libfabrics runs over shm: $said"
grep -q 'shm of node 0 (libfabric .*) does not work together with that of node 1 (libfabric ' \
	<<<"$said" || fail "the error does not name both: $said"
echo "mixed: nodes with ${libfabrics//$'\n'/ and } work together"
