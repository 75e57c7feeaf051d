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

EXPORT void *malloc(size_t bytes)
{
	return is_program() ? take(bytes, 0, false) : __libc_malloc(bytes);
}

EXPORT void *calloc(size_t n, size_t each)
{
	size_t bytes;

	if (!is_program())
		return __libc_calloc(n, each);
	if (__builtin_mul_overflow(n, each, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return take(bytes, 0, true);
}

EXPORT void free(void *at)
{
	const int saved = errno;

	if (!at)
		return;
	if (is_ours(at))
		heap_give(at);
	else
		__libc_free(at);
	errno = saved;
}

EXPORT size_t malloc_usable_size(void *at)
{
	return is_ours(at) ? heap_size_of(at) : NEXT(malloc_usable_size)(at);
}

/* A block of libc's, from before the program began, moves into the region here. */
EXPORT void *realloc(void *at, size_t bytes)
{
	size_t had;
	void *to;

	if (!at)
		return malloc(bytes);
	if (!is_ours(at) && !is_program())
		return __libc_realloc(at, bytes);
	if (bytes == 0) {
		free(at);
		return NULL;
	}
	had = malloc_usable_size(at);
	if (is_ours(at) && bytes <= had && bytes >= had / 4)
		return at;
	to = is_ours(at) ? take(bytes, 0, false) : malloc(bytes);
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

EXPORT void *memalign(size_t align, size_t bytes)
{
	if (align & (align - 1)) {
		errno = EINVAL;
		return NULL;
	}
	return is_program() ? take(bytes, align, false) : __libc_memalign(align, bytes);
}

EXPORT void *aligned_alloc(size_t align, size_t bytes)
{
	return memalign(align, bytes);
}

EXPORT int posix_memalign(void **out, size_t align, size_t bytes)
{
	const int saved = errno;
	void *at;

	if (align == 0 || align % sizeof(void *) || align & (align - 1))
		return EINVAL;
	at = memalign(align, bytes);
	errno = saved;
	if (!at)
		return ENOMEM;
	*out = at;
	return 0;
}

EXPORT void *valloc(size_t bytes)
{
	return memalign(PAGE, bytes);
}

EXPORT void *pvalloc(size_t bytes)
{
	return memalign(PAGE, (bytes + PAGE - 1) & ~(size_t)(PAGE - 1));
}
