#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# purity.sh ARCHIVE NAME FUNCTION...: no I/O, clock, threads or allocation, and no memory but what it is
# given: its objects may import only these functions, and have no data that can be written. In the build
# directory.
set -u
archive=$1 name=$2
shift 2
allowed=$*

skip() {
	echo "check_purity: skipped: $*"
	exit 77
}

[ -f "$archive" ] || { echo "check_purity: $archive is missing"; exit 99; }
undefined=$(LC_ALL=C nm -u "$archive") || exit 99
defined=$(LC_ALL=C nm --defined-only "$archive") || exit 99
case $undefined in
*__asan_* | *__ubsan_* | *__tsan_* | *__gcov_* | *__llvm_* | *__sanitizer_*)
	skip "built with sanitizers or for coverage" ;;
esac
case $defined in
*coh_mutant*) skip "built with planted bugs, which are chosen by a variable" ;;
esac

failures=0
for symbol in $(echo "$undefined" | awk '$1 == "U" || $1 == "w" { print $2 }' | sort -u); do
	[ "$symbol" = _GLOBAL_OFFSET_TABLE_ ] && continue
	echo "$defined" | awk '{ print $3 }' | grep -qx "$symbol" && continue
	plain=${symbol%_chk} # memcpy is __memcpy_chk where sources are fortified
	[ "$plain" != "$symbol" ] && plain=${plain#__}
	case " $allowed " in
	*" $plain "*) continue ;;
	esac
	echo "check_purity: $name calls $symbol"
	failures=$((failures + 1))
done

# Constant tables with addresses in them are relocated first and then read-only.
sections=$(LC_ALL=C size -A "$archive") || exit 99
for section in $(echo "$sections" |
		awk '$1 ~ /^\.(data|bss|tdata|tbss)/ && $1 !~ /^\.data\.rel\.ro/ && $2 > 0 { print $1 }'); do
	echo "check_purity: $name has data of its own in $section"
	failures=$((failures + 1))
done
[ "$failures" = 0 ] && echo "check_purity: $name imports only what it may"
[ "$failures" = 0 ]
