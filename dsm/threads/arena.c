/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * This node's arena: chunks, what is free of them, and how blocks that other nodes have freed come
 * home. A parcel lists such blocks, so that who frees them does not fetch the pages that they are on.
 * It is itself a block of the node that fills it; all its own until it hangs in the other node's inbox,
 * which is one atomic exchange; then that node's, which sends it back as it does other blocks.
 *
 * Threads of the node take turns by the arena's lock. It is no lock of libdsm's: who holds it may wait
 * for a page, or call dsm_alloc.
 */
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dsm/threads/arena.h"

#define HANDFUL_BYTES ((size_t)256 << 10)
#define HANDFUL ((PAGE - 2 * sizeof(uint64_t)) / sizeof(void *))

struct parcel {
	struct parcel *next; /* in an inbox */
	uint64_t n; /* 0: there was no memory for a parcel; this is the block that comes home */
	void *block[HANDFUL];
};

static struct arena {
	uint32_t lock; /* guards all of it */
	struct block *free[CLASSES];
	char *fresh[CLASSES], *fresh_end[CLASSES]; /* of the newest span, never used */
	char *span, *span_end;                     /* of the newest chunk, never used */
	struct parcel *out[NODES_MAX];             /* being filled, for that node */
	size_t out_bytes[NODES_MAX];
	struct parcel *in; /* taken from the inbox, not yet opened */
} arena;

static void lock(void)
{
	uint32_t was = 0;

	if (__atomic_compare_exchange_n(&arena.lock, &was, 1, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	while (__atomic_exchange_n(&arena.lock, 2, __ATOMIC_ACQUIRE))
		NEXT(syscall)(SYS_futex, &arena.lock, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
}

static void unlock(void)
{
	if (__atomic_exchange_n(&arena.lock, 0, __ATOMIC_RELEASE) == 2)
		NEXT(syscall)(SYS_futex, &arena.lock, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* --- chunks; the lock is held --- */

/* So many spans beside each other. NULL: no memory. */
static char *spans_take(size_t n)
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
	char *at = spans_take(n);

	if (!at)
		return DSM_ERR_NOMEM;
	chunk_of(at)->class[((uintptr_t)at % CHUNK) / SPAN] = class;
	arena.fresh[class] = at;
	arena.fresh_end[class] = at + n * SPAN / bytes * bytes;
	return 0;
}

static struct block *block_take(unsigned class, bool *fresh)
{
	struct block *b = arena.free[class];

	*fresh = !b;
	if (b) {
		arena.free[class] = b->next;
		return b;
	}
	if (arena.fresh[class] == arena.fresh_end[class] && span_open(class))
		return NULL;
	b = (struct block *)arena.fresh[class];
	arena.fresh[class] += size_of(class);
	return b;
}

/* --- blocks that come home --- */

static struct parcel *parcel_next(void)
{
	struct parcel **inbox = &here.world->inbox[here.rank].first, *p;

	lock();
	/* Acquire pairs with the release in hand_over(). */
	if (!arena.in && __atomic_load_n(inbox, __ATOMIC_RELAXED))
		arena.in = __atomic_exchange_n(inbox, NULL, __ATOMIC_ACQUIRE);
	p = arena.in;
	if (p)
		arena.in = p->next;
	unlock();
	return p;
}

static void back(void *at)
{
	struct block *b = at;

	if (chunk_of(b)->node == here.rank)
		arena_give(class_at(chunk_of(b), b), b, b);
	else
		arena_send(&at, 1);
}

/* Without the lock, as each block may be on a page that another node has. */
static void parcel_open(struct parcel *p)
{
	const uint64_t n = p->n;

	for (uint64_t i = 0; i < n; i++)
		back(p->block[i]);
	back(p);
}

unsigned arena_take(unsigned class, unsigned n, struct block **list, bool *fresh)
{
	struct parcel *p;
	unsigned got;
	bool never_used = false;

	/* A hint: who sees what another thread is about to take uses fresh memory, or the next
	 * parcel. */
	while (!__atomic_load_n(&arena.free[class], __ATOMIC_RELAXED) && (p = parcel_next()))
		parcel_open(p);
	*list = NULL;
	lock();
	for (got = 0; got < n; got++) {
		struct block *b = block_take(class, &never_used);

		if (!b)
			break;
		if (n > 1)
			b->next = *list;
		*list = b;
	}
	unlock();
	if (fresh)
		*fresh = never_used && n == 1;
	return got;
}

void arena_give(unsigned class, struct block *first, struct block *last)
{
	lock();
	last->next = arena.free[class];
	__atomic_store_n(&arena.free[class], first, __ATOMIC_RELAXED);
	unlock();
}

/* --- and those of others; the lock is held --- */

static void hand_over(int node, struct parcel *p)
{
	struct parcel **inbox = &here.world->inbox[node].first;
	struct parcel *first = __atomic_load_n(inbox, __ATOMIC_RELAXED);

	do
		p->next = first;
	while (!__atomic_compare_exchange_n(inbox, &first, p, 0, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
}

static void put_aside(void *block)
{
	const struct chunk *chunk = chunk_of(block);
	const int node = chunk->node;
	struct parcel *p = arena.out[node];
	bool fresh;

	if (!p) {
		p = (struct parcel *)block_take(class_of(PAGE), &fresh);
		if (!p) {
			p = block;
			p->n = 0;
			hand_over(node, p);
			return;
		}
		p->n = 0;
		arena.out[node] = p;
		arena.out_bytes[node] = 0;
	}
	p->block[p->n++] = block;
	arena.out_bytes[node] += size_of(class_at(chunk, block));
	if (p->n == HANDFUL || arena.out_bytes[node] >= HANDFUL_BYTES) {
		arena.out[node] = NULL;
		hand_over(node, p);
	}
}

void arena_send(void *const *blocks, unsigned n)
{
	lock();
	for (unsigned i = 0; i < n; i++)
		put_aside(blocks[i]);
	unlock();
}
