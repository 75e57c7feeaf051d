# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# What the tests of the package for Python share. To be sourced with bash, in the place of
# tests/system/lib.sh.
top=$(cd "${srcdir:-.}" && pwd) || exit 99
# shellcheck source=tests/system/lib.sh
. "$top/tests/system/lib.sh"

export PYTHONPATH=$top/python PYTHONDONTWRITEBYTECODE=1
export LD_LIBRARY_PATH=$PWD/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export OPENBLAS_NUM_THREADS=1 # nodes have enough threads

# A library with AddressSanitizer can be loaded where that was loaded first. What Python itself does not
# free is not for us to find. ThreadSanitizer wants all of the program: the script ends as skipped.
with_sanitizer() {
	local asan
	asan=$(ldd .libs/libdsm.so | sed -n 's,.* => \([^ ]*/libasan[^ ]*\) .*,\1,p')
	[ -n "$asan" ] || { echo "a library with sanitizers cannot be loaded"; exit 77; }
	mkdir -p tests/python
	printf '#!/bin/sh\nASAN_OPTIONS=detect_leaks=0 LD_PRELOAD=%s exec %s "$@"\n' "$asan" "$python" \
		>tests/python/sanitized.$$ && chmod +x tests/python/sanitized.$$ &&
		mv tests/python/sanitized.$$ tests/python/sanitized || exit 99
	python=$PWD/tests/python/sanitized
}

# Sets python to one that has these modules: configure's, or Debian's, whose packages have them.
# Ends the script as skipped where there is none. need_python PACKAGE MODULE...
need_python() {
	local package=$1 configured
	shift
	configured=$(sed -n 's/^PYTHON = //p' Makefile | grep -vx :) # : where it has found none
	for python in ${configured:+"$configured"} /usr/bin/python3 python3; do
		"$python" -c "import sys$(printf ', %s' "$@"); sys.exit(sys.version_info < (3, 9))" \
			2>/dev/null || continue
		! sanitizer_stands_in_the_way || with_sanitizer
		return 0
	done
	echo "there is no Python of 3.9 or later with $*: install $package"
	exit 77
}
