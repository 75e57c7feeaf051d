#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Is dsm/views what it says: no I/O, clock, threads or allocation, and no memory but what it is given?
# Its objects may import only the functions below, and have no data that can be written.
set -u
archive=.libs/libviews.a
# snprintf: the sentence of an end; the last: arithmetic of the compiler's
allowed='memcpy memmove memset memcmp snprintf __assert_fail __stack_chk_fail __popcountdi2'

[ -f "$archive" ] || { echo "check_purity: $archive is missing"; exit 99; }
undefined=$(LC_ALL=C nm -u "$archive") || exit 99
defined=$(LC_ALL=C nm --defined-only "$archive") || exit 99
case $undefined in
*__asan_* | *__ubsan_* | *__tsan_* | *__gcov_* | *__llvm_* | *__sanitizer_*)
	echo "check_purity: skipped: built with sanitizers or for coverage"
	exit 77
	;;
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
	echo "check_purity: dsm/views calls $symbol"
	failures=$((failures + 1))
done

# Constant tables with addresses in them are relocated first and then read-only.
sections=$(LC_ALL=C size -A "$archive") || exit 99
for section in $(echo "$sections" |
		awk '$1 ~ /^\.(data|bss|tdata|tbss)/ && $1 !~ /^\.data\.rel\.ro/ && $2 > 0 { print $1 }'); do
	echo "check_purity: dsm/views has data of its own in $section"
	failures=$((failures + 1))
done
[ "$failures" = 0 ] && echo "check_purity: dsm/views imports only what it may"
[ "$failures" = 0 ]
