#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Statistics of whole jobs add up. And that the witness sees copies of pages from and to
# frames, which it must not see over RDMA: here the providers make them.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
if sanitizer_stands_in_the_way; then
	echo 'a sanitizer stands in the way of the witness'
	exit 77
fi
told=$(mktemp) || exit 1
trap 'rm -f "$told"' EXIT

# run PROVIDER PROGRAM [ARGUMENT...]
run() {
	: >"$told"
	witnessed "$told" run_job 60 3 "$@" || fail "status $?: $*"
	witnesses_agree "$told" 3 || fail "the counts of $* do not add up"
}

for provider in shm 'tcp;ofi_rxm'; do
	run "$provider" tests/system/stress --seconds 2 --seed 7
	[ "$(witness_sum "$told" copies_of_frames)" != 0 ] || fail "$provider seems to copy nothing"
done
DSM_PROVIDER=tcp run auto examples/sort --keys=100000
