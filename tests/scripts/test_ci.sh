#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# .ci/run: its last line adds up what the runs of ./check have counted, and its status is right,
# also where one of them ends without a word.
set -u
top=$(cd "${srcdir:-.}" && pwd) || exit 99
[ -e "$top/.ci/run" ] || { echo "no .ci/run here, which is not distributed"; exit 77; }
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 99

fail() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

# A check that says and ends as LAST_<argument> tells it to
mkdir .ci && cp "$top/.ci/run" .ci/ || exit 99
cat >check <<'END'
#!/bin/bash
last=LAST_${1-}
echo "./check $*"
echo "${!last%:*}"
exit "${!last#*:}"
END
chmod +x check

# is STATUS LINE
is() {
	bash .ci/run >out 2>&1 </dev/null
	[ "$?: $(tail -n 1 out)" = "$1: $2" ] || fail "not $1: $2: $(cat out)"
	[ "$(grep -c '^\./check' out)" -ge 3 ] || fail "not all were run: $(cat out)"
}

export LAST_='80 passed, 0 failed, 2 skipped:0' LAST_vm='9 passed, 0 failed, 0 skipped:0'
export LAST_fresh='1 passed, 0 failed, 0 skipped:0'
is 0 '90 passed, 0 failed, 2 skipped'
LAST_vm='7 passed, 2 failed, 0 skipped:1' is 1 '88 passed, 2 failed, 2 skipped'
LAST_='cannot build:1' is 1 '10 passed, 1 failed, 0 skipped'
LAST_fresh='1 passed, 0 failed, 0 skipped:3' is 1 '90 passed, 1 failed, 2 skipped'
echo "$0: the runs are added up"
