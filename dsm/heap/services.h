/* SPDX-License-Identifier: BSD-2-Clause */
/* The services from the inside. Under the node's lock. */
#ifndef SERVICES_H
#define SERVICES_H

#include "dsm/dsm_coll.h"
#include "dsm/heap/heap.h"
#include "dsm/heap/mirror.h"
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
	/* Where nodes may die, of who serves: the request, which is asked again of the next one. */
	struct coh_msg *asked[HEAP_SLOTS];
	uint32_t serial; /* of the last of these */
	/* who serves, or follows: */
	struct mirror mirror;
	struct bound { struct dsm *d; unsigned kind; } bound[SERVED_ZONES]; /* for alloc_bound() */
	struct heap_rounds *rounds;
	struct heap_living *living; /* where nodes may die, at all of them */
	struct heap_inbox inbox, changes; /* requests; and what a deputy is told */
	/* A view has begun since the service thread was last here; there is more to copy, which counts
	 * as kept for it (progress.h). */
	int has_view, has_copy;
	uint32_t *taken[REGION_ZONES]; /* check_serve.c's: with DSM_CHECK */

	struct heap_checks *checks; /* check.c's, likewise */
};

/* --- answer.c: at who serves --- */
void heap_answer(struct dsm *d, coh_node to, uint16_t slot, int status, uint64_t a, uint64_t b,
                 uint64_t c);
void heap_answer_to(struct dsm *d, const struct names_waiter *to, int status, const uint64_t arg[3]);

/* --- ask.c --- */
/* Sends it to who serves, or serves it here. */
void heap_request(struct dsm *d, const struct coh_msg *m);

/* --- rounds.c: at rank 0 --- */
int heap_rounds_open(struct dsm *d); /* sets d->heap->rounds, for free(); -ENOMEM */
/* What a node gives to a round. Whoever polls the transport calls it. */
void heap_round_arrive(struct dsm *d, coh_node from, const struct coh_msg *msg);

/* --- living.c: rounds where nodes may die --- */
int heap_living_open(struct dsm *d); /* sets d->heap->living, for free(); -ENOMEM */
/* A message of another node. Whoever polls the transport calls it. */
void heap_accord_take(struct dsm *d, coh_node from, const struct coh_msg *msg);
void heap_living_view(struct dsm *d); /* a view has begun */
void heap_usable(struct dsm *d);

/* --- office.c: at who serves, and his deputy --- */
int heap_office_open(struct dsm *d); /* -ENOMEM */
void heap_office_close(struct heap *h);
/* A request from a node, this one included. -EAGAIN: not now, but the service thread will know when. */
int heap_serve(struct dsm *d, coh_node from, const struct coh_msg *msg);
/* What the deputy is told: by the service thread. And what it says: by whoever polls. */
void heap_follow_kept(struct dsm *d);
void heap_followed(struct dsm *d, coh_node from, const struct coh_msg *msg);
/* Serves a view that has begun, and goes on with a copy. Service thread only. */
void heap_take_office(struct dsm *d);

/* --- zones.c: at who serves, and his deputy --- */
int heap_zones_open(struct dsm *d); /* -ENOMEM */
/* Bytes that all budgets together have room for, each for its own homes, beside what there is of
 * the other kind; 0: all that there is. */
uint64_t heap_zone_enough(struct dsm *d, unsigned kind);

/* --- inbox.c: at who serves, and his deputy --- */
void heap_inbox_close(struct heap_inbox *in);
/* Keeps a request of this node, or another, behind those that are kept. By whoever polls. */
void heap_inbox_add(struct dsm *d, struct heap_inbox *in, coh_node from, const struct coh_msg *msg);
/* The oldest, or NULL; and takes it away. */
const struct heap_kept *heap_inbox_first(const struct heap_inbox *in);
void heap_inbox_drop(struct dsm *d, struct heap_inbox *in);

/* --- kept.c --- */
/* Keeps a request of another node for the service thread: whoever polls the transport may
 * do so in a signal handler, where the allocator's malloc has no place. */
void heap_keep(struct dsm *d, coh_node from, const struct coh_msg *msg);
/* Serves what was kept. Service thread only. */
void heap_serve_kept(struct dsm *d);

/* --- views.c: where nodes may die --- */
/* Who serves; whether that is this node. */
coh_node heap_server(const struct dsm *d);
static inline int heap_serves(const struct dsm *d)
{
	return heap_server(d) == d->engine.cfg.self;
}
/* Whether every node answers it, not who serves alone; whether it may be asked for in this job. */
int heap_is_for_all(unsigned op);
int heap_permits(const struct dsm *d, unsigned op);
/* Such a request, at once. */
void heap_serve_all(struct dsm *d, coh_node from, const struct coh_msg *msg);

/* --- again.c --- */
/* A view has begun. */
void heap_view(struct dsm *d);

/* --- slots.c: of those who have asked --- */
/* A free slot, for a request of that node; or DSM_ERR_NOMEM. */
int heap_slot_take(struct dsm *d, coh_node to, struct waiter *w);
/* An answer: the wait for it ends. */
void heap_response(struct dsm *d, const struct coh_msg *msg);

#endif
