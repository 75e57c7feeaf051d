#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# dsmctl checkpoint JOB DIR, and DSM_CHECKPOINT_EVERY: the program is asked, and what comes of it is said.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
tmp=$(mktemp -d) || exit 1
export TMPDIR=$tmp # jobs of our own only
unset XDG_RUNTIME_DIR
build=$PWD
trap 'touch "$tmp/stop" "$tmp/other.stop"; wait; rm -rf "$tmp"' EXIT
export DSM_REGION=64M

# start NODES MODE [background]: sets job to its number, and name
start() {
	rm -f "$tmp/stop"
	: >"$tmp/said"
	(cd "$tmp" && exec "$build/tools/dsmctl" run -t $hang -n "$1" -- "$build/tests/system/wanted" "$2" \
		"$tmp/stop" "${@:3}") >"$tmp/said" 2>&1 &
	job=$!
	wait_until "the job begins" grep begins "$tmp/said" >/dev/null || exit 1
	name=$(tools/dsmctl status | sed -n 's/^job \([^: ]*\).*/\1/p')
	[ -n "$name" ] || fail "the job has no name"
}

# stop: it ends well
stop() {
	touch "$tmp/stop"
	wait $job || fail "the job has failed: $(cat "$tmp/said")"
}

# told SENTENCE ARGUMENT...: dsmctl checkpoint fails and says that
told() {
	local sentence=$1
	shift
	tools/dsmctl checkpoint "$@" >"$tmp/told" 2>&1 && fail "status 0: $*"
	grep -q "$sentence" "$tmp/told" || fail "not '$sentence', but: $(cat "$tmp/told")"
}

# --- asked ---
start 3 asks
tools/dsmctl checkpoint "$name" "$tmp/one" | grep -q "the checkpoint in $tmp/one is complete" ||
	fail "it is not said to be complete"
tools/dsmctl checkpoint verify "$tmp/one" || fail "it is not whole"
long=$tmp/$(printf 'd%.0s' {1..200})
(cd "$tmp" && "$build/tools/dsmctl" checkpoint "$name" "${long##*/}") | grep -q "$long is complete" ||
	fail "not to a relative name"
tools/dsmctl checkpoint verify "$long" || fail "it is not whole"
told 'no checkpoint: cannot make directory /no/such: No such file' "$name" /no/such
tools/dsmctl checkpoint "$name" "$tmp/one" || fail "not once more, after one that failed"
tools/dsmctl checkpoint info "$tmp/one" | grep -q 'checkpoint 2,' || fail "not the second one"
tools/dsmctl checkpoint info "$tmp/one" | grep '^compressed' && fail "it is compressed unasked"
if grep -q '^#define HAVE_ZSTD 1' config.h; then
	tools/dsmctl checkpoint --compress "$name" "$tmp/one" || fail "not compressed"
	tools/dsmctl checkpoint info "$tmp/one" | grep -q '^compressed' || fail "it is not compressed"
	tools/dsmctl checkpoint verify "$tmp/one" || fail "it is not whole"
	tools/dsmctl checkpoint "$name" "$tmp/one" || fail "not once more"
	tools/dsmctl checkpoint info "$tmp/one" | grep '^compressed' && fail "it is compressed again"
else
	told 'built without libzstd' --compress "$name" "$tmp/one"
fi

# --- another job that is to save itself there ---
(cd "$tmp" && exec "$build/tools/dsmctl" run -t $hang -n 2 -- "$build/tests/system/wanted" asks \
	"$tmp/other.stop" background) >"$tmp/other.said" 2>&1 &
other_job=$!
wait_until "the other job begins" grep begins "$tmp/other.said" >/dev/null || exit 1
other=$(tools/dsmctl status | sed -n 's/^job \([^: ]*\).*/\1/p' | grep -vx "$name")
told "another job writes its checkpoints to $tmp/one" "$other" "$tmp/one"
tools/dsmctl checkpoint verify "$tmp/one" || fail "the first job's is not whole any more"
tools/dsmctl checkpoint "$other" "$tmp/two" || fail "not to a directory of its own"
tools/dsmctl checkpoint "$name" "$tmp/one" || fail "the first job cannot any more"
stop
tools/dsmctl checkpoint "$other" "$tmp/one" || fail "not when the first job has ended"
tools/dsmctl checkpoint verify "$tmp/one" || fail "it is not whole"
touch "$tmp/other.stop"
wait $other_job || fail "the other job has failed: $(cat "$tmp/other.said")"
told 'none of your jobs\|no job' "$name" "$tmp/one"

