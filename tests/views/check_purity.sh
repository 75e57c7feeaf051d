#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Is dsm/views what it says? snprintf: the sentence of an end; the last: arithmetic of the compiler's
exec "$(dirname "$0")/../purity.sh" .libs/libviews.a dsm/views memcpy memmove memset memcmp snprintf \
	__assert_fail __stack_chk_fail __popcountdi2
