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
