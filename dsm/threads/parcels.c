/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How blocks that other nodes have freed come home. Who frees one marks it (spans.c) until there are
 * enough of them, and writes the marks into a parcel, which is a page: of small blocks as good as all
 * that the marks are of. A node's parcels for another one are a queue, each of which says where the
 * next one is going to be. So one is written at once and read at once, with an upgrade there and a miss
 * here; and looking for one that is not there yet costs nothing, for the page is there from last time.
 * Pages that have been read are written again.
 */
#include <string.h>

#include "dsm/threads/arena.h"

#define ENOUGH_BYTES ((size_t)256 << 10) /* of blocks, not at home */
#define BUNCH 8 /* pages for parcels that are allocated together */
#define WORDS (PAGE / sizeof(uint64_t) - 3)

struct parcel {
	_Alignas(PAGE) uint64_t number; /* atomic: 1 is a queue's first; releases the rest: */
	struct parcel *next;
	uint64_t words, word[WORDS];
};

struct queue {
	_Alignas(PAGE) uint64_t opened; /* atomic: so many, by who they are for; releases their pages */
	struct parcel first[BUNCH];
};

static struct out { /* by the heap's lock: */
	uint32_t list; /* of spans that have marks */
	size_t bytes;  /* of the blocks */
} out[NODES_MAX];

/* To a node; of the thread that has set busy. */
struct sender {
	struct queue *queue;   /* NULL: not yet */
	struct parcel *next;   /* to be written */
	struct parcel *oldest; /* that has been, and not again */
	struct parcel *fresh, *fresh_end; /* that never have been */
	uint64_t sent, opened, again; /* how many; opened: that we know of; written again */
};
static struct sender sender[NODES_MAX];
static bool busy; /* by the heap's lock */

static struct { /* from a node; by the heap's lock, but see next_from() */
	struct parcel *next;
	uint64_t opened;
} from[NODES_MAX];

/* --- there --- */

/* Where a parcel after the next one goes; NULL: no memory. */
static struct parcel *page_take(struct sender *s)
{
	struct parcel *p;
	void *got;

	if (s->again == s->opened && s->fresh == s->fresh_end) /* as far as we know */
		s->opened = __atomic_load_n(&s->queue->opened, __ATOMIC_ACQUIRE);
	if (s->again < s->opened) {
		p = s->oldest;
		s->oldest = p->next;
		s->again++;
		return p;
	}
	if (s->fresh == s->fresh_end) {
		if (dsm_alloc(here.dsm, BUNCH * sizeof *p, PAGE, 0, &got))
			return NULL;
		s->fresh = got;
		s->fresh_end = s->fresh + BUNCH;
	}
	return s->fresh++;
}

static bool queue_open(int node)
{
	struct sender *s = &sender[node];
	void *got;

	if (s->queue)
		return true;
	if (dsm_alloc(here.dsm, sizeof *s->queue, PAGE, 0, &got))
		return false;
	s->queue = got;
	s->next = s->oldest = s->queue->first;
	s->fresh = s->next + 1;
	s->fresh_end = s->next + BUNCH;
	/* Release: the reader finds what dsm_alloc() has left there. */
	__atomic_store_n(&here.world->inbox[node].from[here.rank], s->queue, __ATOMIC_RELEASE);
	return true;
}

/* What waits for that node, while it is so much. */
static void send_to(int node, size_t least)
{
	static uint64_t word[WORDS]; /* packed here with the lock, and copied without */
	struct sender *s = &sender[node];
	struct parcel *p, *after;
	unsigned words;
	size_t bytes;

	while (__atomic_load_n(&out[node].bytes, __ATOMIC_RELAXED) >= least && queue_open(node) &&
	       (after = page_take(s))) {
		spans_lock();
		words = spans_pack(&out[node].list, word, WORDS, &bytes);
		__atomic_store_n(&out[node].bytes, out[node].bytes - bytes, __ATOMIC_RELAXED);
		spans_unlock();
		p = s->next;
		memcpy(p->word, word, words * sizeof *word);
		p->words = words;
		p->next = after;
		__atomic_store_n(&p->number, ++s->sent, __ATOMIC_RELEASE);
		s->next = after;
	}
}

/* To those nodes, unless another thread sends: with the lock, which it lets go of meanwhile, as the
 * pages of parcels may be on the other node. */
static void send_all(uint64_t nodes, size_t least)
{
	if (!nodes || busy)
		return;
	busy = true;
	spans_unlock();
	for (; nodes; nodes &= nodes - 1)
		send_to(__builtin_ctzll(nodes), least);
	spans_lock();
	busy = false;
}

void parcels_put(void *const *blocks, unsigned n)
{
	uint64_t full = 0;

	spans_lock();
	for (unsigned i = 0; i < n; i++) {
		const unsigned kind = span_kind(blocks[i]);
		struct out *o = &out[kind_node(kind)];

		span_mark(blocks[i], kind, &o->list);
		__atomic_store_n(&o->bytes, o->bytes + size_of(kind_class(kind)), __ATOMIC_RELAXED);
		if (o->bytes >= ENOUGH_BYTES)
			full |= (uint64_t)1 << kind_node(kind);
	}
	send_all(full, ENOUGH_BYTES);
	spans_unlock();
}

void parcels_send(void)
{
	uint64_t some = 0;

	spans_lock();
	for (int node = 0; node < here.size; node++)
		if (out[node].bytes >= PAGE)
			some |= (uint64_t)1 << node;
	send_all(some, PAGE);
	spans_unlock();
}

/* --- and here --- */

/* Without the lock it is a hint, and has the page come. */
static struct parcel *next_from(int node)
{
	struct parcel *p = __atomic_load_n(&from[node].next, __ATOMIC_RELAXED);
	const uint64_t opened = __atomic_load_n(&from[node].opened, __ATOMIC_RELAXED);

	/* Acquire pairs with the release in send_to(). */
	return __atomic_load_n(&p->number, __ATOMIC_ACQUIRE) == opened + 1 ? p : NULL;
}

/* What comes first is the first. */
static void begin_from(int node, struct queue *queue)
{
	if (__atomic_load_n(&from[node].next, __ATOMIC_RELAXED))
		return;
	spans_lock();
	if (!from[node].next)
		__atomic_store_n(&from[node].next, queue->first, __ATOMIC_RELAXED);
	spans_unlock();
}

static bool open_from(int node, struct queue *queue, uint32_t *home)
{
	struct parcel *p;

	if (!next_from(node))
		return false;
	spans_lock();
	p = next_from(node); /* another thread may have opened it */
	if (p) {
		spans_unpack(home, p->word, p->words);
		__atomic_store_n(&from[node].next, p->next, __ATOMIC_RELAXED);
		__atomic_store_n(&from[node].opened, from[node].opened + 1, __ATOMIC_RELAXED);
		/* Release: it has been read. Pairs with the acquire in page_take(). */
		__atomic_store_n(&queue->opened, from[node].opened, __ATOMIC_RELEASE);
	}
	spans_unlock();
	return true;
}

bool parcels_open(uint32_t *home)
{
	struct inbox *inbox = &here.world->inbox[here.rank];
	bool any = false;

	for (int node = 0; node < here.size; node++) {
		struct queue *queue = __atomic_load_n(&inbox->from[node], __ATOMIC_ACQUIRE);

		if (!queue)
			continue;
		begin_from(node, queue);
		any |= open_from(node, queue, home);
	}
	return any;
}
