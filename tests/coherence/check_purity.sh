#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Is the coherence core what it says? The last: arithmetic of the compiler's
exec "$(dirname "$0")/../purity.sh" .libs/libcoherence.a "the core" memcpy memmove memset memcmp strnlen \
	__assert_fail __stack_chk_fail __popcountdi2
