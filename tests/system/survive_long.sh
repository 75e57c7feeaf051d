#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Jobs whose nodes die, stand still, or are cut off, as it comes: who, when, of how many, over which provider,
# and how the job was started.
#
#	survive_long.sh [RUNS]    that many, 30 if not given; SEED=n does the same ones again
#
# A run has failed when somebody hangs, when the survivors do not go on within DSM_LOSS_TIMEOUT and 3 s for each
# loss, when a value is wrong, or one that is out does not learn it. A line for each, and a table in
# the end: the longest that anybody has waited for anything. What a run that has failed has said is kept in
# survive_long/SEED of the build directory, or in KEPT/SEED.
#
# ONLY=PATTERN does those runs alone whose line would match it. WAYS='dsmctl hand' starts jobs in these ways
# alone, of those in survive_ways.sh, which are there then, or the runs fail; PROVIDERS='verbs' takes these alone,
# LOSS_MS='1000 2000' these for DSM_LOSS_TIMEOUT; and ADDRESS=A has those that are started by hand meet there.
here=$(realpath "$(dirname "$0")") # before lib.sh changes the directory
# shellcheck source=tests/system/lib.sh
. "$here/lib.sh"
# shellcheck source=tests/system/survive_ways.sh
. "$here/survive_ways.sh"
need_nodes
runs=${1:-30}
seed=${SEED:-$((RANDOM * 32768 + RANDOM + 1))}
tmp=$(mktemp -d) || exit 99
ns=dsmlong$$
table=$tmp/table
kept=${KEPT:-$PWD/survive_long}/$seed
export TMPDIR=$tmp/files DSM_REGION=64M
mkdir -p "$TMPDIR"
unset XDG_RUNTIME_DIR
# shellcheck disable=SC2317 # by trap
clean_up() {
	! ways_live || kill -TERM "${ways_pids[@]}" 2>/dev/null
	[[ " ${ways[*]} " != *' hosts '* ]] || remove_hosts
	rm -rf "$tmp"
}
ways=() work=
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

# one_of NAME WORD...: sets NAME to one of them. Not in a subshell: there RANDOM begins anew.
one_of() {
	local i=$((RANDOM % ($# - 1) + 2))
	printf -v "$1" %s "${!i}"
}

# By its seed it chooses who dies, as this does.
choose_keep2() {
	local more=$((RANDOM))
	keep2_seed=$((more * nodes + victims[0]))
	[ $deaths = 1 ] || victims[1]=$(((victims[0] + 1 + more % (nodes - 1)) % nodes))
}

# choose: the run, all of it from $seed and its number
choose() {
	local majority=yes
	RANDOM=$(((seed + run * 7919) % 32768))
	one_of way "${ways[@]}" hand
	[ "$way" != dsmctl ] || majority=no
	one_of work kv kv history history survive survive_sync survive_keep2
	nodes=$((3 + RANDOM % 3))
	[ "$way" != hosts ] || nodes=$((3 + RANDOM % 2))
	one_of provider "${providers[@]}"
	[ "$way" = dsmctl ] || [ "$provider" != shm ] || provider=tcp
	one_of loss_ms "${losses[@]}"
	case $way in
	dsmctl | mpirun) one_of what kill kill stop ;;
	hand) one_of what kill stop stop reset ;;
	hosts) one_of what kill stop cut cut ;;
	esac
	# A device's connections are not the kernel's.
	[ "$provider $what" != 'verbs reset' ] || what='kill'
	# Two of three, or a half without its lowest, cannot go on.
	deaths=1
	if [ $majority = no ] || [ $nodes = 5 ]; then deaths=$((1 + RANDOM % 2)); fi
	# Without node 0's connections nobody knows who is to go but that it is, and perhaps one more.
	victims=($((RANDOM % nodes)))
	[ "$what" != reset ] || { victims=($((1 + RANDOM % (nodes - 1)))); deaths=1; }
	[ $deaths = 1 ] || victims+=($(((victims[0] + 1 + RANDOM % (nodes - 1)) % nodes)))
	delay_ms=($((RANDOM % 700)) $((RANDOM % 700)))
	case $work in survive*) [ "$provider" != shm ] || provider=tcp ;; esac
	case $work in
	survive) one_of mode kill calls two small ;;
	survive_sync) one_of mode kill holder two ;;
	survive_keep2) one_of mode one two ;;
	*) mode= ;;
	esac
	case $work in
	survive*)
		# These die by themselves.
		case $way in hosts | mpirun) way=hand ;; esac
		one_of what kill stop
		[ "$way $work" = 'hand survive' ] || what='kill'
		[ "$what" = kill ] || mode=stop
		deaths=1 victims=($((RANDOM % nodes)))
		[ "$mode" != two ] || [ "$way" = dsmctl ] || nodes=5
		[ "$mode" != two ] || deaths=2 victims+=($(((victims[0] + 1) % nodes)))
		[ "$work" != survive_keep2 ] || choose_keep2
		;;
	esac
	line="$work${mode:+ $mode}: $nodes by $way over $provider, $what ${victims[*]}, $loss_ms ms"
}

