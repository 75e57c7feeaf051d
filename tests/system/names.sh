#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Starts by hand where names of machines mean several addresses, or loopback as Debian's
# /etc/hosts has it. In namespaces of its own.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
script=$(realpath "${srcdir:-.}")/tests/system/names.sh
if [ -z "${NAMES_INSIDE-}" ]; then
	unshare --net --mount --propagation private true 2>/dev/null || {
		echo "this user may not make namespaces"
		exit 77
	}
	NAMES_INSIDE=1 exec unshare --net --mount --propagation private "$script"
fi
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
others=()
if ! ip link set lo up || ! ip address add 10.99.7.1/32 dev lo; then
	echo "no network to be had in a namespace"
	exit 77
fi
ip -6 address add fd99::1/128 dev lo nodad 2>/dev/null && others=('[fd99::1]')
cat >"$tmp/hosts" <<'END'
127.0.0.1 localhost
127.0.1.1 alpha
127.0.1.1 beta
10.99.7.1 beta
fd99::1 beta
10.99.7.1 gamma
END
mount --bind "$tmp/hosts" /etc/hosts || exit 99
port=7000

# node RANK SIZE PLACE SECONDS: in the background, what it says in $tmp/RANK
node() {
	env DSM_RANK="$1" DSM_SIZE="$2" DSM_RENDEZVOUS="$3" DSM_START_TIMEOUT="$4" \
		timeout -k 5 $hang tests/system/api identity >"$tmp/$1" 2>&1 &
	pids+=($!)
}

# meet PLACE...: a node with each, of rank 0 first
meet() {
	local rank=0 place pids=() failed=
	port=$((port + 1))
	for place in "$@"; do
		node $rank $# "$place:$port" $hang
		rank=$((rank + 1))
	done
	for rank in "${!pids[@]}"; do
		wait "${pids[rank]}" || failed+=" $rank"
	done
	[ -z "$failed" ] || fail "nodes$failed of those who were told $*: $(tail -n 3 "$tmp"/[0-9]*)"
}

meet alpha 10.99.7.1            # the name as the machine itself has it, and its address
meet beta 10.99.7.1 127.0.1.1 beta "${others[@]}"
meet gamma 10.99.7.1 gamma
meet localhost localhost

# Others than this machine are not listened to where its name says so.
pids=()
node 0 2 "localhost:$((++port))" $hang
until grep -q 'waiting\|listen' "$tmp/0" || ss -Hltn "sport = :$port" | grep -q .; do
	kill -0 "${pids[0]}" 2>/dev/null || fail "rank 0 at localhost: $(cat "$tmp/0")"
done
at=$(ss -Hltn "sport = :$port" | awk '{ print $4 }')
node 1 2 "localhost:$port" $hang
wait "${pids[@]}" || fail "localhost: $(tail -n 3 "$tmp"/[0-9]*)"
[[ $at = 127.0.0.1:* || $at = '[::1]:'* ]] || fail "rank 0 at localhost listens at $at"

# Whoever was told a name that means itself is told so.
pids=()
node 1 2 "alpha:$((++port))" 1
wait "${pids[0]}" && fail "there is a rank 0 where there is none"
grep -q 'alpha (127.0.1.1, which is this machine itself)' "$tmp/1" ||
	fail "it does not say what alpha is: $(cat "$tmp/1")"
echo "names: jobs meet whatever a name means on each node"
