#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# dsm.hpp on one, two and four nodes, by both deliveries of faults; and it is C++17 that neither
# compiler warns of, strictly read.
# shellcheck disable=SC2016 # backquotes are README's
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"
top=$(cd "${srcdir:-.}" && pwd) || exit 99
[ -x tests/system/cxx ] || { echo "configure has found no compiler of C++17: install g++"; exit 77; }
need_nodes
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT

sed -n '/^ \*	#include <dsm.hpp>/,/^ \*	}$/p' "$top/dsm/dsm.hpp" | sed 's/^ \*	//; s/^ \*$//' >"$tmp/shown.cpp"
grep -q 'int main' "$tmp/shown.cpp" || fail "cannot find the program in dsm.hpp"
for compiler in g++ clang++; do
	command -v $compiler >/dev/null || continue
	for standard in c++17 c++20; do
		$compiler -std=$standard -Wall -Wextra -Wshadow -Wpedantic -Wconversion -Wold-style-cast -Werror \
			-fsyntax-only -I"$top/dsm" "$tmp/shown.cpp" "$top/tests/system/cxx.cpp" ||
			fail "$compiler -std=$standard does not like it"
	done
done

sed -n '/^```cpp$/,/^```$/p' "$top/README.md" | sed '/^```/d' | diff - "$tmp/shown.cpp" ||
	fail "README and dsm.hpp show different programs"

version=$(sed -n 's/^Version: //p' dsm/dsm.pc)
job 60 1 auto tests/system/cxx "$version"
job 60 4 shm tests/system/cxx "$version"
job 60 2 tcp tests/system/cxx "$version"
DSM_FAULTS=signal job 60 2 shm tests/system/cxx "$version"
DSM_FAULTS=signal job 60 4 tcp tests/system/cxx "$version"
DSM_FAULTS=event job 60 3 auto tests/system/cxx "$version"

# A scope that an exception ends does not wait for the others, who wait elsewhere.
run_job 60 3 auto tests/system/cxx thrown >"$tmp/out" 2>&1
[ "$(grep -c 'cxx: as it happens$' "$tmp/out")" = 1 ] && [ "$(grep -c 'cxx: lost$' "$tmp/out")" = 2 ] ||
	fail "an exception on one of three nodes: $(cat "$tmp/out")"
echo "cxx: on 1, 2 and 4 nodes"
