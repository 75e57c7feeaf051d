/* SPDX-License-Identifier: BSD-2-Clause */
/* The services from the inside. Under the node's lock. */
#ifndef SERVICES_H
#define SERVICES_H

#include "dsm/heap/alloc.h"
#include "dsm/heap/heap.h"
#include "dsm/heap/names.h"
#include "dsm/node/node.h"

#define HEAP_SLOTS 256 /* requests of a node under way */

/* Requests of other nodes, oldest first. Each node has at most HEAP_SLOTS under way, and one
 * more for each that it takes back. */
struct heap_inbox {
	struct { coh_node from; struct coh_msg msg; } *ring;
	unsigned cap, head, len;
};

struct heap {
	struct waiter *slot[HEAP_SLOTS]; /* who waits for an answer */
	/* rank 0: */
	struct alloc *alloc[REGION_ZONES];
	struct { uint64_t other, pages; } limit[REGION_ZONES]; /* see set_limit() */
	struct names *names;
	struct heap_inbox inbox;
};

/* --- serve.c: at rank 0 --- */
int heap_serve_open(struct dsm *d); /* -ENOMEM */
void heap_serve_close(struct heap *h);
/* A request from a node, this one included. */
void heap_serve(struct dsm *d, coh_node from, const struct coh_msg *msg);
/* Keeps a request of another node for the service thread: whoever polls the transport may
 * do so in a signal handler, where the allocator's malloc has no place. */
void heap_keep(struct dsm *d, coh_node from, const struct coh_msg *msg);
/* Serves what was kept. Service thread only. */
void heap_serve_kept(struct dsm *d);

/* --- slots.c: of those who have asked --- */
/* Waits for a free slot; -1 when the job is lost meanwhile. */
int heap_slot_take(struct dsm *d, struct waiter *w);
/* An answer: the wait for it ends. */
void heap_response(struct dsm *d, const struct coh_msg *msg);

#endif
