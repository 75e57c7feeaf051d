#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The tests that need a kernel with userfaultfd RWP, or an RDMA device: on emulated machines
# that have both. ./check vm runs them all.
#
#	run-suite.sh list            names of the parts, but for those that are run by name alone
#	run-suite.sh                 all parts
#	run-suite.sh PART            one of them
#	run-suite.sh ready           only gets and prepares the kernel
#
# Works in the build directory: BUILD, or where it is. The first time it fetches a kernel,
# into DSM_VM_CACHE (build/vm of the sources). Exit status 77, and a sentence: this machine
# cannot do it.
# shellcheck source=tests/vm/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "${BUILD:-.}"

# A part is a function part_NAME, with _ for -. It says what it needs by built, and runs a
# command on machines by run.sh.
parts='trap system mixed netns verbs-transport verbs-memlock verbs-system verbs-mixed verbs-three verbs-checkpoint'
# By name alone: an emulated machine that has too little of a processor misses nodes that live.
more='verbs-survive verbs-left'

# Gets all that the machines are started with.
ready() {
	local missing status=0
	missing=$(vm_missing)
	[ -z "$missing" ] || vm_skip "not installed: $missing"
	mkdir -p "$vm_cache"
	exec {lock}>"$vm_cache/lock"
	flock -w 900 "$lock" || vm_fail "somebody else has held $vm_cache/lock for 15 minutes"
	"$vm_here/fetch.sh" || status=$?
	[ "$status" = 0 ] || exit "$status"
	"$vm_here/prepare.sh"
	exec {lock}>&-
}

built() {
	local program
	for program in "$@"; do
		[ -x "$program" ] || vm_fail "$program is not built (make check TESTS= builds it)"
	done
}

# Conformance of the trap's engines, on both sizes of pages; nothing may be skipped there.
part_trap() {
	built tests/trap/test_trap tests/memory/test_region tests/trap/test_probe
	"$vm_here/run.sh" -n 1 -m 1024 -p 32 -t 1200 -- "$vm_here/in-guest.sh" all_of \
		tests/trap/test_trap tests/memory/test_region tests/trap/test_probe
}

# The system tests over shared memory, on one machine.
part_system() {
	built tests/system/{api,audit,engine,kernel,litmus,place,stress} examples/{heat,sort} tools/dsmctl
	"$vm_here/run.sh" -n 1 -m 1024 -p 48 -t 1800 -- "$vm_here/in-guest.sh" system
}

# One node traps by read-write protection, the other as older kernels do.
part_mixed() {
	built tests/system/{engine,kernel,litmus,stress} tools/dsmctl
	"$vm_here/run.sh" -n 1 -m 1024 -p 48 -t 1200 -- "$vm_here/in-guest.sh" mixed
}

# Four hosts with an address each, whose links delay, lose and reorder packets.
part_netns() {
	built tests/system/stress examples/{heat,sort}
	"$vm_here/run.sh" -n 1 -m 1024 -p 0 -t 480 -- "$vm_here/in-guest.sh" netns
}

# The transport's conformance over an RDMA device, with a part of the rounds.
part_verbs_transport() {
	built tests/transport/test_verbs
	"$vm_here/run.sh" -n 1 -m 768 -p 0 -t 480 -e TR_TEST_SHARE=40 -- "$vm_here/in-guest.sh" \
		all_of tests/transport/test_verbs
}

# A node on each of two machines, with RDMA between them.
part_verbs_system() {
	built tests/system/{api,engine,kernel,litmus,stress} examples/{heat,pagerank,sort} \
		tests/system/.libs/witness.so
	"$vm_here/run.sh" -n 2 -m 768 -p 16 -t 1200 -- "$vm_here/in-verbs.sh" system
}

# One of them traps by read-write protection, the other as older kernels do.
part_verbs_mixed() {
	built tests/system/{engine,stress} tests/system/.libs/witness.so
	"$vm_here/run.sh" -n 2 -m 768 -p 16 -t 600 -- "$vm_here/in-verbs.sh" mixed
}

part_verbs_three() {
	built examples/{heat,pagerank,sort} tests/system/.libs/witness.so
	"$vm_here/run.sh" -n 3 -m 640 -p 0 -t 600 -- "$vm_here/in-verbs.sh" examples
}

# Jobs on one machine, which save themselves, are killed, and go on.
part_verbs_checkpoint() {
	built tests/system/checkpoint tools/dsmctl
	"$vm_here/run.sh" -n 1 -m 1024 -p 64 -t 1800 -- "$vm_here/in-verbs.sh" checkpoint
}

# The same when nodes of theirs die or stand still: those who are left go on. SEED is that of
# survive_long.sh; what runs that fail have said is kept in survive_vm of the build directory.
part_verbs_survive() {
	built tests/system/{api,survive,survive_history,survive_keep2,survive_sync} examples/{kv,sort} tools/dsmctl
	"$vm_here/run.sh" -n 1 -m 1280 -p 0 -t 1800 -o survive_vm ${SEED:+-e "SEED=$SEED"} -- \
		"$vm_here/in-verbs.sh" survive 20
}

# A node on each of three machines, of which one is lost: it, its network, or the machine.
part_verbs_left() {
	local seed=${SEED:-$((RANDOM + 1))}
	built examples/{kv,sort}
	vm_note "SEED=$seed"
	"$vm_here/run.sh" -n 3 -m 640 -p 0 -t 600 -- "$vm_here/in-verbs.sh" left "$seed"
}

part_verbs_memlock() {
	built examples/{kv,sort} tests/system/stress tests/system/.libs/witness.so tools/dsmctl
	"$vm_here/run.sh" -n 1 -m 768 -p 0 -t 600 -- "$vm_here/in-verbs.sh" memlock
}

all_parts() {
	local part status passed=0 failed=0 skipped=0 start
	for part in $parts; do
		start=$SECONDS status=0
		"$0" "$part" || status=$?
		case $status in
		0) passed=$((passed + 1)) && vm_note "$part passed ($((SECONDS - start)) s)" ;;
		77) skipped=$((skipped + 1)) ;;
		*) failed=$((failed + 1)) && vm_note "$part FAILED ($((SECONDS - start)) s)" ;;
		esac
	done
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" = 0 ] || exit 1
	[ "$passed" != 0 ] || exit $vm_skipped
}

case ${1-} in
list) echo "$parts" | tr ' ' '\n' ;;
ready) ready ;;
'') all_parts ;;
*)
	case " $parts $more " in
	*" $1 "*) ;;
	*) sed -n 's/^#	//p' "$0" >&2 && exit 2 ;;
	esac
	ready
	"part_${1//-/_}"
	;;
esac
