/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where pages land in a job that goes on when nodes die: not in their frames, where what is cut off
 * by a view could go on to be written, by a peer who does not know or by the network, but in memory
 * that nobody reads before it is whole. The node itself brings it from there into the frame, in the
 * view in which it has asked for it.
 *
 * A view has landings of its own. Those of older ones stay as they are, registered, to the end:
 * whatever comes there does no harm, nor does it break a connection. That is bounded, for there are
 * as many views as nodes at most, and in each as many landings as there were requests at once.
 *
 * Under the node's lock.
 */
#ifndef LANDINGS_H
#define LANDINGS_H

#include <stdint.h>

#include "dsm/memory/region.h"

struct tr;
struct tr_mem;

#define LANDINGS_NONE UINT32_MAX
#define LANDINGS_LOG (UINT32_MAX - 1)

struct landing {
	uint8_t *at; /* NULL: has no memory yet */
	struct tr_mem *mem;
	uint64_t page; /* or what it is known by */
	uint32_t next; /* free, or of the same bucket */
	uint8_t kind, given;
};

/* Those of requests are known by their slot, of one page at a time; those of a home by the page. */
struct landings {
	struct region *region;
	struct tr *tr;
	struct landing *request[REGION_ZONES]; /* by slot */
	struct landing *home;                  /* a pool */
	uint32_t *bucket;
	uint32_t slots, homes, used, free[REGION_ZONES];
	/* The piece of memory that is given out, and the next one: a thread that waits for a page in a signal's
	 * handler takes from these, and allocates nothing, as long as the service thread comes in time. */
	struct landings_stock {
		uint8_t *left;
		uint32_t n_left; /* pages */
		struct tr_mem *mem;
	} now[REGION_ZONES], next[REGION_ZONES];
	uint8_t low; /* landings_stock() is due; LANDINGS_TOLD: and somebody was told so */
	struct landings_piece *pieces; /* of all views */
};

#define LANDINGS_LOW 1
#define LANDINGS_TOLD 2

/* For requests of so many slots, and pages that come home, homes at once. -ENOMEM */
int landings_open(struct landings *l, struct region *region, struct tr *tr, uint32_t slots,
                  uint32_t homes);
/* After the transport's close. Zeroed is allowed. */
void landings_close(struct landings *l);
/* Where the page that is asked for by slot is to land, or, with LANDINGS_NONE, the page that is to
 * come home, or to the second node that holds it; with LANDINGS_LOG the page that is kept for another
 * node, beside these. 0, -ENOMEM, or what the transport said. */
int landings_give(struct landings *l, uint32_t slot, uint64_t page, struct tr_mem **mem, void **at);
/* The page has landed there: where it is, until the next one is given; or NULL, none was given. */
const void *landings_take(struct landings *l, uint32_t slot, uint64_t page);
/* Gets the next memory where there is none, for threads that may not allocate. Where that fails it is tried again
 * when a page is to land. */
void landings_stock(struct landings *l);
/* A view begins: all are of an older one from now on. */
void landings_renew(struct landings *l);

#endif