is_victim() { [[ " ${victims[*]} " == *" $1 "* ]]; }

# --- those to whom it is done ---

logs=$tmp/logs
start_work() {
	# Connections that end need not be anybody's end: they are made again.
	local seconds=1 until=$deaths
	[ "$what" != reset ] || seconds=4 until=0
	rm -rf "$logs" && mkdir "$logs"
	case $work in
	kv) ways_start examples/kv --seconds=$seconds --deaths="$until" --operations=400000 --seed="$run" --log="$logs" ;;
	history) ways_start tests/system/survive_history "$logs" $seconds "$until" "$run" ;;
	esac
}

compare() {
	local strict=()
	# One death at a time, and two nodes have the store.
	{ [ "$deaths" -gt 1 ] || [ "$provider" = shm ]; } || strict=(--kept)
	case $work in
	kv) examples/kv --check="$logs" "${strict[@]}" ;;
	history) tests/system/survive_history check "$logs" ;;
	esac >"$tmp/check" 2>&1
}

hit_all() {
	local i
	for i in "${!victims[@]}"; do
		sleep "$((delay_ms[i]))e-3"
		ways_hit "${victims[i]}" || { why="cannot $what ${victims[i]}: $(cat "$tmp/reset" 2>/dev/null)"; return 1; }
	done
	case $what in stop | cut) ;; *) return 0 ;; esac
	# Longer than anybody waits for them.
	sleep "$((3 * loss_ms + 500))e-3"
	for i in "${!victims[@]}"; do ways_back "${victims[i]}"; done
}

# count_out: sets out to the ranks that have learned that the others go on without them; by hand
count_out() {
	local rank
	out=()
	for rank in "${!ways_ended[@]}"; do
		case ${ways_ended[rank]} in 3 | 4) out+=("$rank") ;; esac
	done
}

# Who has ended how, by hand
judge_statuses() {
	local rank
	count_out
	if [ "$what" = reset ]; then
		line+=" of $(grep -c ESTAB "$tmp/reset") connections"
		deaths=${#out[@]}
		[ "$deaths" -le 1 ] || { why="$deaths are out: ${out[*]}"; return 1; }
		[ "$deaths" = 0 ] || victims=("${out[0]}")
	fi
	for rank in "${!ways_ended[@]}"; do
		is_victim "$rank" || [ "${ways_ended[rank]}" = 0 ] ||
			{ why="rank $rank has status ${ways_ended[rank]}"; return 1; }
	done
	case $what in
	stop | cut) [ "${#out[@]}" = "$deaths" ] || { why="${victims[*]} were left out, and ${out[*]} know it"; return 1; } ;;
	esac
}

# Who lives has seen so many deaths, and those who were left out know it.
judge() {
	local told
	! grep -q WRONG "$tmp"/said.* || { why="a wrong value"; return 1; }
	case $way in
	dsmctl) [ "${ways_ended[0]}" = 123 ] || { why="status ${ways_ended[0]}"; return 1; } ;;
	hand | hosts) judge_statuses || return ;;
	mpirun) ;; # 0, or that of one who is out
	esac
	told=$(cat "$tmp"/said.* | grep -v 'it is out' | grep -c " $deaths deaths seen.* longest operation")
	if [ "$told" != $((nodes - deaths)) ]; then
		why="$told tell of $deaths deaths"
		# Who was killed may have left a lock of libfabric's: docs/failures.md.
		[ "$provider" = shm ] && grep -q " $((deaths + 1)) deaths seen" "$tmp"/said.* || return
		line+=", and one more was taken for dead"
	fi
	compare || { why="wrong: $(head -n 3 "$tmp/check")"; return 1; }
}

