/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cache's side, private to coherence/cache/: what actions work on, and who calls whom. The
 * state diagram is in cache.def, with the table. From below upwards:
 *
 *      send.c hold.c                    requests as they leave; pages in tenure
 *      miss.c evict.c inv.c fwd.c drop.c push.c    actions: asking, giving up, losing, supplying
 *      doze.c                           threads that wait for a word
 *      take.c                           the table
 *      leave.c                          a page is to be seen by others: not before secure ones are safe
 *      tenure.c                         the end of a tenure takes the message that waited
 *      drain.c second.c                 what was written to secure pages goes to two nodes
 *      local.c grant.c cache.c          faults and calls; grants; messages, as they arrive
 *
 * An action changes one page, or a run; it takes no row of the table itself.
 */
#ifndef COH_CACHE_H
#define COH_CACHE_H

#include "coherence/rows.h"
#include "coherence/state.h"

/* What a Drop has done to the pages of its run, one bit a page. */
struct dropped {
	uint64_t bit; /* of the page that the action is for */
	uint64_t lowered, given_up, kept;
};

/* What an action works on. */
struct take {
	struct coh *c;
	struct coh_effects *fx;
	uint64_t page;
	struct line *line;
	coh_node home;
	const struct coh_msg *msg; /* Inv, Fwd */
	enum cache_event event;
	uint16_t n;       /* PREFETCH, Fwd: pages of the run */
	uint16_t request; /* its slot; actions that send a request take it */
	struct dropped *dropped; /* Drop */
};

static inline struct take take_init(struct coh *c, struct coh_effects *fx, uint64_t page)
{
	return (struct take){
	        .c = c,
	        .fx = fx,
	        .page = page,
	        .line = line_at(c, page),
	        .home = coh_home(c, page),
	        .n = 1,
	};
}

/* The actions of cache.def, one declaration for each row. */
#define ROW(state, event, action, ...) void coh_cache_act_##action(struct take *t);
#include "coherence/cache/cache.def"
#undef ROW

/* --- send.c --- */
/* Sends a request for n pages to their home, in the slot that t has. */
struct coh_msg *coh_cache_send(struct take *t, enum coh_msg_type type, uint16_t n);

/* --- hold.c --- */
/* Starts the page's tenure, if there is room for one more. */
void coh_cache_hold_start(struct take *t);

/* --- inv.c --- */
/* Before this node says that it has no more than access, it has not. */
void coh_cache_lower(struct take *t, enum coh_access access);

/* --- take.c --- */
int coh_cache_has_row(const struct take *t, enum cache_event event);
/* Takes the row for event, or returns -EPROTO when there is none. */
int coh_cache_take_row(struct take *t, enum cache_event event);
enum cache_event coh_cache_event_of(unsigned type); /* of a message of the home's */

/* --- doze.c --- */
int coh_cache_futex_resp(struct coh *c, const struct coh_msg *m, struct coh_effects *fx);
int coh_cache_futex_woken(struct coh *c, const struct coh_msg *m, struct coh_effects *fx);

/* --- leave.c --- */
/* A Fwd for a page that was written here, after secure ones, waits until these are on two nodes; else
 * its row is taken. */
int coh_cache_take_fwd(struct take *t, enum cache_event event);

/* --- tenure.c --- */
/* Ends a page's tenure before its time. The slot stays taken until the timer fires. */
void coh_cache_hold_end(struct coh *c, struct coh_effects *fx, uint64_t page);

/* --- grant.c --- */
int coh_cache_grant(struct coh *c, coh_node from, const struct coh_msg *m, struct coh_effects *fx);

#endif
