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

# Sets python to one that has these modules: configure's, or Debian's, whose packages have them.
# Ends the script as skipped where there is none. need_python PACKAGE MODULE...
need_python() {
	local package=$1 configured
	shift
	configured=$(sed -n 's/^PYTHON = //p' Makefile | grep -vx :) # : where it has found none
	for python in ${configured:+"$configured"} /usr/bin/python3 python3; do
		"$python" -c "import sys$(printf ', %s' "$@"); sys.exit(sys.version_info < (3, 9))" \
			2>/dev/null || continue
		sanitizer_stands_in_the_way && { echo "a library with sanitizers cannot be loaded"; exit 77; }
		return 0
	done
	echo "there is no Python of 3.9 or later with $*: install $package"
	exit 77
}
