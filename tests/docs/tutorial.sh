#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# docs/tutorial.md, as somebody pastes it who reads it from the top: its programs are those of
# examples/tutorial, all come to the same, and what it finds by dsmctl hot and dsmctl trace is found.
# shellcheck source=tests/docs/lib.sh
. "$(dirname "$0")/lib.sh"
command -v patch >/dev/null || { echo "there is no patch"; exit 77; }
need_nodes
tmp=$(mktemp -d) || exit 99
export TMPDIR=$tmp # jobs of our own only
unset XDG_RUNTIME_DIR
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/here"
as_if_installed "$tmp/pc"

# What is pasted: programs into files, in the order in which they are shown, and commands into a
# shell. Where the reader waits a second the test does until pages have gone to and fro, and where he
# looks who waits, until both nodes have begun to count: those that do not get to run wait before that, too.
awk -v here="$tmp/here" '
	/^```/ { kind = kind ? "" : /^```$/ ? "said" : substr($0, 4); n += kind == "c"; next }
	kind == "c" { print >(here "/step" n - 1 ".c") }
	kind == "sh"' "$top/docs/tutorial.md" >"$tmp/commands" || exit 99
cat >"$tmp/all" <<'END'
set -e
wait() { builtin wait "$@" || true; } # for what was killed
both_have() { # COUNT PATTERN: there is one of that in the counts of each node
	until [ "$(dsmctl stats --json | sed '/"total"/,/}/d' | grep -c "\"$1\": $2")" = 2 ]; do
		command sleep 0.1
	done
}
sleep() {
	[ "$1" = 1 ] || { command sleep "$1"; return; }
	both_have invalidations '[0-9][0-9]'
}
END
sed 's/^until dsmctl status /both_have barrier_waits "[1-9]"; &/' "$tmp/commands" >>"$tmp/all"
grep -q '^both_have' "$tmp/all" || fail "nobody looks who waits"
(cd "$tmp/here" && timeout -k 5 $hang bash -x "$tmp/all") >"$tmp/said" 2>"$tmp/err" ||
	fail "status $?: $(tail -n 20 "$tmp/err") $(tail -n 5 "$tmp/said")"

for step in 0 1 2 3 4; do
	diff "$top/examples/tutorial/step$step.c" "$tmp/here/step$step.c" || fail "step$step.c is another"
done
right='primes: 283146; smallest factor of 1 digit: 1085712, 2: 432267, 3: 176113, 4: 22762'
[ "$(grep -c "^\(\[0\] \)*$right$" "$tmp/said")" = 6 ] || fail "not six times $right: $(cat "$tmp/said")"
[ "$(grep -c '^\(\[0\] \)*[0-9.]* ms\(, [0-9]* pages came\)*$' "$tmp/said")" = 6 ] || fail "not six times: $(cat "$tmp/said")"

# In the order of the text: two nodes of step 1, one, and two of steps 2, 3, 4.
read -r -d '' -a came < <(sed -n 's/.* ms, \([0-9]*\) pages came$/\1/p' "$tmp/said"; printf '\0')
[ ${#came[@]} = 5 ] && [ "${came[0]}" -gt 2 ] && [ "${came[1]}" = 0 ] && [ "${came[2]}" -gt 2 ] &&
	[ "${came[3]}" -le 2 ] && [ "${came[4]}" -le 2 ] || fail "pages that came: ${came[*]}"

grep -q 'faults, false sharing$' "$tmp/said" || fail "no false sharing: $(cat "$tmp/said")"
if ldd tools/dsmctl | grep -q libdw; then
	line=$(grep -n 'count\[digits(n)\]++' "$tmp/here/step2.c" | cut -d: -f1)
	grep -q "node 0 writes step2.c:$line .*, node 1 writes step2.c:$line .*, same page of block \"rows\"" \
		"$tmp/said" || fail "not line $line of step2.c: $(cat "$tmp/said")"
fi
python=$(command -v python3) || { echo "the trace is not read: there is no python3"; exit 0; }
"$python" - "$tmp/here/step3.json" <<'END' || fail "the trace does not say who waits"
import json, sys
events = json.load(open(sys.argv[1]))["traceEvents"]
waits = [e for e in events if e["name"] == "dsm_barrier" and e["ph"] == "X"]
print("waits:", waits)
sys.exit([e["pid"] - 1 for e in waits] != [0] or waits[0]["dur"] < 150000)
END
"$python" "$top/docs/tracing/picture.py" "$tmp/here/step3.json" 0 200 >"$tmp/picture.svg" || fail "no picture"
echo "tutorial: all as it says"
