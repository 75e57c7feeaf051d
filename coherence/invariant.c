/* SPDX-License-Identifier: BSD-2-Clause */
/* What is true of one core's state between any two steps, as far as it can be told here. */
#include "coherence/secure.h"
#include "coherence/sharers.h"

/* The type of request that a cache state goes with, or 0. */
static int fits(unsigned state, unsigned type)
{
	switch (state) {
	case COH_C_IS_D: return type == COH_MSG_GETS;
	case COH_C_IM_D:
	case COH_C_SM_A: return type == COH_MSG_GETM;
	case COH_C_MI_A: return type == COH_MSG_PUTM;
	case COH_C_II_A: return type == COH_MSG_PUTS || type == COH_MSG_PUTM;
	default: return 0;
	}
}

/* Requests that the page's line does not know of. */
static int is_beside(unsigned type)
{
	return type == COH_MSG_ATOMIC || type == COH_MSG_DISCARD || type == COH_MSG_FUTEX_WAIT ||
	       type == COH_MSG_FUTEX_WAKE;
}

static const char *check_requests(struct coh *c)
{
	for (unsigned i = 0; i < c->cfg.slots; i++) {
		struct request *r = request_at(c, i);
		if (!r->type || is_beside(r->type))
			continue;
		for (unsigned k = 0; k < r->n; k++) {
			struct line *line = line_at(c, r->page + k);
			if (line->request != i + 1 || !fits(line->state, r->type))
				return "a request and its page do not know each other";
			if (line->hold)
				return "a page with a request outstanding is held";
		}
	}
	for (coh_node home = 0; home < c->cfg.nodes; home++) {
		unsigned n = 0;
		for (unsigned i = 0; i < c->cfg.slots; i++)
			n += request_at(c, i)->type && request_at(c, i)->home == home;
		if (n != *out_at(c, home) || n > coh_requests_of_node(&c->cfg))
			return "requests outstanding at a home are miscounted";
	}
	return NULL;
}

static const char *check_holds(struct coh *c)
{
	for (unsigned i = 0; i < c->cfg.holds; i++) {
		struct hold *h = hold_at(c, i);
		struct line *line = line_at(c, h->page);
		if (!h->taken || h->over)
			continue;
		if (line->hold != i + 1)
			return "a hold and its page do not know each other";
		if (line->state != COH_C_S && line->state != COH_C_M)
			return "a page is held that is not there";
	}
	return NULL;
}

static const char *check_dir(struct coh *c, const struct dir *d)
{
	if (d->state > COH_D_HELD)
		return "a page is in a state that only a transaction can have";
	if (d->state == COH_D_M && (d->owner >= c->cfg.nodes || !d->touched))
		return "a page in M has no owner, or is untouched";
	if (d->wrote ? d->state != COH_D_S || d->owner >= c->cfg.nodes
	             : d->state == COH_D_S && d->owner)
		return "a page remembers a writer, and is not shared with it";
	if (d->migratory > c->cfg.migratory || (d->migratory && d->state == COH_D_S && !d->txn))
		return "a page is migratory that cannot be";
	if (d->state != COH_D_S && d->state != COH_D_AWAY && d->state != COH_D_HELD && d->sharers)
		return "a page has sharers and is not in S";
	if (d->state == COH_D_S && !d->sharers && !d->txn)
		return "a page in S has no sharers";
	if (d->queue && !d->txn && !c->view.rebuilding && !c->view.starting && d->state != COH_D_HELD)
		return "requests wait for a page that is free";
	return NULL;
}

/* Its place in the queue of its page, from 1, or 0. */
static unsigned place_in_queue(struct coh *c, const struct dir *d, unsigned txn)
{
	unsigned n = 0;

	for (coh_ref q = d->queue; q && n < c->n_txns; q = txn_at(c, q - 1)->next) {
		n++;
		if (q == txn + 1)
			return n;
	}
	return 0;
}

static const char *check_txn(struct coh *c, unsigned i)
{
	struct txn *txn = txn_at(c, i);
	unsigned pages = txn->phase ? txn->n : 1;
	int first = coh_dir_at(c, txn->page)->txn == i + 1;

	if (!txn->phase)
		return place_in_queue(c, coh_dir_at(c, txn->page), i)
		               ? NULL
		               : "a request waits in no queue";
	if (txn->phase < COH_D_INV || txn->phase >= COH_DIR_STATES || txn->next)
		return "a transaction is in no phase";
	for (unsigned k = 0; k < pages; k++) {
		struct dir *d = coh_dir_at(c, txn->page + k);
		/* A run is claimed when its first page is free, not before. */
		if (!first || (d->txn != i + 1 && txn->phase == COH_D_DONE))
			return "a transaction and its page do not know each other";
		if (check_dir(c, d))
			return check_dir(c, d);
	}
	if (!txn->waits && (txn->phase == COH_D_DONE || txn->phase == COH_D_PULL))
		return "a transaction waits for nothing";
	return NULL;
}

