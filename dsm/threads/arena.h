/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where this node's blocks come from. What says so is private to the process: another node only ever
 * sees the first page of a chunk, where it reads how large a block is, and whose.
 *
 *	chunk   4 MiB from dsm_alloc, so aligned; its first page says whose, and what its spans hold
 *	span    64 KiB of blocks of one size, or a part of a larger block's
 *	large   more than 1 MiB: from dsm_alloc alone
 */
#ifndef THREADS_ARENA_H
#define THREADS_ARENA_H

#include "dsm/threads/threads.h"

#define CHUNK ((size_t)4 << 20)
#define SPAN ((size_t)64 << 10)
#define SPANS (CHUNK / SPAN)
#define FINE_MAX 1024
#define FINE 16
#define FINE_CLASSES (FINE_MAX / FINE)          /* 16, 32, ... 1024 */
#define COARSE_CLASSES 20                       /* four to each doubling: to 32 KiB */
#define WIDE_CLASSES 5                          /* 64 KiB, 128 KiB, ... 1 MiB */
#define CLASSES (FINE_CLASSES + COARSE_CLASSES + WIDE_CLASSES)

/* One that is free. */
struct block {
	struct block *next;
};

struct chunk {
	int node; /* whose; -1: one large block */
	uint64_t bytes; /* of a large block: usable from offset on */
	uint32_t offset;
	uint8_t class[SPANS]; /* of the blocks in a span; of a larger one's, in its first */
};

static inline struct chunk *chunk_of(const void *at)
{
	return (struct chunk *)((uintptr_t)at & ~(CHUNK - 1));
}

static inline unsigned class_at(const struct chunk *chunk, const void *at)
{
	return chunk->class[((uintptr_t)at - (uintptr_t)chunk) / SPAN];
}

static inline size_t size_of(unsigned class)
{
	if (class < FINE_CLASSES)
		return (class + 1) * FINE;
	class -= FINE_CLASSES;
	if (class < COARSE_CLASSES)
		return ((size_t)FINE_MAX << class / 4) / 4 * (class % 4 + 5);
	return SPAN << (class - COARSE_CLASSES);
}

/* The smallest class for so many bytes, at most size_of(CLASSES - 1). */
static inline unsigned class_of(size_t bytes)
{
	unsigned log, step;

	if (bytes <= FINE_MAX)
		return bytes ? (bytes - 1) / FINE : 0;
	log = 63 - __builtin_clzl(bytes - 1); /* 2^log < bytes <= 2^(log+1) */
	if (bytes > SPAN / 2)
		return FINE_CLASSES + COARSE_CLASSES + (log < 16 ? 0 : log - 15);
	step = (bytes - 1 - ((size_t)1 << log)) >> (log - 2);
	return FINE_CLASSES + (log - 10) * 4 + step;
}

/* Up to n blocks of a class, as a list: how many; 0: no memory. fresh: whether they have never been
 * used, or NULL. */
unsigned arena_take(unsigned class, unsigned n, struct block **list, bool *fresh);
/* A list of this node's blocks of a class. */
void arena_give(unsigned class, struct block *first, struct block *last);
/* Blocks of other nodes go home, when there is a handful of them. They are not touched. */
void arena_send(void *const *blocks, unsigned n);

#endif
