/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small cluster in which one node lies. The others run the shipping core; the liar
 * has none: what it sends is what the fuzzer makes up, as long as it is well formed,
 * and whatever it tells of page writes reaches its victim.
 *
 * What must hold:
 *  - no crash, no assertion, no report of a sanitizer, no step that overflows its effects;
 *  - what is true of a core's state by itself (coh_invariant) stays true;
 *  - an event that a core refuses leaves its state as it was, byte by byte, and has no
 *    effects;
 *  - on pages that are not tainted, among honest nodes: single writer or readers only,
 *    every access sees the newest data, page writes go where they were asked to, no honest
 *    node's message or page write is refused, and when all is delivered nothing is pending
 *    (but runs that start with a tainted page, and pages whose home has sent the liar an Inv,
 *    be it because it knows the sharers only roughly) and the directory agrees with the caches;
 *  - beyond requests and answers to atomics, an honest core accepts messages of the liar only
 *    about tainted pages, but an Inv-Ack if the home has asked for one;
 *  - mutexes of honest homes are held by one honest thread at a time, and the messages of
 *    honest nodes about them are never refused;
 *  - nobody leaves a barrier of an honest node 0 that an honest node has yet to reach.
 *
 * A page is tainted from the moment on that
 *  1. its home is the liar (from the start), or
 *  2. an honest core accepts a request of the liar for it, or what the liar says an atomic
 *     on it has found, or a transaction for the liar starts to work on it (pages of a run), or
 *  3. an honest core accepts news of a page write that ends a request or a transaction for
 *     it, and the news is the liar's, or belongs to the write of a tainted page. (Such news
 *     is 32 bits with a slot in it: transports do not tell whence it came.)
 * Such news, or the answer to an atomic on a tainted page, may end a request of an honest
 * node that its home still has. That home may then refuse that node's further requests as
 * being too many, and their pages never come to rest. (The home must count: else the liar
 * could take the room of everybody.)
 * The liar never gets to know a landing but of tainted pages, so it cannot write to others.
 */
#ifndef FUZZ_WORLD_H
#define FUZZ_WORLD_H

#include "coherence/state.h"
#include "tests/fuzz/fuzz.h"

#define NODES 4
#define PAGES 8 /* two of each home */
#define HOLDS 2
#define SLOTS 3
#define QUEUE 64
#define MOVES 32
#define LOCKS 4
#define KNOWN 16
#define STATE_MAX 16384

struct queue {
	struct coh_msg msg[QUEUE];
	unsigned head, len;
};

struct move {
	uint8_t used, landed, whole; /* whole: it goes where it was asked to */
	coh_node from, to;
	uint16_t n;
	uint32_t tag;
	uint64_t page;
	uint32_t version[PAGES];
};

struct cell { /* a page at a node */
	uint32_t version, landing;
	uint8_t access, incoming;
};

enum { COOKIE_SYNC = 1, COOKIE_OTHER, COOKIE_BARRIER };

/* Where the one application thread of a node stands. */
struct caller {
	uint8_t waits; /* event kind of its call of lock or condition, or 0 */
	coh_node home;
	uint32_t object, mutex;
};

struct world {
	coh_node liar;
	struct coh *core[NODES];
	struct cell cell[NODES][PAGES];
	uint32_t newest[PAGES], zero[PAGES]; /* versions: zero is that of a page that is discarded */
	uint8_t tainted[PAGES];
	uint8_t asked[PAGES]; /* cannot come to rest: the liar was sent an Inv, or see robbed */
	uint8_t robbed[NODES][NODES]; /* of a request that this home still has */
	struct queue wire[NODES][NODES];
	struct move moves[MOVES];
	uint8_t armed[NODES][HOLDS];
	struct caller caller[NODES];
	uint8_t compared[PAGES]; /* pages that the core has yet to hear of, and whether it was equal */
	unsigned n_compared;
	uint32_t reached[NODES], left[NODES]; /* barriers */
	int8_t holder[NODES][LOCKS];          /* of a mutex: node plus one */
	struct coh_landing known[KNOWN];      /* landings that the liar has heard of */
	unsigned n_known;
	uint32_t landings;
	int full; /* a queue of the harness is: stop */
};

void world_init(struct world *w, coh_node liar, unsigned form);

/* One event at an honest node. by_liar: it comes from the liar. Returns what the core says. */
int world_step(struct world *w, coh_node node, const struct coh_event *ev, int by_liar);
/* The oldest message from one honest node to another is delivered; 0 when there is none. */
int world_deliver(struct world *w, coh_node from, coh_node to);
/* The next stage of a page write: data, then news. 0 when there is none. */
int world_move(struct world *w, unsigned i);
int world_timer(struct world *w, coh_node node, unsigned slot);
/* An access of the node's thread: runs when it may, else faults. */
void world_access(struct world *w, coh_node node, uint64_t page, int write);
/* Delivers everything that honest nodes have under way, then checks all that must hold. */
void world_finish(struct world *w);

static inline coh_node home_of(uint64_t page)
{
	return page / 2;
}

#endif