# --- a program that does not do what it is asked ---
start 2 computes
told 'the program never asks whether to save itself.*dsm_checkpoint_wanted' -t 0.3 "$name" "$tmp/never"
[ ! -e "$tmp/never" ] || fail "something was saved"
stop
start 2 ignores
told 'has not called dsm_checkpoint' "$name" "$tmp/ignored"
stop

# --- by time ---
DSM_CHECKPOINT_EVERY=1 start 2 asks
saved_twice() { [ "$(grep -c 'saved to own' "$tmp/said")" -ge 2 ]; }
wait_until "two checkpoints" saved_twice || exit 1
stop
tools/dsmctl checkpoint verify "$tmp/own" || fail "it is not whole"
DSM_CHECKPOINT_EVERY=often run_job 10 1 auto tests/system/wanted asks "$tmp/stop" >"$tmp/said" 2>&1 &&
	fail "every 'often'"
grep -q "DSM_CHECKPOINT_EVERY is 'often'; it must be" "$tmp/said" || fail "$(cat "$tmp/said")"

# --- in the background: none is wanted while one is being saved, by time or because dsmctl asks ---
mkfifo "$tmp/hold"
exec {hold}<>"$tmp/hold"
export WANTED_HOLD=$tmp/hold
rm -rf "$tmp/own"
DSM_CHECKPOINT_EVERY=1 start 2 asks background
is_held() { [ -e "$tmp/hold.0" ] && [ -e "$tmp/hold.1" ]; }
wait_until "it is being saved" is_held || exit 1
# Two ask: the one who comes later is told so, the other waits, and longer than it would for a program
# that does not ask.
for i in 1 2; do
	tools/dsmctl checkpoint -t 0.3 "$name" "$tmp/both" >"$tmp/asked.$i" 2>&1 &
	asker[i]=$!
done
wait -n -p first "${asker[@]}" && fail "both are told to wait, or saved: $(cat "$tmp"/asked.*)"
sleep 1 # longer than 0.3 s, and than a second, after which it is time for the next
[ "$(grep -c 'saved to' "$tmp/said")" -le 1 ] || fail "another one has begun: $(cat "$tmp/said")"
[ ! -e "$tmp/both" ] || fail "the one that was asked for has begun"
rm "$tmp/hold"
printf 'xx' >&$hold
for i in 1 2; do
	if [ "${asker[i]}" = "$first" ]; then
		grep -q 'is asked for another checkpoint already' "$tmp/asked.$i" || fail "$(cat "$tmp/asked.$i")"
	else
		wait "${asker[i]}" || fail "not after the one before: $(cat "$tmp/asked.$i")"
		grep -q "the checkpoint in $tmp/both is complete" "$tmp/asked.$i" || fail "$(cat "$tmp/asked.$i")"
	fi
done
tools/dsmctl checkpoint verify "$tmp/both" || fail "it is not whole"
wait_until "another one by time" saved_twice || exit 1
stop
unset WANTED_HOLD
exec {hold}>&-
tools/dsmctl checkpoint verify "$tmp/own" || fail "it is not whole"

# --- a program with threads, which never asks, and whose threads would not be there again ---
if ! sanitizer_stands_in_the_way && DSM_FAULTS=event tests/system/api identity >"$tmp/api" 2>&1; then
	mkfifo "$tmp/in"
	exec {in}<>"$tmp/in"
	tools/dsmctl run -t $hang --threads -n 2 -- cat <"$tmp/in" >"$tmp/said" 2>&1 {in}>&- &
	job=$!
	echo line >&$in
	wait_until "a program with threads" grep line "$tmp/said" >/dev/null || exit 1
	name=$(tools/dsmctl status | sed -n 's/^job \([^: ]*\).*/\1/p')
	told 'threads cannot be restored' "$name" "$tmp/threads"
	[ ! -e "$tmp/threads" ] || fail "something was saved"
	exec {in}>&-
	wait $job || fail "a program with threads: $(cat "$tmp/said")"
fi

# --- the example ---
size=(--points=40000 --clusters=9)
run_job 60 3 auto examples/kmeans "${size[@]}" --rounds=3 --checkpoint="$tmp/kmeans" >"$tmp/said" ||
	fail "kmeans: $(cat "$tmp/said")"
for nodes in 1 4; do
	tools/dsmctl run -t $hang -n $nodes --restore "$tmp/kmeans" -- examples/kmeans "${size[@]}" --rounds=8 \
		>"$tmp/said" 2>&1 || fail "kmeans does not go on on $nodes nodes: $(cat "$tmp/said")"
	grep -q verified "$tmp/said" || fail "$(cat "$tmp/said")"
done
echo "dsmctl asks, time asks, and kmeans goes on"
