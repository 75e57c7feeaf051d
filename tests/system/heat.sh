#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# dsmctl heatmap shows the pages of each block by faults, owner and sharing: read back for pages of
# which these are known, as SVG and as HTML, which a browser shows where there is one.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
python=$(command -v python3) || { echo "there is no python3 to read pictures"; exit 77; }
check=$(cd "${srcdir:-.}" && pwd)/tests/system/heat.py
tmp=$(mktemp -d) || exit 1
export TMPDIR=$tmp # jobs of our own only
unset XDG_RUNTIME_DIR
trap 'rm -rf "$tmp"' EXIT
mkfifo "$tmp/go"

: >"$tmp/said"
tools/dsmctl run -t $hang -n 2 --no-prefix -- tests/system/heat <"$tmp/go" >"$tmp/said" 2>&1 &
job=$!
exec {go}>"$tmp/go"
wait_until "the job is ready" grep ready "$tmp/said" >/dev/null || { cat "$tmp/said" >&2; exit 1; }

tools/dsmctl heatmap -o "$tmp/map.svg" || fail "no SVG: status $?"
if tools/dsmctl heatmap --help | grep -q '\.png'; then
	tools/dsmctl heatmap -o "$tmp/map.png" || fail "no PNG: status $?"
	"$python" "$check" "$tmp/map.png" || fail "another PNG"
else
	echo "PNG: not in this build (libpng)"
fi
"$python" "$check" "$tmp/map.svg" || fail "$(grep -A130 'data-name="grid"' "$tmp/map.svg" | head -60)"

: >"$tmp/map.said"
tools/dsmctl heatmap -t $hang --every 0.7 -o "$tmp/map.html" >"$tmp/map.said" 2>&1 &
recorder=$!
wait_until "the recording begins" grep recording "$tmp/map.said" >/dev/null || exit
echo >&"$go"
wait_until "the pages were written" grep 'done' "$tmp/said" >/dev/null || exit
kill -INT $recorder
wait $recorder || fail "no HTML: $(cat "$tmp/map.said")"
"$python" "$check" "$tmp/map.html" || fail "$(cat "$tmp/map.said")"

tools/dsmctl heatmap -t 1.5 --every 0.5 -o "$tmp/idle.html" || fail "no HTML: status $?"
"$python" "$check" "$tmp/idle.html" idle || exit

tools/dsmctl heatmap -o "$tmp/map.jpg" 2>/dev/null
[ $? = 2 ] || fail "draws a .jpg"
tools/dsmctl heatmap --every 1 -o "$tmp/map.svg" 2>/dev/null
[ $? = 2 ] || fail "takes --every alone"
exec {go}>&-
wait $job || fail "the job failed: $(cat "$tmp/said")"

for browser in chromium-headless-shell chromium chromium-browser google-chrome; do
	command -v $browser >/dev/null || continue
	timeout $hang $browser --headless --no-sandbox --disable-gpu --user-data-dir="$tmp/browser" \
		--dump-dom "file://$tmp/map.html" >"$tmp/dom.html" 2>/dev/null || fail "$browser shows no page"
	"$python" "$check" "$tmp/dom.html" dom || fail "$browser shows another"
	exit 0
done
echo "no headless browser here (chromium): the HTML was read, and not shown"
