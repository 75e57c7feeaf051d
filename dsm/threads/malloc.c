/* SPDX-License-Identifier: BSD-2-Clause */
/* malloc and its family: the program's blocks are in the region, all others libc's. */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "dsm/threads/threads.h"

void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);
void __libc_free(void *);

/* Not the loader, while it loads for the program. */
static bool is_for_program(const void *caller)
{
	return is_program() && !(loading && catch_is_libc(caller));
}
#define IS_FOR_PROGRAM is_for_program(__builtin_return_address(0))

static void *take(size_t bytes, size_t align, bool zeroed)
{
	void *at = heap_take(bytes, align, zeroed);

	if (!at)
		errno = ENOMEM;
	return at;
}

static bool is_ours(const void *at)
{
	return (uintptr_t)at - here.region < here.region_bytes;
}

/* libc's, but for what early.c has. */
static void *take_private(size_t bytes, size_t align, const void *caller)
{
	void *at = here.ready ? NULL : early_take(bytes, align, caller);

	return at ? at : align ? __libc_memalign(align, bytes) : __libc_malloc(bytes);
}
#define PRIVATE(bytes, align) take_private(bytes, align, __builtin_return_address(0))

EXPORT void *malloc(size_t bytes)
{
	return IS_FOR_PROGRAM ? take(bytes, 0, false) : PRIVATE(bytes, 0);
}

EXPORT void *calloc(size_t n, size_t each)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, each, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	if (!IS_FOR_PROGRAM) {
		void *at = here.ready ? NULL : early_take(bytes, 0, __builtin_return_address(0));

		return at ? at : __libc_calloc(n, each); /* early memory is fresh */
	}
	return take(bytes, 0, true);
}

static void free_private(void *at)
{
	const int saved = errno;

	if (!early_is(at))
		__libc_free(at);
	errno = saved;
}

EXPORT void free(void *at)
{
	if (is_ours(at))
		heap_give(at);
	else if (at)
		free_private(at);
}

EXPORT size_t malloc_usable_size(void *at)
{
	return is_ours(at)    ? heap_size_of(at)
	       : early_is(at) ? early_size_of(at)
	                      : NEXT(malloc_usable_size)(at);
}

/* A block of libc's, from before the program began, moves into the region here. */
EXPORT void *realloc(void *at, size_t bytes)
{
	size_t had;
	void *to;

	if (!at)
		return IS_FOR_PROGRAM ? take(bytes, 0, false) : PRIVATE(bytes, 0);
	if (!is_ours(at) && !early_is(at) && !IS_FOR_PROGRAM)
		return __libc_realloc(at, bytes);
	if (bytes == 0) {
		free(at);
		return NULL;
	}
	had = malloc_usable_size(at);
	if (is_ours(at) && bytes <= had && bytes >= had / 4)
		return at;
	to = here.ready ? take(bytes, 0, false) : PRIVATE(bytes, 0);
	if (!to)
		return NULL;
	memcpy(to, at, had < bytes ? had : bytes);
	free(at);
	return to;
}

EXPORT void *reallocarray(void *at, size_t n, size_t each)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, each, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(at, bytes);
}

static void *take_aligned(size_t align, size_t bytes, const void *caller)
{
	if (align & (align - 1)) {
		errno = EINVAL;
		return NULL;
	}
	return is_for_program(caller) ? take(bytes, align, false) : take_private(bytes, align, caller);
}
#define ALIGNED(align, bytes) take_aligned(align, bytes, __builtin_return_address(0))

EXPORT void *memalign(size_t align, size_t bytes)
{
	return ALIGNED(align, bytes);
}

EXPORT void *aligned_alloc(size_t align, size_t bytes)
{
	return ALIGNED(align, bytes);
}

EXPORT int posix_memalign(void **out, size_t align, size_t bytes)
{
	const int saved = errno;
	void *at;

	if (align == 0 || align % sizeof(void *) || align & (align - 1))
		return EINVAL;
	at = ALIGNED(align, bytes);
	errno = saved;
	if (!at)
		return ENOMEM;
	*out = at;
	return 0;
}

EXPORT void *valloc(size_t bytes)
{
	return ALIGNED(PAGE, bytes);
}

EXPORT void *pvalloc(size_t bytes)
{
	return ALIGNED(PAGE, (bytes + PAGE - 1) & ~(size_t)(PAGE - 1));
}
