#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# dsm-bench, with few operations: its tests run, find the right data and report as its manual
# says. Nothing is said of how fast they are.
top=$(cd "${srcdir:-$(dirname "$0")/../..}" && pwd) || exit 1
# shellcheck source=tests/system/lib.sh
. "$top/tests/system/lib.sh"
need_nodes

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

# bench STATUS ARGUMENT...: ends within its time and with that status. Output: $dir/said.
bench() {
	local want=$1 status
	shift
	timeout -k 10 $((120 * hang_times)) tools/dsm-bench "$@" >"$dir/said" 2>&1
	status=$?
	[ "$status" = "$want" ] && return
	cat "$dir/said" >&2
	fail "status $status instead of $want: dsm-bench $*"
}

said() { grep -qe "$1" "$dir/said" || { cat "$dir/said" >&2; fail "does not say '$1'"; }; }

# The tests that need no more than two nodes.
bench 0 --list
names=$(awk '{ print $1 }' "$dir/said")
[ "$(wc -w <<<"$names")" -ge 25 ] || fail "--list shows few tests"
two=()
for name in $names; do
	grep -q "^\.It Li \(.*, \)*$name\b\|^\.It Li .*\b$name\( ,\|$\)" "$top/docs/dsm-bench.1" ||
		fail "the manual lacks the test $name"
	case $name in
	*_3hop | *_4 | *_8) ;;
	pmd* | *_2m) two+=("-$name") ;;
	*) two+=("$name") ;;
	esac
done
bench 0 --help
while read -r option; do
	grep -q "Fl Fl ${option#--}" "$top/docs/dsm-bench.1" || fail "the manual lacks $option"
done < <(grep -o -e '--[a-z-]*' "$dir/said" | sort -u)

# What cannot be asked for.
bench 2 --nodes 1
bench 2 --faults never
bench 2 no_such_test
said 'there is no test'
bench 1 --json "$dir/not/there"

# Its job is where dsmctl looks for jobs: no place for that, no job.
for name in '' .1 .2 .3; do
	: >"$dir/dsm-$(id -u)$name"
done
XDG_RUNTIME_DIR='' TMPDIR=$dir bench 1 --short --nodes 2 --provider shm bare_trap
said "dsm-bench: $dir/dsm-"
rm "$dir/dsm-$(id -u)"*

# check FAULTS NAME...: these tests, with this delivery, and what they report; a minus in
# front of those that may not be there.
check() {
	local faults=$1
	shift
	bench 0 --short --nodes 2 --provider shm --faults "$faults" --json "$dir/json" "${@#-}"
	tests/bench/check_json "$dir/json" "$@" || fail "$faults: the results are not right"
}

# Programs with threads are not for a library with sanitizers.
case $(nm -D --undefined-only .libs/libdsm.so 2>/dev/null) in
*__asan_*|*__tsan_*) two=("${two[@]/#malloc/-malloc}") ;;
esac

# Everything with one delivery, and with the other what takes another way then.
if DSM_FAULTS=event tests/system/api identity >"$dir/said" 2>&1; then
	check event "${two[@]}"
	check signal bare_trap bare_trap_upgrade bare_miss read_miss write_miss upgrade \
		miss_while_target_computes sequential_read producer_consumer lock_counter
else
	check signal "${two[@]/#malloc/-malloc}" # which need events
fi

# As a node of somebody else's job; rank 0 reports.
# Who has nothing to do in a test for two takes part all the same.
bench 0 --short --nodes 3 --provider shm pingpong lock_counter futex_wake mutex_handed_over
run_job 60 2 auto tools/dsm-bench --short --faults signal --json "$dir/job" fetch_add barrier \
	>"$dir/said" 2>&1 || { cat "$dir/said" >&2; fail "does not run under dsmctl"; }
said 'fetch_add'
tests/bench/check_json "$dir/job" fetch_add barrier || fail "under dsmctl the results are not right"

# Pages of 2 MiB, where there are enough of them.
bench 0 --short --zone pmd --faults signal --json "$dir/pmd" read_miss pmd_fetch
said 'read_miss.*not available'
tests/bench/check_json "$dir/pmd" -read_miss -pmd_fetch || fail "of what is missing"
(
	need_huge_pages 128
	bench 0 --short --zone pmd --faults signal --json "$dir/pmd" pmd_fetch
	tests/bench/check_json "$dir/pmd" pmd_fetch || fail "of pages of 2 MiB"
)
status=$?
[ $status = 0 ] || [ $status = 77 ] || exit 1
