/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the core does with a word of shared memory is done in its frame, at another address, or on
 * another node. ThreadSanitizer sees neither, and would find no order between that and what the
 * processor does with the same word: it is told of each.
 */
#ifndef ORDER_H
#define ORDER_H

#if defined(__has_feature)
#define ORDER_CLANG_TSAN __has_feature(thread_sanitizer)
#else
#define ORDER_CLANG_TSAN 0
#endif

#if defined(__SANITIZE_THREAD__) || ORDER_CLANG_TSAN
#include <sanitizer/tsan_interface.h>

/* Before: whoever does something with the word afterwards sees what this thread has done. */
static inline void order_release(const void *word)
{
	__tsan_release((void *)word);
}
/* Afterwards: the other way round. */
static inline void order_acquire(const void *word)
{
	__tsan_acquire((void *)word);
}
#else
static inline void order_release(const void *word)
{
	(void)word;
}
static inline void order_acquire(const void *word)
{
	(void)word;
}
#endif

#endif
