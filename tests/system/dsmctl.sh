#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# dsmctl on running nodes: what it tells of them, to whom, and what is left when they or it
# are killed.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
dsmctl=$PWD/tools/dsmctl
dir=$(mktemp -d) || exit 1
export TMPDIR=$dir # jobs of our own only
unset XDG_RUNTIME_DIR
trap 'rm -rf "$dir"' EXIT

# wait_for TEXT COMMAND...: until its output has TEXT.
wait_for() {
	local text=$1 end=$((SECONDS + hang)) said
	shift
	until said=$("$@" 2>&1) && [[ $said == *$text* ]]; do
		((SECONDS < end)) || fail "'$*' does not say '$text': $said"
		sleep 0.1
	done
	printf '%s\n' "$said"
}

# refused TEXT COMMAND...: it fails, and its sentence has TEXT.
refused() {
	local text=$1 said
	shift
	said=$("$@" 2>&1) && fail "'$*' works: $said"
	[[ $said == *$text* ]] || fail "'$*' does not say '$text': $said"
	printf '%s\n' "$said"
}

start() {
	"$dsmctl" run -n 2 tests/system/idle $hang >"$dir/said" 2>&1 &
	starter=$!
	wait_for "dsm_barrier" "$dsmctl" status
	job=$(echo "$dir"/dsm-*/*)
}

# Nothing of the job is left: no process, no directory, nothing in /dev/shm.
gone() {
	local pid
	wait_for "none of your jobs" bash -c "'$dsmctl' clean; '$dsmctl' status || true"
	for pid in "${nodes[@]}"; do
		wait_for gone bash -c "kill -0 $pid 2>/dev/null || echo gone"
		[ -z "$(find /dev/shm -name "$pid.*" 2>/dev/null)" ] || fail "$pid left files in /dev/shm"
	done
	[ ! -e "$job" ] || fail "$job is still there"
}

refused "none of your jobs" "$dsmctl" status
refused "no job nonesuch" "$dsmctl" stats nonesuch

start
wait_for "2 of 2 nodes answer" "$dsmctl" status "${job##*/}"
mapfile -t nodes < <("$dsmctl" status | awk '/^ *[0-9]/ {print $2}')
[ ${#nodes[@]} = 2 ] || fail "status does not list two nodes"
wait_for "total" "$dsmctl" stats "$job"
if [ "$(id -u)" = 0 ]; then
	chmod 755 "$dir" # what keeps others out is below
	nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	if "${nobody[@]}" test -x "$dsmctl"; then
		refused "another user" "${nobody[@]}" "$dsmctl" status "$job"
		refused "denied" "${nobody[@]}" env "DSM_JOB=$job" DSM_RANK=0 DSM_SIZE=2 \
			tests/system/api identity
	fi
fi

# A node is killed: the job ends, and says who it was.
kill -9 "${nodes[1]}"
wait "$starter" && fail "the job ended well though a node was killed"
grep "${nodes[1]}" "$dir/said" || fail "nobody says that ${nodes[1]} was killed: $(cat "$dir/said")"
gone

# The starter is killed: the nodes end.
start
mapfile -t nodes < <("$dsmctl" status | awk '/^ *[0-9]/ {print $2}')
kill -9 "$starter"
wait "$starter" 2>/dev/null
gone
# Others have taken the name of our directory: it has another, and is found there. That others may
# write to it is as much as that they own it.
mine=$dir/dsm-$(id -u)
mkdir -m 777 "$mine"
start
mapfile -t nodes < <("$dsmctl" status | awk '/^ *[0-9]/ {print $2}')
[[ $job = "$mine.1/"* ]] || fail "the job is not in $mine.1, but $job"
kill -9 "$starter"
wait "$starter" 2>/dev/null
gone
[ ! -e "$mine.1" ] || fail "$mine.1 is left"
mkdir -m 777 "$mine".{1,2,3}
refused "name another directory by TMPDIR" "$dsmctl" run -n 1 tests/system/api identity
rmdir "$mine"*
echo "dsmctl: all as it should be"
