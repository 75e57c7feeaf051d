#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# A node that gives root's rights up after the start: over TCP it goes on, over shm the kernel
# keeps it from the others' memory, and that is said.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
[ "$(id -u)" = 0 ] || skip "only root has rights to give up"

job 60 2 tcp tests/system/user
said=$(DSM_LOG=error run_job 60 2 shm tests/system/user 2>&1) &&
	fail "a node reads root's memory without root's rights: $said"
grep -q 'the job cannot go on: .*(process_vm_readv): .* changed its user' <<<"$said" ||
	fail "it is not said why the job ends: $said"

# It dies of it, but not before all know why.
for ((i = 0; i < 10; i++)); do
	said=$(DSM_LOG=none run_job 60 2 shm tests/system/user 2>&1) && fail "the job goes on: $said"
	grep -q 'has failed: .*(process_vm_readv): .* changed its user' <<<"$said" ||
		fail "dsmctl does not say why the job ends: $said"
done
