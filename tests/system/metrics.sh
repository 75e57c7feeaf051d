#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What dsmctl stats, with --latency and --every, and dsmctl metrics show of a load that is known;
# the dashboard of packaging/grafana asks for nothing else.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
top=$(cd "$(dirname "$0")/../.." && pwd) || exit 99
need_nodes
dir=$(mktemp -d) || exit 1
export TMPDIR=$dir # jobs of our own only
unset XDG_RUNTIME_DIR
pids=()
trap '[ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2>/dev/null; wait; rm -rf "$dir"' EXIT
mkfifo "$dir/go"

python= # one that reads metrics
for each in "$(sed -n 's/^PYTHON = //p' Makefile)" /usr/bin/python3 python3; do
	[ "${each:-:}" != : ] && "$each" -c 'import prometheus_client.openmetrics.parser' 2>/dev/null &&
		python=$each && break
done

lines() { [ "$(wc -l <"$dir/$1")" -ge "$2" ]; }

# has TEXT LINE: a line, whose blanks may be any number
has() { grep -qxE " *${2// / +}" <<<"$1"; }

# A load that is known, beside rates of it.
tools/dsmctl run -t $hang -n 2 -- tests/system/load <"$dir/go" >"$dir/said" 2>&1 &
job=$!
pids+=("$job")
exec {go}>"$dir/go"
wait_until "the job is ready" grep ready "$dir/said" || exit
name=$(tools/dsmctl status | sed -n 's/^job \([^:]*\):.*/\1/p')
tools/dsmctl stats --json >"$dir/before.json" || fail "no statistics"
: >"$dir/rates"
tools/dsmctl stats --every 0.1 --json "$name" >"$dir/rates" 2>"$dir/rates.said" {go}>&- &
rates=$!
pids+=("$rates")
wait_until "rates" lines rates 1 || exit
echo >&"$go"
wait_until "the load is done" grep "done" "$dir/said" || exit
seen=$(wc -l <"$dir/rates")
wait_until "rates of all of it" lines rates $((seen + 2)) || exit

# Eight figures, of a few of which it is known what they come to; and all.
said=$(tools/dsmctl stats) || fail "status $?: $said"
has "$said" 'RANK R-MISSES W-MISSES UPGRADES INVALS PAGES-IN PAGES-OUT EVICTS LOCKS' ||
	fail "other figures: $said"
has "$said" '0( [0-9]+){7} 30' || fail "no 30 locks: $said"
has "$said" 'total( [0-9]+){7} 60' || fail "no 60 locks: $said"
tools/dsmctl stats --all | grep -q 'frame_waits' || fail "not all counters"
grep -q frame_waits <<<"$said" && fail "all counters: $said"

# How long each wait was, and how many there were.
said=$(tools/dsmctl stats --latency) || fail "status $?: $said"
has "$said" 'WAIT RANK COUNT P50 P90 P99 MAX' || fail "no table: $said"
time='[0-9.]+ (ns|us|ms|s)'
has "$said" "upgrade 1 10( $time){4}" || fail "no 10 upgrades: $said"
has "$said" "lock 0 30( $time){4}" || fail "no 30 locks: $said"
has "$said" "lock total 60( $time){4}" || fail "no 60 locks: $said"
has "$said" 'eviction total 0 - - - -' || fail "evictions: $said"
has "$said" "futex 1 12( $time){4}" || fail "no 12 waits for a word: $said"
tools/dsmctl stats --latency --json >"$dir/latency.json" || fail "no latency"

# OpenMetrics, printed and over HTTP, between two looks at the statistics.
tools/dsmctl stats --json >"$dir/after.json" || fail "no statistics"
tools/dsmctl metrics "$name" >"$dir/metrics" || fail "no metrics"
tools/dsmctl stats --json >"$dir/later.json" || fail "no statistics"
url=
if tools/dsmctl metrics --listen nonsense 2>&1 | grep -q 'built without'; then
	echo "not tried: metrics over HTTP, for which dsmctl was built without libmicrohttpd"
else
	: >"$dir/url"
	tools/dsmctl metrics --listen 127.0.0.1:0 >"$dir/url" 2>"$dir/http.said" {go}>&- &
	http=$!
	pids+=("$http")
	url=$(wait_until "the address" grep ^http: "$dir/url") || exit
fi
if [ -n "$python" ]; then
	"$python" "$top/tests/system/metrics.py" "$dir" "$top/packaging/grafana/dsm.json" ${url:+"$url"} ||
		fail "the metrics are wrong"
else
	echo "metrics are not read: install python3-prometheus-client"
fi
tools/dsmctl metrics nonsense >"$dir/none" 2>&1 && fail "metrics of a job that is none"
grep -q 'there is no job nonsense' "$dir/none" || fail "it is not said: $(cat "$dir/none")"

# The rates end when the job does, with success; who serves goes on, and ends by a signal.
exec {go}>&-
wait $job || fail "the job failed: $(cat "$dir/said")"
wait $rates || fail "rates: status $?: $(cat "$dir/rates.said")"
[ ! -s "$dir/rates.said" ] || fail "rates: $(cat "$dir/rates.said")"
if [ -n "$url" ]; then
	kill -0 "$http" || fail "it serves no more: $(cat "$dir/http.said")"
	kill "$http"
	wait "$http" || fail "status $? after SIGTERM: $(cat "$dir/http.said")"
fi
pids=()

# A load with too little memory: each wait for it is counted. Evictions run ahead of need, so that
# there may be none.
find_deliveries
for delivery in $deliveries; do
	waited=0
	for ((turn = 0; turn < 20 && waited == 0; turn++)); do
		said=$(DSM_FAULTS=$delivery DSM_MEMORY=2M job 60 2 auto tests/system/load tight) || exit
		waited=$(awk '{ sum += $NF } END { print sum }' <<<"$said")
	done
	[ "$waited" -gt 0 ] || fail "by $delivery nobody has waited for memory in $turn jobs"
	echo "metrics: by $delivery $waited waits for memory"
done
