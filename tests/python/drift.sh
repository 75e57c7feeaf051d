#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# What the package for Python says of the library is what the headers say; and README, manual and
# package show the same program.
# shellcheck source=tests/python/lib.sh
. "$(dirname "$0")/lib.sh"
need_python python3 ctypes
"$python" "$top/tests/python/drift.py" "$top" || exit

# shown FILE: the program, as far as its second barrier, without what it is indented by
shown() {
	awk '/^ *import dsm$/ { on = 1; indent = index($0, "i") - 1 }
		on { print substr($0, indent + 1) }
		on && /barrier/ && ++n == 2 { exit }' "$1"
}
program=$(shown "$top/README.md")
[ "$(wc -l <<<"$program")" = 8 ] || fail "cannot find the program in README: $program"
for other in docs/dsm.7 python/dsm/__init__.py; do
	[ "$(shown "$top/$other")" = "$program" ] || fail "README and $other show different programs"
done
