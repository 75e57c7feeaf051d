/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program's heap. All of its state is in the region, and belongs to a node: an arena. What a node
 * allocates comes from its own arena, whose memory no other node's blocks are in; what another node
 * frees it keeps until it has a handful, and puts them on a list of the arena's by one atomic
 * exchange. From 4096 bytes on blocks are of whole pages.
 *
 *	chunk   4 MiB from dsm_alloc, so aligned; its first page says whose, and what its spans hold
 *	span    64 KiB of blocks of one size, or a part of a larger block's
 *	large   more than 1 MiB: from dsm_alloc alone
 *
 * Threads of a node take turns by the arena's lock, which is no thread's of another node.
 */
#include "dsm/threads/threads.h"

#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHUNK ((size_t)4 << 20)
#define SPAN ((size_t)64 << 10)
#define SPANS (CHUNK / SPAN)
#define FINE_MAX 1024
#define FINE 16
#define FINE_CLASSES (FINE_MAX / FINE)          /* 16, 32, ... 1024 */
#define COARSE_CLASSES 20                       /* four to each doubling: to 32 KiB */
#define WIDE_CLASSES 5                          /* 64 KiB, 128 KiB, ... 1 MiB */
#define CLASSES (FINE_CLASSES + COARSE_CLASSES + WIDE_CLASSES)
#define HANDFUL 64
#define HANDFUL_BYTES ((size_t)256 << 10)

struct block {
	struct block *next;
};

struct chunk {
	int node; /* whose arena; -1: one large block */
	uint64_t bytes; /* of a large block: usable from offset on */
	uint32_t offset;
	uint8_t class[SPANS]; /* of the blocks in a span; of a larger one's, in its first */
};

/* Blocks of another node that were freed here. */
struct parcel {
	struct block *first, *last;
	size_t blocks, bytes;
};

struct arena {
	_Alignas(PAGE) uint32_t lock; /* by futex(2): threads of one process */
	struct block *free[CLASSES];
	char *fresh[CLASSES], *fresh_end[CLASSES]; /* of the newest span, never used */
	char *span, *span_end;                     /* of the newest chunk, never used */
	struct parcel parcel[NODES_MAX];
	_Alignas(PAGE) struct block *returned; /* atomic: pushed by other nodes, all taken by this */
};

/* --- sizes --- */

static size_t size_of(unsigned class)
{
	if (class < FINE_CLASSES)
		return (class + 1) * FINE;
	class -= FINE_CLASSES;
	if (class < COARSE_CLASSES)
		return ((size_t)FINE_MAX << class / 4) / 4 * (class % 4 + 5);
	return SPAN << (class - COARSE_CLASSES);
}

/* The smallest class for so many bytes, at most size_of(CLASSES - 1). */
static unsigned class_of(size_t bytes)
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

/* --- the lock --- */

