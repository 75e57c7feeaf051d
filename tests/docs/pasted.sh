#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# README's first programs, in C, C++ and Python, with the commands below them, as somebody pastes them
# into a shell where libdsm is installed. tests/fresh/readme.sh does the rest of README, on machines
# that are nobody's.
# shellcheck source=tests/docs/lib.sh
. "$(dirname "$0")/lib.sh"
need_nodes
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
as_if_installed "$tmp/pc"
compiler=$(sed -n 's/^CXX = //p' Makefile)

# pasted FILE TEXT COMMANDS: the block of README with TEXT in it is saved as FILE, that with COMMANDS
# in it is typed; README says what the file is called.
pasted() {
	grep -q "\`$1\`:$" "$top/README.md" || fail "README does not say what $1 is called"
	"$top/tests/fresh/readme.sh" block "$2" >"$tmp/$1" || exit
	"$top/tests/fresh/readme.sh" block "$3" >"$tmp/typed" || exit
	(cd "$tmp" && timeout -k 5 $hang bash -e typed) >"$tmp/said" 2>&1 || fail "$1: status $?: $(cat "$tmp/said")"
}

# says LINE...: these, in whatever order
says() {
	[ "$(sort "$tmp/said")" = "$(printf '%s\n' "$@" | sort)" ] || fail "not $*: $(cat "$tmp/said")"
}

pasted sum.c 'int main(void)' 'cc sum.c'
says '[0] node 0 sees 10' '[1] node 1 sees 10' '[2] node 2 sees 10' '[3] node 3 sees 10'
if [ -n "$compiler" ] && command -v c++ >/dev/null; then
	pasted seen.cpp '#include <dsm.hpp>' 'c++ -std'
	[ ! -s "$tmp/said" ] || fail "seen says: $(cat "$tmp/said")"
else
	echo "not tried: seen.cpp, without a compiler of C++"
fi
for python in "$(sed -n 's/^PYTHON = //p' Makefile)" /usr/bin/python3 python3; do
	"${python:-:}" -c 'import numpy' 2>/dev/null && [ "$python" != : ] && break
	python=
done
if [ -n "$python" ]; then
	mkdir "$tmp/bin"
	printf '#!/bin/sh\nexec %s "$@"\n' "$python" >"$tmp/bin/python3"
	chmod +x "$tmp/bin/python3"
	export PATH=$tmp/bin:$PATH PYTHONPATH=$top/python PYTHONDONTWRITEBYTECODE=1 OPENBLAS_NUM_THREADS=1
	pasted rows.py 'import dsm' 'python3 rows.py'
	says '[0] 0 1.5' '[1] 1 1.5' '[2] 2 1.5' '[3] 3 1.5'
else
	echo "not tried: rows.py, without Python's NumPy"
fi
echo "README's first programs run as it says"