static const char *check_home(struct coh *c)
{
	const char *wrong = NULL;
	unsigned refreshing = 0;

	for (unsigned i = 0; i < c->n_txns && !wrong; i++) {
		struct txn *txn = txn_at(c, i);
		if (!txn->type)
			continue;
		wrong = check_txn(c, i);
		refreshing += txn->phase == COH_D_DONE && (txn->waits & TXN_WAIT_REFRESH);
	}
	if (!wrong && (refreshing != c->refreshing || refreshing > c->max_refreshing))
		wrong = "refreshes under way are miscounted";
	return wrong;
}

/* In a large job counting for each node would take too long. */
#define SHARES_NODES 64

/* Counts each node's threads in the queues of objects. Returns their sum, or more than there
 * can be when a queue has no end. */
static uint32_t count_waiters(struct coh *c, uint32_t of_node[SHARES_NODES])
{
	uint32_t n = 0;

	for (unsigned i = 0; i < coh_objects(&c->cfg); i++)
		for (uint32_t q = object_at(c, i)->queue; q && n <= c->n_waiters; n++) {
			of_node[waiter_at(c, q - 1)->node]++;
			q = waiter_at(c, q - 1)->next;
		}
	return n;
}

/* What each node has of the queues that are shared out among all. */
static const char *check_shares(struct coh *c)
{
	uint32_t threads[SHARES_NODES] = {0};

	if (c->cfg.nodes > SHARES_NODES)
		return NULL;
	if (count_waiters(c, threads) > c->n_waiters)
		return "more threads wait than may";
	for (coh_node node = 0; node < c->cfg.nodes; node++) {
		unsigned requests = 0;
		for (unsigned i = 0; i < c->n_txns; i++)
			requests += txn_at(c, i)->type && !txn_at(c, i)->done &&
			            txn_at(c, i)->requestor == node;
		if (requests != *in_at(c, node) || requests > coh_requests_of_node(&c->cfg))
			return "requests of a node are miscounted";
		if (threads[node] != *waiting_at(c, node) || threads[node] > c->cfg.sync_slots)
			return "waiting threads of a node are miscounted";
	}
	return NULL;
}

/* Whoever was woken goes before those who were not, as often as they have to bear it. */
static const char *check_order(struct coh *c)
{
	for (unsigned i = 0; i < coh_objects(&c->cfg); i++) {
		int bears = 0; /* somebody before would bear one more */
		for (uint32_t q = object_at(c, i)->queue; q; q = waiter_at(c, q - 1)->next) {
			const struct waiter *w = waiter_at(c, q - 1);
			if (w->overtaken > c->cfg.overtakes)
				return "a thread that waits for a mutex is overtaken too often";
			if (w->woken && bears)
				return "a woken thread waits behind one that it may overtake";
			bears |= !w->woken && w->overtaken < c->cfg.overtakes;
		}
	}
	return NULL;
}

/* Who sleeps for a word is in one queue, and the others are in none. */
static const char *check_sleepers(struct coh *c)
{
	uint32_t queued = 0;

	for (unsigned i = 0; i < c->n_queues; i++) {
		uint32_t last = 0;
		for (uint32_t q = queue_at(c, i)->first; q; q = sleeper_at(c, q - 1)->next) {
			if (!sleeper_at(c, q - 1)->asleep || sleeper_at(c, q - 1)->prev != last ||
			    ++queued > c->asleep)
				return "a queue of threads that wait for a word is broken";
			last = q;
		}
		if (queue_at(c, i)->last != last)
			return "a queue of threads that wait for a word has another end";
	}
	return queued == c->asleep ? NULL : "a thread that waits for a word is in no queue";
}

/* What was written is in a list, by how far it has come. */
static const char *check_secure(struct coh *c)
{
	for (unsigned list = LIST_DIRTY; list <= LIST_HELD; list++) {
		uint64_t n = 0;
		for (uint32_t p = c->securing.head[list]; p; p = secure_at(c, p - 1)->next) {
			unsigned state = line_at(c, p - 1)->state;
			if (n++ > c->cfg.secure_pages || secure_at(c, p - 1)->list != list)
				return "a list of secure pages is broken";
			if (state != COH_C_MS_A && (state != COH_C_M || list != LIST_DIRTY))
				return "a secure page is in another list than its state says";
		}
		if (n != c->securing.count[list])
			return "secure pages that were written are miscounted";
	}
	return NULL;
}

const char *coh_invariant(const struct coh *coh)
{
	struct coh *c = (struct coh *)coh; /* only read */
	const char *wrong = check_requests(c);

	if (!wrong)
		wrong = check_holds(c);
	if (!wrong)
		wrong = check_home(c);
	if (!wrong)
		wrong = check_shares(c); /* and so no queue is without an end */
	if (!wrong)
		wrong = check_order(c);
	if (!wrong)
		wrong = check_secure(c);
	return wrong ? wrong : check_sleepers(c);
}
