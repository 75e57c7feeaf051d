/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program's heap. What a node allocates comes from its own arena (arena.c), whose pages no other
 * node's blocks are on. A thread keeps some small blocks of its node's for itself, so that most calls
 * take no lock; and what it frees of other nodes' until that is worth taking one. Both are in the
 * thread's private memory, and go back when it ends.
 *
 * From 4096 bytes on blocks are of whole pages.
 */
#include <errno.h>
#include <string.h>

#include "dsm/threads/arena.h"

#define ROOM_MAX 64 /* blocks of a class that a thread keeps, */
#define ROOM_BYTES ((size_t)16 << 10) /* and of so many bytes at most */
#define STRANGERS 32

struct cache {
	struct block *free[CLASSES];
	uint8_t n[CLASSES];
	unsigned strangers;
	void *stranger[STRANGERS]; /* blocks of other nodes */
};

static TLS struct cache cache; /* of the program's threads: those that have mine */
static uint8_t room[CLASSES];  /* 0: none are kept */

/* --- a thread's own --- */

static struct block *cache_refill(unsigned class)
{
	struct block *list;
	const unsigned n = arena_take(class, (room[class] + 1) / 2, &list, NULL);

	if (!n)
		return NULL;
	cache.free[class] = list->next;
	cache.n[class] = n - 1;
	return list;
}

/* All but so many. */
static void cache_flush(unsigned class, unsigned keep)
{
	struct block *first = cache.free[class], *last = first;

	for (unsigned i = cache.n[class]; i > keep + 1; i--)
		last = last->next;
	cache.free[class] = last->next;
	cache.n[class] = keep;
	arena_give(class, first, last);
}

static bool cache_has(unsigned class)
{
	return cache.n[class];
}

static struct block *cache_pop(unsigned class)
{
	struct block *b = cache.free[class];

	cache.free[class] = b->next;
	cache.n[class]--;
	return b;
}

static bool cache_has_room(unsigned class)
{
	return mine && cache.n[class] < room[class];
}

static void cache_push(unsigned class, struct block *b)
{
	b->next = cache.free[class];
	cache.free[class] = b;
	cache.n[class]++;
}

static void cache_put_stranger(void *at)
{
	cache.stranger[cache.strangers++] = at;
	if (cache.strangers == STRANGERS) {
		cache.strangers = 0;
		parcels_put(cache.stranger, STRANGERS);
	}
}

void heap_leave(void)
{
	for (unsigned class = 0; class < CLASSES; class++)
		if (cache.n[class])
			cache_flush(class, 0);
	parcels_put(cache.stranger, cache.strangers);
	cache.strangers = 0;
	parcels_send();
}

void heap_open(void)
{
	spans_open();
	for (unsigned class = 0; class < CLASSES; class++) {
		const size_t fit = ROOM_BYTES / size_of(class);

		room[class] = fit < ROOM_MAX ? fit : ROOM_MAX;
	}
}

/* --- blocks --- */

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

static unsigned class_for(size_t bytes, size_t align)
{
	unsigned class;

	if (bytes >= PAGE)
		align = PAGE;
	class = class_of(bytes > align || align <= FINE ? bytes : align);
	while (align > FINE && size_of(class) % align)
		class++; /* a span's blocks begin at multiples of their size */
	return class;
}

static __attribute__((noinline)) void *take(size_t bytes, size_t align, bool zeroed)
{
	struct block *b;
	bool fresh = false;
	unsigned class;

	if (bytes > size_of(CLASSES - 1) || align > PAGE)
		return large_take(bytes, align);
	class = class_for(bytes, align);
	if (!mine || !room[class])
		arena_take(class, 1, &b, &fresh);
	else
		b = cache_has(class) ? cache_pop(class) : cache_refill(class);
	if (b && zeroed && !fresh)
		memset(b, 0, bytes);
	return b;
}

void *heap_take(size_t bytes, size_t align, bool zeroed)
{
	if (bytes <= FINE_MAX && !align && !zeroed && cache_has(class_of(bytes)))
		return cache_pop(class_of(bytes));
	return take(bytes, align, zeroed);
}

size_t heap_size_of(const void *at)
{
	const unsigned kind = span_kind(at);

	return kind ? size_of(kind_class(kind)) : chunk_of(at)->bytes;
}

static __attribute__((noinline)) void give(void *at, unsigned kind)
{
	const int saved = errno;
	const unsigned class = kind_class(kind);

	if (!kind) {
		threads_check(dsm_free(here.dsm, chunk_of(at)), "free");
	} else if (kind_node(kind) != here.rank) {
		if (mine && room[class])
			cache_put_stranger(at);
		else
			parcels_put(&at, 1);
	} else if (mine && room[class]) {
		cache_flush(class, room[class] / 2);
		cache_push(class, at);
	} else {
		arena_give(class, at, at);
	}
	errno = saved;
}

void heap_give(void *at)
{
	const unsigned kind = span_kind(at), class = kind_class(kind);

	if (kind && kind_node(kind) == here.rank && cache_has_room(class))
		cache_push(class, at);
	else
		give(at, kind);
}
