#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Nodes that are started, and dsmctl, with some of descriptors 0 to 2 closed; and with few
# descriptors, or none left.
# shellcheck disable=SC2016 # what shells of nodes expand
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes

tests/system/descriptors
status=$?
[ $status = 0 ] || exit $status

tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
export TMPDIR=$tmp
unset XDG_RUNTIME_DIR
said=$tmp/said
place=$(own_address):$((10000 + $$ % 9000))
for closed in '<&-' '>&-' '2>&-' '>&- 2>&-' '<&- >&- 2>&-'; do
	run_job 60 2 shm sh -c "exec tests/system/descriptors --talk $closed" >"$said" 2>&1 ||
		fail "nodes with $closed: status $?: $(cat "$said")"
	# What dsmctl has closed itself.
	eval "run_job 60 2 auto tests/system/descriptors --talk $closed" || fail "dsmctl with $closed: status $?"
done
run_job 60 2 tcp sh -c "exec tests/system/descriptors --talk $closed" >"$said" 2>&1 ||
	fail "nodes over tcp with $closed: status $?: $(cat "$said")"

# limited SOFT HARD: 4 nodes over $DSM_PROVIDER, of which each has a page of each other
limited() {
	run_job 60 4 "$DSM_PROVIDER" \
		sh -c "ulimit -Sn $1; ulimit -Hn $2; exec tests/system/descriptors --meet" >"$said" 2>&1
}

# A soft limit that is too low is raised, a hard one named, with the number that does.
enough() {
	local limit=18 times=0
	limited 18 1000 || fail "18 descriptors over $DSM_PROVIDER, and 1000 to be had: $(cat "$said")"
	until limited "$limit" "$limit"; do
		((times++ < 2)) || fail "$limit descriptors over $DSM_PROVIDER are not enough: $(cat "$said")"
		limit=$(sed -n 's/.*ulimit -n.* raise it to \([0-9]*\).*/\1/p' "$said" | sort -n | tail -n 1)
		[ -n "$limit" ] || fail "how many over $DSM_PROVIDER? $(cat "$said")"
	done
	[ $times -gt 0 ] || fail "4 nodes over $DSM_PROVIDER have had 18 descriptors"
}

# Where a program has used them up, a start works or ends at once, for all, and it is told why.
used_up() {
	job_by_hand 3 sh -c 'ulimit -n 80; exec "$0" "$@"' tests/system/descriptors "$@"
	[ "${ended[*]}" = "0 0 0" ] && return
	[ "${ended[*]}" = "3 3 3" ] && grep -q 'ulimit -n' "$tmp/out.1" && return 1
	fail "$* over $DSM_PROVIDER: status ${ended[*]}: $(cat "$tmp"/out.?)"
}

for DSM_PROVIDER in shm tcp 'tcp;ofi_rxm'; do
	export DSM_PROVIDER
	enough
	job 60 4 "$DSM_PROVIDER" sh -c 'ulimit -n 100; exec tests/system/descriptors --full'
	used_up --left 0 && fail "a node over $DSM_PROVIDER has started without a descriptor"
	used_up --left 12 && fail "a node over $DSM_PROVIDER has started with 12 descriptors"
	if used_up --last; then
		[ "$DSM_PROVIDER" = shm ] || fail "a node over $DSM_PROVIDER has connected without a descriptor"
	elif [ "$DSM_PROVIDER" != shm ]; then
		grep -q 'ulimit -n' "$tmp/out.0" || fail "rank 0 is not told why: $(cat "$tmp/out.0")"
	fi
done
unset DSM_PROVIDER
job_by_hand 12 sh -c '[ "$DSM_RANK" != 0 ] || ulimit -Sn 14; exec tests/system/descriptors --meet'
[ "${ended[*]}" = "0 0 0 0 0 0 0 0 0 0 0 0" ] ||
	fail "12 nodes by hand: ${ended[*]}: $(cat "$tmp/out.0")"
(ulimit -n 24 && run_job 60 8 shm tests/system/descriptors --meet) 2>"$said" &&
	fail "dsmctl has started 8 nodes with 24 descriptors"
grep -q 'ulimit -n' "$said" || fail "dsmctl does not say how many it wants: $(cat "$said")"
(ulimit -Sn 24 && run_job 60 8 shm \
	sh -c '[ "$(ulimit -Sn)" = 24 ] && exec tests/system/descriptors --meet') ||
	fail "dsmctl with 24 descriptors, and more to be had: status $?"
