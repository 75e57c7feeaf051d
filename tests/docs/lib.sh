# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# What tests of what readers paste share. To be sourced with bash, in the place of
# tests/system/lib.sh.
top=$(realpath "${srcdir:-$(dirname "$0")/../..}")
# shellcheck source=tests/system/lib.sh
. "$top/tests/system/lib.sh"

# as_if_installed DIR: libdsm's headers, library and commands are where they are now; what says so to
# pkg-config is in DIR. Ends the script as skipped where that cannot be.
as_if_installed() {
	local command
	sanitizer_stands_in_the_way && { echo "the library has sanitizers, programs that are pasted have none"; exit 77; }
	for command in cc pkg-config; do
		command -v $command >/dev/null || { echo "there is no $command"; exit 77; }
	done
	mkdir -p "$1"
	sed "s,^libdir=.*,libdir=$PWD/.libs,; s,^includedir=.*,includedir=$top/dsm," dsm/dsm.pc >"$1/dsm.pc"
	export PKG_CONFIG_PATH=$1:${PKG_CONFIG_PATH-} PATH=$PWD/tools:$PATH
	export LD_LIBRARY_PATH=$PWD/.libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
}
