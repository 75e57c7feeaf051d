/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The home's side, private to coherence/home/: what actions work on, and who calls whom. The
 * state diagram is in home.def, with the table. From below upwards:
 *
 *      txn.c run.c supply.c owner.c invalidate.c    what a transaction is made of
 *      gets.c getm.c put.c atomic.c migratory.c discard.c sleep.c salvage.c    a request's life, by action
 *      copy.c                                       ... of secure pages
 *      start.c                                      the table; starting what waits
 *      restore.c                                    a home's round after a death
 *      home.c                                       messages and landings, as they arrive
 *
 * An action changes one transaction and its pages; it takes no row of the table itself. Files
 * call those below them, but for a planted bug or two (mutant.h).
 */
#ifndef COH_HOME_H
#define COH_HOME_H

#include "coherence/rows.h"
#include "coherence/sharers.h"
#include "coherence/state.h"

/* What an action works on. */
struct take {
	struct coh *c;
	struct coh_effects *fx;
	struct dir *dir; /* of the transaction's first page */
	struct txn *txn;
	uint16_t index;  /* of txn */
	coh_node from;
	uint16_t n; /* Done, and Inv-Ack to a recall: pages that it speaks of */
	uint64_t kept; /* Drop-Ack */
	const struct coh_landing *landing; /* Copy-Here */
};

static inline struct take take_init(struct coh *c, struct coh_effects *fx, unsigned index)
{
	struct txn *txn = txn_at(c, index);

	return (struct take){
	        .c = c,
	        .fx = fx,
	        .dir = coh_dir_at(c, txn->page),
	        .txn = txn,
	        .index = index,
	};
}

/* The actions of home.def, one declaration for each row. */
#define ROW(state, event, action, ...) void coh_home_act_##action(struct take *t);
#include "coherence/home/home.def"
#undef ROW

/* --- txn.c --- */
/* One that is free, or -1. */
int coh_home_free_txn(struct coh *c);
/* The requestor may send another one from now on. */
static inline void txn_is_done(struct take *t)
{
	if (!t->txn->done)
		--*in_at(t->c, t->txn->requestor);
	t->txn->done = 1;
}

/* Frees the transaction and its pages; coh_home_take_busy() starts whoever waits. */
void coh_home_release(struct take *t);

/* --- run.c --- */
/* A run is granted as far as its pages are free, with one supplier, and of one kind. */
uint16_t coh_home_claim_run(struct take *t);
/* The grant ends before page n: the pages from there on are free again, as they were. */
void coh_home_trim_run(struct take *t, uint16_t n);

/* Whether a run would wait for who holds its first page: behind another request, now that it is new;
 * or, when its turn has come, for the owner to answer. */
int coh_home_run_waits_here(const struct take *t);
int coh_home_run_waits_for_owner(const struct take *t);

/* A run is discarded as far as its pages are free; of a renewal, as far as they are lost, or are not. */
static inline int is_renewal(const struct take *t)
{
	return t->txn->type == COH_MSG_DISCARD && t->txn->flags & COH_F_RENEW;
}
uint16_t coh_home_claim_free(struct take *t);

/* --- supply.c: from the home's frame --- */
void coh_home_supply(struct take *t, enum coh_access access);

/* --- owner.c --- */
/* Sends the owner of the page a Fwd for the transaction. */
struct coh_msg *coh_home_fwd(struct take *t, enum coh_msg_type type, uint8_t fill);

/* --- invalidate.c --- */
/* Whether anybody else's copy has to go before the request is granted. */
int coh_home_has_others(const struct take *t);
/* Whether node has still to ack, and how many have. */
int coh_home_is_pending(const struct take *t, coh_node node);
unsigned coh_home_count_pending(const struct take *t);
/* Takes the sender of an Inv-Ack off those who have still to ack. */
static inline void ack(struct take *t)
{
	if (t->c->wide)
		coh_map_remove(pending_at(t->c, t->index), t->from);
	else
		t->dir->sharers &= ~node_bit(t->from);
}

/* --- migratory.c: who wrote last --- */
/* In S, as long as two have the page: it may be migratory. */
static inline void forget_writer(struct dir *d)
{
	d->wrote = 0;
	d->owner = 0;
}

/* Whether this upgrade follows a read of what another node had written, by nobody else. */
int coh_home_is_second(const struct take *t);

/* --- discard.c --- */
/* Whether anybody has a copy of a page of the run, or has been told that one is lost. */
int coh_home_must_tell(const struct take *t);
/* Those of the pages that are t->from's own: a node can only keep what it has. */
uint64_t coh_home_kept_of(const struct take *t, uint64_t pages);
/* As of Invs, see invalidate.c. */
int coh_home_drop_is_pending(const struct take *t, coh_node node);
unsigned coh_home_drop_count_pending(const struct take *t);

/* --- sleep.c --- */
/* Whether this thread of node's sleeps here. */
int coh_home_sleeps(struct coh *c, coh_node node, uint16_t slot);
/* Whether it is a wake, or a wait that compares nothing (COH_FUTEX_OWN). */
int coh_home_asks_queue(const struct take *t);
/* A thread that sleeps does so no more: it has waited long enough. */
void coh_home_cancel(struct coh *c, coh_node from, const struct coh_msg *m, struct coh_effects *fx);

/* --- copy.c: secure pages --- */
/* Whether the home's round after a death has a second copy made. */
int coh_home_wants_copy(const struct take *t);

/* --- start.c --- */
/* Takes the row of state and event; the transaction or, when that is over, the
 * directory entry is then in the row's next state. */
int coh_home_take_row(struct take *t, unsigned state, enum home_event event);
/* Starts the request; the page is free. It may be over on return. */
void coh_home_start(struct take *t);
/* Starts who waits for a page, until one of them makes it busy. */
void coh_home_start_next(struct coh *c, struct coh_effects *fx, uint64_t page);
/* Takes an event of a busy page and, when that ends its transaction, starts others. */
int coh_home_take_busy(struct take *t, enum home_event event);

#endif
