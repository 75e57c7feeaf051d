/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where this node's blocks come from. What says so is private to the process: another node only ever
 * sees the first page of a chunk, where it reads how large a block is, and whose, once for each span.
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

/* Arenas keep theirs for ever; only the owner writes. */
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

/* --- spans.c --- */

/*
 * What this process knows of a span: of its blocks those marked, which wait to be allocated again where
 * the span is this node's, and to go home where it is another's. They are not touched. All but kind is
 * guarded by the heap's lock.
 */
struct span {
	uint32_t next; /* in a list of those that have marks; 0: the last */
	uint16_t marks;
	uint64_t mark[SPAN / FINE / 64]; /* the nth bit is the nth block */
};

struct spans {
	uintptr_t start; /* the region's, or below: a chunk's */
	struct span *span;
	uint16_t *kind; /* atomic: class + 1, and 256 times the node; 0: not known, or of no arena */
};
extern struct spans spans;

void spans_open(void);
/* The heap's lock, by which this node's threads take turns. */
void spans_lock(void);
void spans_unlock(void);
/* Of a block's first span, by what its chunk says; 0: a large block. */
unsigned span_look(const void *at);

static inline uint32_t span_of(const void *at)
{
	return ((uintptr_t)at - spans.start) / SPAN;
}

static inline unsigned span_kind(const void *at)
{
	const unsigned kind = __atomic_load_n(&spans.kind[span_of(at)], __ATOMIC_RELAXED);

	return kind ? kind : span_look(at);
}

static inline unsigned kind_make(int node, unsigned class)
{
	return (unsigned)node << 8 | (class + 1);
}

static inline int kind_node(unsigned kind)
{
	return kind >> 8;
}

static inline unsigned kind_class(unsigned kind)
{
	return (kind & 255) - 1;
}

/* list is the first of a list of spans, here and below. */
void span_mark(void *at, unsigned kind, uint32_t *list);
/* Up to n marked blocks, as a list in ascending order: how many. tail: where it goes. */
unsigned spans_take(uint32_t *list, unsigned n, struct block ***tail);
/* Moves marks into words, as many as there is room for: words used; taken: bytes of the blocks. */
unsigned spans_pack(uint32_t *list, uint64_t *word, unsigned room, size_t *taken);
/* list: one for each class. */
void spans_unpack(uint32_t *list, const uint64_t *word, unsigned n);

/* --- arena.c --- */

/* Up to n blocks of a class, as a list: how many; 0: no memory. fresh: whether they have never been
 * used, or NULL. */
unsigned arena_take(unsigned class, unsigned n, struct block **list, bool *fresh);
/* A list of this node's blocks of a class. */
void arena_give(unsigned class, struct block *first, struct block *last);

/* --- parcels.c --- */

/* Blocks of other nodes go home, when there are enough of them. They are not touched. */
void parcels_put(void *const *blocks, unsigned n);
/* Sends what would be worth a page of them. */
void parcels_send(void);
/* Takes a parcel of each node's, if there is one; home: as spans_unpack(). False: there was none. */
bool parcels_open(uint32_t *home);

#endif
