#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# examples/heat, killed at any step and restored, gives the picture of an undisturbed run, bit by bit.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
[ -x examples/heat ] || { echo "there is no heat without libpng"; exit 77; }
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
RANDOM=${SEED:=$RANDOM}
echo "SEED=$SEED"
export DSM_REGION=64M
size=(--rows=96 --cols=512)

# As many steps as there may be, for it is killed: one of its processes, which it names itself.
DSM_REGION=64M tools/dsmctl run -t $hang -n 3 --no-prefix -- bash -c 'echo $$ >>"$0"; exec "$@"' \
	"$tmp/pids" examples/heat "${size[@]}" --steps=100000000 --every=$((RANDOM % 7 + 1)) \
	--checkpoint="$tmp/saved" >"$tmp/said" 2>&1 &
job=$!
# Some checkpoints later, in the midst of whatever it does then. One that is just being replaced cannot
# be looked at.
enough=$((RANDOM % 9 + 1))
has_enough() {
	local has
	has=$(tools/dsmctl checkpoint info "$tmp/saved" 2>"$tmp/looked" | sed -n 's/^checkpoint \([0-9]*\),.*/\1/p')
	[ "${has:-0}" -ge $enough ] || ! kill -0 $job 2>"$tmp/looked"
}
wait_until "$enough checkpoints" has_enough >/dev/null || { cat "$tmp/said"; exit 1; }
kill -KILL "$(sed -n $((RANDOM % 3 + 1))p "$tmp/pids")" || fail "cannot kill it: $(cat "$tmp/said")"
wait $job && fail "the job has ended well"
tools/dsmctl checkpoint verify "$tmp/saved" || fail "what it has saved is not whole"

# It tells how far it has come, and is asked for some more steps.
tools/dsmctl run -t $hang -n 1 --restore "$tmp/saved" -- examples/heat "${size[@]}" --steps=0 \
	-o "$tmp/right.png" >"$tmp/said" 2>&1 && fail "goes back"
steps=$(sed -n 's/.*has gone \([0-9]*\) steps.*/\1/p' "$tmp/said")
[ -n "$steps" ] || fail "$(cat "$tmp/said")"
echo "killed after step $steps was saved"
steps=$((steps + 101))
job 60 2 auto examples/heat "${size[@]}" --steps=$steps -o "$tmp/right.png" >"$tmp/said"
for nodes in 1 2 4; do
	tools/dsmctl run -t $hang -n $nodes --restore "$tmp/saved" -- examples/heat "${size[@]}" \
		--steps=$steps -o "$tmp/restored.png" >"$tmp/said" 2>&1 ||
		fail "does not go on on $nodes nodes: $(cat "$tmp/said")"
	grep -q verified "$tmp/said" || fail "$(cat "$tmp/said")"
	cmp "$tmp/right.png" "$tmp/restored.png" || fail "another picture on $nodes nodes"
	rm "$tmp/restored.png"
done
tools/dsmctl run -t $hang -n 2 --restore "$tmp/saved" -- examples/heat --rows=8 --cols=8 \
	-o "$tmp/restored.png" >"$tmp/said" 2>&1 && fail "goes on with another field"
grep -q 'the checkpoint has 96 x 512 points' "$tmp/said" || fail "$(cat "$tmp/said")"
echo "heat: killed and restored on 1, 2 and 4 nodes, it gives the same picture"
