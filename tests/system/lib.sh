# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# What the scripts of the system tests share. To be sourced with bash; works in the build
# directory: BUILD, or where it is, as under make check.
# The time limit of a job is dsmctl's; timeout(1) stands behind it.
# Tests run beside others, on machines that are busy with something else too: they wait for events,
# and what bounds a wait is there to find a hang.
set -u
hang=600       # seconds: whatever takes that long hangs
hang_times=10  # jobs that tell how long they take at most where nothing else runs: times this
cd "${BUILD:-.}" || exit 1

# Sanitizers are to say what they see, and nothing of the libraries below, which leak.
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=0}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}

# A node whose peers are slow to start does not give up.
export DSM_START_TIMEOUT=${DSM_START_TIMEOUT:-$hang}

fail() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# Ends the script as skipped where this machine or user cannot run nodes.
need_nodes() {
	local said
	said=$(tests/system/api identity 2>&1)
	case $? in
	0) ;;
	77) printf '%s\n' "$said"; exit 77 ;;
	*) fail "a job of one node does not run: $said" ;;
	esac
}

# Ends the script as skipped where system calls on shared memory cannot be served.
need_events() {
	local said
	said=$(DSM_FAULTS=event tests/system/api identity 2>&1) && return
	printf '%s\n' "$said"
	exit 77
}

# Ends the script as skipped where there is no dsmctl run --threads.
need_threads() {
	need_nodes
	need_events
	! sanitizer_stands_in_the_way ||
		{ echo "programs with threads are not for a library with sanitizers"; exit 77; }
}

# Sets so many huge pages of 2 MiB aside, beyond what others have, until the script ends; ends
# the script as skipped where there are none to be had. Whoever does so locks the pool's file.
need_huge_pages() {
	local dir=/sys/kernel/mm/hugepages/hugepages-2048kB free had
	[ -e $dir ] || { echo "this kernel has no huge pages of 2 MiB"; exit 77; }
	if [ -w $dir/nr_hugepages ] && exec {pool}<>$dir/nr_hugepages; then
		flock -w $((6 * hang)) "$pool" ||
			fail "another test has held the huge pages for $((6 * hang)) s"
		free=$(cat $dir/free_hugepages)
		if [ "$free" -lt "$1" ]; then
			pages_added=$(($1 - free))
			trap 'echo $(($(cat '$dir'/nr_hugepages) - pages_added)) >'$dir/nr_hugepages EXIT
			had=$(cat $dir/nr_hugepages)
			echo $((had + pages_added)) >$dir/nr_hugepages
			pages_added=$(($(cat $dir/nr_hugepages) - had)) # as many as there was memory for
		fi
	fi
	[ "$(cat $dir/free_hugepages)" -ge "$1" ] && return
	echo "there are not $1 huge pages of 2 MiB: raise vm.nr_hugepages, or run this as root"
	exit 77
}

# run_job SECONDS NODES PROVIDER PROGRAM [ARGUMENT...]: a job in the build directory.
# PROVIDER: auto leaves the choice to the library. A job that takes hang_times as long has failed.
run_job() {
	local seconds=$(($1 * hang_times)) nodes=$2 provider=$3 env=()
	shift 3
	[ "$provider" = auto ] || env=("DSM_PROVIDER=$provider")
	env "${env[@]}" timeout -k 10 $((seconds + 20)) \
		tools/dsmctl run -t "$seconds" -n "$nodes" -- "$@"
}

# job ...: as run_job; the script fails when the job does.
job() {
	local status
	run_job "$@"
	status=$?
	[ $status = 0 ] && return
	[ $status = 124 ] && fail "no end after $(($1 * hang_times)) s: $2 nodes, $3: ${*:4}"
	fail "status $status: $2 nodes, $3: ${*:4}"
}

# Sets deliveries to the ways in which faults may come here, and says why one is missing.
find_deliveries() {
	local said
	deliveries=signal
	said=$(DSM_FAULTS=event tests/system/api identity 2>&1) && deliveries='signal event'
	[ "$deliveries" != signal ] || echo "by signals only: $said"
}

