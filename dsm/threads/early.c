/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What constructors of the program's libraries allocate, before there is a job: their variables have
 * pointers to it, and are shared later, so this is, too. Each node has run the same constructors; all
 * go on with what node 0 has. It is a run of bytes that is not used again.
 */
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "dsm/threads/threads.h"

#define FIRST ((uintptr_t)0x1c0000000000) /* above what load.c has */
#define BYTES ((size_t)256 << 20)

struct early {
	size_t bytes;
	_Alignas(16) char at[];
};

static bool over;      /* the program begins */
static uintptr_t used; /* atomic: from FIRST */

static bool open_it(void)
{
	return NEXT(mmap)((void *)FIRST, BYTES, PROT_READ | PROT_WRITE,
	                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1,
	                  0) == (void *)FIRST;
}

void *early_take(size_t bytes, size_t align, const void *caller)
{
	static int opened; /* 1: it is; -1: it cannot be. By the one thread that there is, mostly */
	uintptr_t from;

	if (over || opened < 0 || own_has(caller))
		return NULL;
	if (!opened)
		opened = open_it() ? 1 : -1;
	if (opened < 0 || bytes > BYTES / 2)
		return NULL;
	if (align < 16)
		align = 16;
	from = __atomic_fetch_add(&used, (sizeof(struct early) + align + bytes + 15) & ~(size_t)15,
	                          __ATOMIC_RELAXED);
	if (from + sizeof(struct early) + align + bytes > BYTES)
		return NULL;
	from = (FIRST + from + sizeof(struct early) + align - 1) & ~(uintptr_t)(align - 1);
	((struct early *)from - 1)->bytes = bytes;
	return (void *)from;
}

bool early_is(const void *at)
{
	return (uintptr_t)at - FIRST < BYTES;
}

size_t early_size_of(const void *at)
{
	return ((const struct early *)at - 1)->bytes;
}

void early_end(void)
{
	over = true;
	if (used)
		here.range[here.ranges++] =
			(struct range){ FIRST, ((used < BYTES ? used : BYTES) + PAGE - 1) & ~(uintptr_t)(PAGE - 1) };
}
