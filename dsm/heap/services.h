/* SPDX-License-Identifier: BSD-2-Clause */
/* The services from the inside. Under the node's lock. */
#ifndef SERVICES_H
#define SERVICES_H

#include "dsm/dsm_coll.h"
#include "dsm/heap/alloc.h"
#include "dsm/heap/heap.h"
#include "dsm/heap/names.h"
#include "dsm/heap/room.h"
#include "dsm/node/node.h"

/* Requests of a node under way. A lookup is, for as long as it waits, and what it waits for may
 * be the next request: so there are more of them than threads, mostly. */
#define HEAP_SLOTS 0x7fff

/* Requests of other nodes, oldest first. Each node has at most HEAP_SLOTS under way, and one
 * more for each that it takes back; mostly it is few, so the ring grows. */
struct heap_inbox {
	struct heap_kept { coh_node from; struct coh_msg msg; } *ring;
	size_t cap, most, head, len;
};

struct heap {
	struct waiter *slot[HEAP_SLOTS]; /* who waits for an answer */
	coh_node to[HEAP_SLOTS];         /* and of whom */
	/* rank 0: */
	struct alloc *alloc[REGION_ZONES];
	struct room room[REGION_ZONES];
	struct bound { struct dsm *d; unsigned kind; } bound[REGION_ZONES]; /* for alloc_bound() */
	struct names *names;
	struct heap_rounds *rounds;
	struct heap_inbox inbox;
	uint32_t *taken[REGION_ZONES]; /* check_serve.c's: with DSM_CHECK */

	struct heap_checks *checks; /* check.c's, likewise */
};

/* --- blocks.c: at rank 0 --- */
/* The bytes of the block that begins at this offset in the region; 0: there is none. */
uint64_t heap_bytes_at(const struct dsm *d, uint64_t offset);

/* --- answer.c: at rank 0 --- */
void heap_answer(struct dsm *d, coh_node to, uint16_t slot, int status, uint64_t a, uint64_t b,
                 uint64_t c);

/* What a request for a round has in status. */
static inline int32_t round_pack(struct heap_round what)
{
	return what.count << 21 | what.root << 5 | what.type << 2 | what.op;
}

static inline struct heap_round round_unpack(int32_t bits)
{
	return (struct heap_round){bits & 3, bits >> 2 & 7, bits >> 5 & 0xffff, bits >> 21 & 1023};
}

/* --- ask.c --- */
/* Sends it to rank 0, or serves it here. */
void heap_request(struct dsm *d, const struct coh_msg *m);

/* --- rounds.c: at rank 0 --- */
int heap_rounds_open(struct dsm *d); /* sets d->heap->rounds, for free(); -ENOMEM */
/* What a node gives to a round. Whoever polls the transport calls it. */
void heap_round_arrive(struct dsm *d, coh_node from, const struct coh_msg *msg);

/* --- serve.c: at rank 0 --- */
int heap_serve_open(struct dsm *d); /* -ENOMEM */
void heap_serve_close(struct heap *h);
/* A request from a node, this one included. */
void heap_serve(struct dsm *d, coh_node from, const struct coh_msg *msg);

/* --- zones.c: at rank 0 --- */
int heap_zone_open(struct dsm *d, int kind); /* -ENOMEM */
/* Bytes that all budgets together have room for, each for its own homes, beside what there is of
 * the other kind; 0: all that there is. */
uint64_t heap_zone_enough(struct dsm *d, unsigned kind);

/* --- inbox.c: at rank 0 --- */
void heap_inbox_open(struct heap_inbox *in, unsigned nodes);
void heap_inbox_close(struct heap_inbox *in);
/* Keeps a request of another node for the service thread: whoever polls the transport may
 * do so in a signal handler, where the allocator's malloc has no place. */
void heap_keep(struct dsm *d, coh_node from, const struct coh_msg *msg);
/* Serves what was kept. Service thread only. */
void heap_serve_kept(struct dsm *d);

/* --- views.c: where nodes may die --- */
/* Whether every node answers it, not rank 0 alone; whether it may be asked for in this job. */
int heap_is_for_all(unsigned op);
int heap_permits(const struct dsm *d, unsigned op);
/* Such a request, at once. */
void heap_serve_all(struct dsm *d, coh_node from, const struct coh_msg *msg);
/* A view has begun. */
void heap_view(struct dsm *d);

/* --- slots.c: of those who have asked --- */
/* A free slot, for a request of that node; or DSM_ERR_NOMEM. */
int heap_slot_take(struct dsm *d, coh_node to, struct waiter *w);
/* An answer: the wait for it ends. */
void heap_response(struct dsm *d, const struct coh_msg *msg);

#endif