# job_each_way SECONDS NODES PROGRAM [ARGUMENT...]: a job by each of $deliveries, over shared
# memory, where that is to be had, and over a network.
job_each_way() {
	local delivery provider
	for delivery in $deliveries; do
		for provider in auto tcp; do
			DSM_FAULTS=$delivery job "$1" "$2" $provider "${@:3}"
		done
	done
}

# Jobs with a witness (witness.c) in every node, which tells about itself in a file.
witness=tests/system/.libs/witness.so

# Sanitizers replace memcpy and memmove themselves.
thread_sanitizer_stands_in_the_way() {
	nm -D .libs/libdsm.so 2>/dev/null | grep -q '__tsan_'
}

sanitizer_stands_in_the_way() {
	nm -D .libs/libdsm.so 2>/dev/null | grep -q '__[atu][a-z]*san_'
}

# witnessed FILE COMMAND [ARGUMENT...]: runs it with witnesses that write to FILE.
witnessed() {
	local file=$1
	shift
	WITNESS=$file LD_PRELOAD=$PWD/$witness "$@"
}

# witnesses_agree FILE NODES: what so many nodes told adds up: each page that was fetched
# was supplied, and each write of pages is one of a page fetched, of a home's refresh or of a
# write-back, and has landed. Prints the sums.
witnesses_agree() {
	awk -v nodes="$2" '
		function must(what, is, other) {
			if (is == other)
				return
			print what ": " is ", not " other
			wrong = 1
		}
		{
			delete own
			for (i = 1; i < NF; i += 2) {
				own[$i] = $(i + 1)
				sum[$i] += $(i + 1)
			}
			must("pages written by node " own["rank"], own["pages_written"],
				own["pages_supplied"] + own["refreshes"] + own["write_backs"])
		}
		END {
			must("nodes that told", NR, nodes)
			must("pages fetched", sum["pages_fetched"], sum["pages_supplied"])
			must("page writes landed", sum["page_writes_landed"], sum["page_writes"])
			if (!sum["pages_written"]) {
				print "no page was written"
				wrong = 1
			}
			for (name in sum)
				if (name != "rank")
					printf "%s %.0f\n", name, sum[name] | "sort"
			exit wrong
		}' "$1"
}

# witness_sum FILE NAME: over all nodes
witness_sum() {
	awk -v name="$2" '{ for (i = 1; i < NF; i += 2) if ($i == name) sum += $(i + 1) }
		END { printf "%.0f\n", sum }' "$1"
}

# wait_until WHAT COMMAND...: until that command works; what it prints is said.
wait_until() {
	local what=$1 end=$((SECONDS + hang)) said
	shift
	until said=$("$@"); do
		((SECONDS < end)) || fail "$what: not within $hang s"
		sleep 0.1
	done
	printf '%s\n' "$said"
}

# An address of the loopback network that is this process's alone: only who listens at all
# addresses is in the way of its ports.
own_address() {
	echo "127.$((128 + ($$ >> 16))).$(($$ >> 8 & 255)).$(($$ & 255))"
}

# job_by_hand NODES COMMAND [ARGUMENT...]: nodes started by hand, at $place, until all have ended;
# what each says is in $tmp/out.RANK, its status in ended[RANK].
# shellcheck disable=SC2154,SC2034 # the caller's
job_by_hand() {
	local rank pids=() nodes=$1
	shift
	ended=()
	for ((rank = 0; rank < nodes; rank++)); do
		DSM_RANK=$rank DSM_SIZE=$nodes DSM_RENDEZVOUS=$place \
			timeout -k 5 $hang "$@" >"$tmp/out.$rank" 2>&1 &
		pids+=($!)
	done
	for rank in "${!pids[@]}"; do
		wait "${pids[rank]}"
		ended[rank]=$?
	done
}

# worst_of PID...: waits for these processes of ours; the highest of their statuses.
worst_of() {
	local pid worst=0 status
	for pid in "$@"; do
		wait "$pid"
		status=$?
		[ $status -gt $worst ] && worst=$status
	done
	return $worst
}
