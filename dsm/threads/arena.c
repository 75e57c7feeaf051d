/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * This node's arena: chunks, and what is free of them. What this node's threads have freed is a list of
 * blocks; what has come home from others (parcels.c) is marks of spans.
 */
#include "dsm/threads/arena.h"

static struct arena { /* by the heap's lock */
	struct block *free[CLASSES];
	char *fresh[CLASSES], *fresh_end[CLASSES]; /* of the newest span, never used */
	char *span, *span_end;                     /* of the newest chunk, never used */
	uint32_t home[CLASSES]; /* lists of spans whose blocks have come home */
} arena;

/* --- chunks; the lock is held --- */

/* So many spans beside each other. NULL: no memory. */
static char *memory_take(size_t n)
{
	char *at;

	if ((size_t)(arena.span_end - arena.span) < n * SPAN) {
		void *got;
		struct chunk *chunk;

		if (dsm_alloc(here.dsm, CHUNK, CHUNK, 0, &got))
			return NULL;
		chunk = got;
		chunk->node = here.rank;
		arena.span = (char *)got + SPAN;
		arena.span_end = (char *)got + CHUNK;
	}
	at = arena.span;
	arena.span += n * SPAN;
	return at;
}

static int span_open(unsigned class)
{
	const size_t bytes = size_of(class), n = bytes <= SPAN ? 1 : bytes / SPAN;
	char *at = memory_take(n);

	if (!at)
		return DSM_ERR_NOMEM;
	chunk_of(at)->class[((uintptr_t)at % CHUNK) / SPAN] = class;
	span_look(at);
	arena.fresh[class] = at;
	arena.fresh_end[class] = at + n * SPAN / bytes * bytes;
	return 0;
}

/* Never used; NULL: no memory. */
static struct block *fresh_take(unsigned class)
{
	struct block *b;

	if (arena.fresh[class] == arena.fresh_end[class] && span_open(class))
		return NULL;
	b = (struct block *)arena.fresh[class];
	arena.fresh[class] += size_of(class);
	return b;
}

static unsigned list_take(struct block **list, unsigned n, struct block ***tail)
{
	unsigned got = 0;

	for (; got < n && *list; got++) {
		struct block *b = *list;

		__atomic_store_n(list, b->next, __ATOMIC_RELAXED);
		**tail = b;
		*tail = &b->next;
	}
	return got;
}

/* --- for all --- */

/* A hint: who sees what another thread is about to take uses fresh memory, or the next parcel. */
static bool has_free(unsigned class)
{
	return __atomic_load_n(&arena.free[class], __ATOMIC_RELAXED) ||
	       __atomic_load_n(&arena.home[class], __ATOMIC_RELAXED);
}

unsigned arena_take(unsigned class, unsigned n, struct block **list, bool *fresh)
{
	struct block **tail = list, *b;
	unsigned got, used;

	while (!has_free(class) && parcels_open(arena.home))
		;
	spans_lock();
	used = list_take(&arena.free[class], n, &tail);
	used += spans_take(&arena.home[class], n - used, &tail);
	/* Not to fill up: there may be another parcel. */
	for (got = used; !used && got < n && (b = fresh_take(class)); got++) {
		*tail = b;
		tail = &b->next;
	}
	spans_unlock();
	if (!got || n > 1)
		*tail = NULL;
	if (fresh)
		*fresh = !used;
	return got;
}

void arena_give(unsigned class, struct block *first, struct block *last)
{
	spans_lock();
	last->next = arena.free[class];
	__atomic_store_n(&arena.free[class], first, __ATOMIC_RELAXED);
	spans_unlock();
}
