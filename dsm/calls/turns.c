/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A mutex among threads: the gate of all nodes, and the cohort of those of this node, who take it
 * from each other without asking another node. Of a cohort one stands in the gate's line at most.
 * Where nodes may die it is robust.h's in the gate's place.
 */
#include <stddef.h>

#include "dsm/calls/gate.h"
#include "dsm/calls/objects.h"
#include "dsm/calls/robust.h"
#include "dsm/calls/words.h"
#include "dsm/dsm_survive.h"
#include "dsm/node/node.h"

static struct gate gate_of(struct dsm_sync_mutex *m)
{
	return (struct gate){ .word = &m->word, .places = 1 };
}

static int is_near(const struct dsm *d, const struct dsm_sync_mutex *m)
{
	return word_is_here(d, &m->word) || !word_is_fought_for(d, &m->word);
}

/* --- this node's threads; with the lock --- */

/* The next one is to go on, with that role; without one the cohort is over. */
static void pass_on(struct dsm *d, struct cohort *c, enum cohort_role role)
{
	struct cohort_member *next = cohort_next(c);

	c->owns = role == COHORT_OWNS;
	if (next)
		waits_done(&d->waits, &next->waiter, role);
	else if (!c->first)
		cohort_end(&d->cohorts, c);
	/* else the job is lost, and nobody comes any more */
}

/* Waits behind others of this node: a role, DSM_ERR_TIMEDOUT or DSM_ERR_LOST. */
static int wait_behind(struct dsm *d, struct cohort *c, sigset_t *mask, uint64_t until_ns)
{
	struct cohort_member me;

	waits_add(&d->waits, &me.waiter, "dsm_sync_mutex_lock");
	me.answer = waits_answer(&me.waiter);
	cohort_join(c, &me);
	node_unlock(d, mask);
	waits_sleep(&me.answer, until_ns);
	node_lock(d, mask);
	if (!waits_is_over(&me.answer)) {
		waits_remove(&me.waiter);
		me.waiter.status = DSM_ERR_TIMEDOUT;
	}
	if (me.waiter.status < 0)
		cohort_leave(c, &me);
	return me.waiter.status;
}

/* --- the leader --- */

static int lead(struct dsm *d, const struct gate *g, uint64_t until_ns)
{
	int near = word_is_here(d, g->word), has, rc;

	if (d->view.on)
		return robust_take(d, g->word, until_ns);
	rc = gate_enter(d, g, near, &has);
	if (rc || has) {
		word_not_waited(d, g->word);
		return rc;
	}
	word_waited(d, g->word);
	return gate_wait(d, g, until_ns);
}

static int take_slowly(struct dsm *d, struct dsm_sync_mutex *m, uint64_t until_ns)
{
	const struct gate g = gate_of(m);
	int role = COHORT_LEADS, rc;
	struct cohort *c;
	sigset_t mask;

	node_lock(d, &mask);
	c = cohort_of(&d->cohorts, m);
	if (c)
		role = d->members.lost ? d->members.lost : wait_behind(d, c, &mask, until_ns);
	else
		c = cohort_found(&d->cohorts, m);
	node_unlock(d, &mask);
	if (role != COHORT_LEADS)
		return role;
	rc = lead(d, &g, until_ns);
	if (!c)
		return rc; /* alone: there are too many */
	node_lock(d, &mask);
	if (rc && rc != DSM_ERR_OWNER_DEAD)
		pass_on(d, c, COHORT_LEADS);
	else
		c->owns = 1, c->passes = 0;
	node_unlock(d, &mask);
	return rc;
}

/* --- all together --- */

int turn_try(struct dsm *d, struct dsm_sync_mutex *m)
{
	const struct gate g = gate_of(m);

	return d->view.on ? robust_try(d, g.word) : gate_try(d, &g, is_near(d, m));
}

int turn_take(struct dsm *d, struct dsm_sync_mutex *m, uint64_t until_ns)
{
	const struct gate g = gate_of(m);
	int rc = d->view.on      ? robust_try(d, g.word)
	         : is_near(d, m) ? gate_try(d, &g, 1)
	                         : DSM_ERR_BUSY;

	return rc == DSM_ERR_BUSY ? take_slowly(d, m, until_ns) : rc;
}

/* Whether another thread of this node has it now. Else *c is the cohort whose it was, or NULL. */
static int give_to_neighbour(struct dsm *d, const struct dsm_sync_mutex *m, struct cohort **out)
{
	struct cohort *c;
	sigset_t mask;
	int given = 0;

	node_lock(d, &mask);
	c = cohort_of(&d->cohorts, m);
	if (c && !c->owns)
		c = NULL; /* its leader waits for the caller, who needed no cohort */
	if (c && c->first && !d->members.lost && c->passes < COHORT_PASSES) {
		c->passes++;
		pass_on(d, c, COHORT_OWNS);
		given = 1;
	} else if (c) {
		c->owns = 0; /* who takes it before send_next() does so without it */
	}
	node_unlock(d, &mask);
	*out = c;
	return given;
}

/* Nobody has it, or a thread of another node; the next one of this node stands in line behind. */
static void send_next(struct dsm *d, struct cohort *c)
{
	sigset_t mask;

	node_lock(d, &mask);
	pass_on(d, c, COHORT_LEADS);
	node_unlock(d, &mask);
}

void turn_lose(struct dsm *d, const struct dsm_sync_mutex *m)
{
	struct cohort *c;
	sigset_t mask;

	node_lock(d, &mask);
	c = cohort_of(&d->cohorts, m);
	if (c && c->owns)
		pass_on(d, c, COHORT_LEADS);
	node_unlock(d, &mask);
}

int turn_give(struct dsm *d, struct dsm_sync_mutex *m)
{
	const struct gate g = gate_of(m);
	struct cohort *c = NULL;
	int32_t left = 0;
	uint32_t was;
	int rc;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	/* What this node has written is on two nodes when an unlock has returned, whoever has it next. */
	if (cohort_may_be(&d->cohorts, m) && give_to_neighbour(d, m, &c))
		return node_secure(d);
	rc = d->view.on ? robust_give(d, g.word) : gate_leave(d, &g, &left);
	if (c)
		send_next(d, c);
	if (rc || d->view.on || !gate_has_room(left))
		return rc;
	rc = word_add(d, word_is_here(d, g.word), g.word, UINT32_MAX, &was); /* nobody has had it */
	return rc ? rc : DSM_ERR_PERM;
}
