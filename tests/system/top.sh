#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# dsmctl top, beside a steady load, shows what the counters say, on a terminal of 80 columns and as
# lines; its keys do what they say.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
top=$(realpath "${srcdir:-$(dirname "$0")/../..}")
for python in /usr/bin/python3 python3 none; do # that of Debian's packages first
	[ "$python" != none ] || { echo "no python3-pyte"; exit 77; }
	"$python" -c 'import pyte' 2>/dev/null && break
done
dir=$(mktemp -d) || exit 1
export TMPDIR=$dir # jobs of our own only
unset XDG_RUNTIME_DIR
trap 'rm -rf "$dir"' EXIT
mkfifo "$dir/go"
tools/dsmctl top 2>"$dir/said" && fail "there is no job, and it says nothing"
grep -q 'none of your jobs\|no such job' "$dir/said" || fail "no job: $(cat "$dir/said")"
tools/dsmctl run -t $hang -n 2 -- tests/system/steady <"$dir/go" >"$dir/said" 2>&1 &
job=$!
exec {go}>"$dir/go"
wait_until "the job is ready" grep ready "$dir/said" >/dev/null || exit
timeout $hang "$python" "$top/tests/system/top.py" tools/dsmctl \
	"$(ldd tools/dsmctl | grep -q libncurses && echo screen)" || fail "top.py: status $?"
# To the end of the job, which is no failure.
: >"$dir/lines"
(exec {go}>&- && exec tools/dsmctl top --every 0.1) >"$dir/lines" &
lines=$!
wait_until "lines" grep -q '^ RANK' "$dir/lines" || exit
exec {go}>&-
wait $job || fail "the job failed: $(cat "$dir/said")"
wait $lines || fail "status $? at the end of the job"
for wrong in '-e 0' '-e 5' '-n 0' '-n x' '--nonsense' 'a b'; do
	# shellcheck disable=SC2086 # words
	tools/dsmctl top $wrong 2>/dev/null
	[ $? = 2 ] || fail "top $wrong is taken"
done