static void lock(uint32_t *word)
{
	uint32_t was = 0;

	if (__atomic_compare_exchange_n(word, &was, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	while (__atomic_exchange_n(word, 2, __ATOMIC_ACQUIRE))
		NEXT(syscall)(SYS_futex, word, FUTEX_WAIT, 2, NULL, NULL, 0);
}

static void unlock(uint32_t *word)
{
	if (__atomic_exchange_n(word, 0, __ATOMIC_RELEASE) == 2)
		NEXT(syscall)(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* --- chunks --- */

static struct chunk *chunk_of(const void *at)
{
	return (struct chunk *)((uintptr_t)at & ~(CHUNK - 1));
}

static unsigned class_at(const struct chunk *chunk, const void *at)
{
	return chunk->class[((uintptr_t)at - (uintptr_t)chunk) / SPAN];
}

/* So many spans beside each other; the lock is held. NULL: no memory. */
static char *spans_take(struct arena *a, size_t n)
{
	char *at;

	if ((size_t)(a->span_end - a->span) < n * SPAN) {
		void *got;
		struct chunk *chunk;

		if (dsm_alloc(here.dsm, CHUNK, CHUNK, 0, &got))
			return NULL;
		chunk = got;
		chunk->node = here.rank;
		a->span = (char *)got + SPAN;
		a->span_end = (char *)got + CHUNK;
	}
	at = a->span;
	a->span += n * SPAN;
	return at;
}

static int span_open(struct arena *a, unsigned class)
{
	const size_t bytes = size_of(class), n = bytes <= SPAN ? 1 : bytes / SPAN;
	char *at = spans_take(a, n);

	if (!at)
		return DSM_ERR_NOMEM;
	chunk_of(at)->class[((uintptr_t)at % CHUNK) / SPAN] = class;
	a->fresh[class] = at;
	a->fresh_end[class] = at + n * SPAN / bytes * bytes;
	return 0;
}

/* --- blocks --- */

static void take_returned(struct arena *a)
{
	struct block *b, *next;

	if (!__atomic_load_n(&a->returned, __ATOMIC_RELAXED))
		return;
	/* Acquire pairs with the release in hand_over(). */
	for (b = __atomic_exchange_n(&a->returned, NULL, __ATOMIC_ACQUIRE); b; b = next) {
		const unsigned class = class_at(chunk_of(b), b);

		next = b->next;
		b->next = a->free[class];
		a->free[class] = b;
	}
}

static void *block_take(struct arena *a, unsigned class, bool *fresh)
{
	struct block *b = a->free[class];
	char *at;

	if (!b) {
		take_returned(a);
		b = a->free[class];
	}
	*fresh = !b;
	if (b) {
		a->free[class] = b->next;
		return b;
	}
	if (a->fresh[class] == a->fresh_end[class] && span_open(a, class))
		return NULL;
	at = a->fresh[class];
	a->fresh[class] += size_of(class);
	return at;
}

static void *large_take(size_t bytes, size_t align)
{
	const size_t offset = align > PAGE ? align : PAGE;
	struct chunk *chunk;
	void *got;

	if (bytes > here.region_bytes || offset >= CHUNK)
		return NULL;
	if (dsm_alloc(here.dsm, offset + bytes, CHUNK, 0, &got))
		return NULL;
	chunk = got;
	chunk->node = -1;
	chunk->bytes = bytes;
	chunk->offset = (uint32_t)offset;
	return (char *)got + offset;
}

void *heap_take(size_t bytes, size_t align, bool zeroed)
{
	struct arena *a = &here.world->arenas[here.rank];
	unsigned class;
	bool fresh;
	void *at;

	if (bytes > size_of(CLASSES - 1) || align > PAGE)
		return large_take(bytes, align);
	if (bytes >= PAGE)
		align = PAGE;
	class = class_of(bytes > align || align <= FINE ? bytes : align);
	while (align > FINE && size_of(class) % align)
		class++; /* a span's blocks begin at multiples of their size */
	lock(&a->lock);
	at = block_take(a, class, &fresh);
	unlock(&a->lock);
	if (at && zeroed && !fresh)
		memset(at, 0, bytes);
	return at;
}

size_t heap_size_of(const void *at)
{
	const struct chunk *chunk = chunk_of(at);

	return chunk->node < 0 ? chunk->bytes : size_of(class_at(chunk, at));
}

/* --- giving back --- */

static void hand_over(struct arena *to, struct parcel *p)
{
	struct block *first = __atomic_load_n(&to->returned, __ATOMIC_RELAXED);

	do
		p->last->next = first;
	while (!__atomic_compare_exchange_n(&to->returned, &first, p->first, 0, __ATOMIC_RELEASE,
	                                    __ATOMIC_RELAXED));
	*p = (struct parcel){ 0 };
}

static void put_aside(struct arena *a, int node, struct block *b, size_t bytes)
{
	struct parcel *p = &a->parcel[node];

	b->next = p->first;
	if (!p->first)
		p->last = b;
	p->first = b;
	p->bytes += bytes;
	if (++p->blocks >= HANDFUL || p->bytes >= HANDFUL_BYTES)
		hand_over(&here.world->arenas[node], p);
}

void heap_give(void *at)
{
	struct arena *a = &here.world->arenas[here.rank];
	struct chunk *chunk = chunk_of(at);
	struct block *b = at;

	if (chunk->node < 0) {
		threads_check(dsm_free(here.dsm, chunk), "free");
		return;
	}
	const unsigned class = class_at(chunk, at);

	lock(&a->lock);
	if (chunk->node == here.rank) {
		b->next = a->free[class];
		a->free[class] = b;
	} else {
		put_aside(a, chunk->node, b, size_of(class));
	}
	unlock(&a->lock);
}

int heap_open(void)
{
	void *at;

	if (here.rank)
		return 0;
	if (dsm_alloc(here.dsm, sizeof(struct arena) * here.size, PAGE, 0, &at))
		return DSM_ERR_NOMEM;
	here.world->arenas = at;
	return 0;
}
