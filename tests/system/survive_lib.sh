# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# What the scripts share whose jobs go on when nodes die. To be sourced after lib.sh, where the script's argument says
# how many seeds there are, and what needs a trap at the end has set its own.
seed=${SEED:-$((RANDOM + 1))}
tmp=$(mktemp -d) || exit 99
undo=$(trap -p EXIT | sed "s/^trap -- '//; s/' EXIT$//; s/'\\\\''/'/g")
# shellcheck disable=SC2064 # what is set now
trap "rm -rf '$tmp'; $undo" EXIT
export TMPDIR=$tmp DSM_REGION=64M
survived=123 # dsmctl's status of a job that has lost nodes and went on

# say_and_fail WHAT
say_and_fail() {
	cat "$tmp"/said "$tmp"/out.? 2>/dev/null
	fail "SEED=$seed: $*"
}

# in_job NODES PROGRAM [ARGUMENT...]: dsmctl's status; what they say is in $tmp/said, and $tmp/tally is empty before
in_job() {
	local nodes=$1
	shift
	: >"$tmp/tally"
	timeout -k 10 $hang tools/dsmctl run --survive -t $((hang / 2)) -n "$nodes" -- "$@" >"$tmp/said" 2>&1
}

# dies_in_job PROGRAM NODES VICTIM MODE: by itself, and the others go on
dies_in_job() {
	local status
	in_job "$2" tests/system/"$1" "$tmp/tally" "$3" "$4" "$seed"
	status=$?
	[ $status = $survived ] || say_and_fail "$1: $2 nodes over ${DSM_PROVIDER-any} by ${DSM_FAULTS-any} and $4," \
		"of which $3 dies: status $status"
	seed=$((seed + 1))
}

# stands_still PROGRAM NODES VICTIM [MODE]: for longer than the others wait, in a job by hand, and learns that it is out
stands_still() {
	local place rank
	# shellcheck disable=SC2034 # job_by_hand's
	place=$(own_address):$((10000 + ($$ + seed) % 9000))
	: >"$tmp/tally"
	DSM_ON_LOSS=continue DSM_LOSS_TIMEOUT=1000 \
		job_by_hand "$2" tests/system/"$1" "$tmp/tally" "$3" "${4-stop}" "$seed"
	for rank in "${!ended[@]}"; do
		[ "${ended[rank]}" = 0 ] || say_and_fail "$1: $2 nodes over ${DSM_PROVIDER-any}, of which $3 stood still:" \
			"$rank has status ${ended[rank]}"
	done
	grep -q 'is out, and knows' "$tmp/out.$3" || say_and_fail "$1: $3 stood still, and goes on"
	seed=$((seed + 1))
}
