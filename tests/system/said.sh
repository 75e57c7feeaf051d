#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What a node says where nobody was named to listen: one line about what is wrong at the start, and
# nothing where nothing is; and what DSM_LOG makes of that.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
unset DSM_LOG SLURM_STEP_NUM_TASKS PMI_SIZE

# said [NAME=VALUE...]: what the library prints of itself in a job of one node, README's program
said() {
	env "$@" timeout 60 tests/docs/first 2>&1 >/dev/null | grep '^dsm '
}

# expect TEXT [NAME=VALUE...]
expect() {
	local want=$1 got
	shift
	got=$(said "$@")
	[ "$(wc -l <<<"$got")" = 1 ] && [[ $got = "$want"* ]] && [ "${want:+some}" = "${got:+some}" ] ||
		fail "$*: says '$got', not '$want'"
}

many="dsm error: DSM_REGION is 'many'"
alone="dsm 0 warn: this is a job of one node, but PMI_SIZE is 2"
expect ""
expect "$many" DSM_REGION=many
expect "$many" DSM_REGION=many DSM_LOG=
expect "$many" DSM_REGION=many DSM_LOG=error
expect "" DSM_REGION=many DSM_LOG=none
expect "dsm error: DSM_LOG is 'loud'" DSM_LOG=loud
expect "$alone" PMI_SIZE=2
expect "$alone" PMI_SIZE=2 DSM_LOG=warn
expect "" PMI_SIZE=2 DSM_LOG=error
expect "" PMI_SIZE=2 DSM_LOG=none
expect "dsm 0 warn: there is no variable DSM_MEMROY, dsm(7)" DSM_MEMROY=1G
expect "dsm 0 warn: there is no variable DSM_," DSM_=
expect "" DSM_MEMROY=1G DSM_LOG=error
expect "" DSMX=1 XDSM_MEMROY=1G DSM_CHUNKS=0 DSM_SPIN_US=50

# Limits are named before the kernel ends the process for them, or when memory is out.
size="dsm 0 error: RLIMIT_FSIZE (ulimit -f) is 100000 KiB, but the region is a file in memory"
(ulimit -f 100000; expect "$size") || exit
(ulimit -f 100000; expect "" DSM_REGION=64M) || exit
if ! sanitizer_stands_in_the_way; then
	got=$(ulimit -d 100000; said)
	[[ $got = "dsm 0 error: "*"; RLIMIT_DATA (ulimit -d) is 100000 KiB" ]] ||
		fail "with ulimit -d 100000 it says '$got'"
fi

# Where stderr is closed, nothing is written to what has its number then.
timeout 60 tests/docs/first 2>&- >/dev/null || fail "status $? where stderr is closed"

# Processors are those that the node may use.
first=$(taskset -pc $$ | sed 's/.*: *\([0-9]*\).*/\1/')
got=$(DSM_LOG=debug timeout 60 taskset -c "$first" tests/docs/first 2>&1 >/dev/null)
[[ $got = *"nodes on this machine: 1, processors for them: 1"* ]] ||
	fail "on one processor the node does not see one: $got"

# A node that does not start says so with its rank, once it has one. The first ends the others.
said=$(run_job 60 2 auto env DSM_PROVIDER=nonesuch tests/docs/first 2>&1)
grep -q 'dsm [01] error: .*nonesuch' <<<"$said" || fail "both nodes fail in silence: $said"
echo "said: what is wrong at the start is said once, and nothing else"