# --- those who do it to themselves ---

start_alone() {
	: >"$tmp/tally"
	if [ "$work" = survive_keep2 ]; then
		ways_start "tests/system/$work" "$tmp/tally" "$deaths" "$keep2_seed"
	else
		ways_start "tests/system/$work" "$tmp/tally" "${victims[0]}" "$mode" $((seed + run))
	fi
}

judge_alone() {
	local rank
	for rank in "${!ways_ended[@]}"; do
		if [ "$way" = dsmctl ]; then
			[ "${ways_ended[0]}" = 123 ] || { why="status ${ways_ended[0]}"; return 1; }
		elif [ "${ways_ended[rank]}" != 0 ] && ! is_victim "$rank"; then
			why="rank $rank has status ${ways_ended[rank]}"
			return 1
		fi
	done
	[ "$mode" != stop ] || grep -q 'is out, and knows' "$tmp/said.${victims[0]}" ||
		{ why="${victims[0]} does not know that it is out"; return 1; }
}

# --- a run ---

# The longest that a survivor has waited for something, in ms
longest() {
	cat "$tmp"/said.* | grep -v 'it is out' | sed -n 's/.*\(longest operation\|worst wait\) \([0-9]*\) ms.*/\2/p' |
		sort -n | tail -n 1
}

do_run() {
	why=
	case $work in
	survive*) start_alone ;;
	*)
		start_work
		ways_begun || why="they have not begun"
		[ "$why" ] || hit_all 2>/dev/null # the shell says who has been killed
		;;
	esac
	ways_end $((180 + loss_ms / 50)) 2>/dev/null || { why=${why:-somebody hangs}; return 1; }
	[ -z "$why" ] || return
	case $work in
	survive*) judge_alone ;;
	*) judge ;;
	esac || return
	ms=$(longest)
	[ "${ms:-0}" -le $(((deaths ? deaths : 1) * (loss_ms + 3000))) ] || { why="somebody has waited for $ms ms"; return 1; }
}

show_table() {
	echo "what happens, by whom they were started: runs, failed, longest wait in ms: 99 of 100, all"
	sort "$table" | awk '
		function show() { if (n) printf "%-8s %-8s %5d %5d %7d %7d\n", what, way, n, failed, ms[int((n * 99 + 99) / 100)], ms[n] }
		$1 " " $2 != last { show(); n = failed = 0; last = $1 " " $2; what = $1; way = $2 }
		{ ms[++n] = $3 + 0; failed += $4 }
		END { show() }'
	sort -k3n "$table" | awk '{ ms[NR] = $3 + 0; failed += $4 }
		END { printf "%-17s %5d %5d %7d %7d\n", "all", NR, failed, ms[int((NR * 99 + 99) / 100)], ms[NR] }'
}

if [ "${WAYS-}" ]; then read -ra ways <<<"$WAYS"; else ways_find; fi
read -ra providers <<<"${PROVIDERS-tcp tcp tcp;ofi_rxm tcp;ofi_rxm shm}"
read -ra losses <<<"${LOSS_MS-1000 2000}"
echo "SEED=$seed, started by: ${ways[*]}"
rm -rf "$kept"
failed=0
for ((run = 1; run <= runs; run++)); do
	choose
	[[ $line =~ ${ONLY-} ]] || continue
	ms=0
	if do_run; then
		echo "$run: $line: ${ms:-0} ms"
		printf '%s %s %06d 0\n' "$what" "$way" "${ms:-0}" >>"$table"
	else
		ms=$(longest)
		echo "$run: $line: FAILED: $why"
		printf '%s %s %06d 1\n' "$what" "$way" "${ms:-0}" >>"$table"
		failed=$((failed + 1))
		mkdir -p "$kept/$run"
		cp -r "$tmp"/said.* "$tmp"/stacks.* "$tmp/status" "$tmp/check" "$tmp/reset" "$logs" "$kept/$run/" 2>/dev/null
	fi
	rm -rf "$tmp"/stacks.* "$tmp/status" "$tmp/check"
done
[ ! -e "$table" ] || show_table
[ $failed = 0 ] || fail "SEED=$seed: $failed of $runs runs have failed, see $kept"
