/* SPDX-License-Identifier: BSD-2-Clause */
/* Rounds where nodes may die: the node around accord.h, which has what they are. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dsm/dsm_survive.h"
#include "dsm/heap/accord.h"
#include "dsm/heap/services.h"

struct heap_living {
	struct accord accord;
	struct waiter *waiter; /* the call that waits */
};

/* --- messages --- */

/* What is no result has its kind, and how far back one is, where a request has its slot. */
static void on_send(void *ctx, uint16_t to, const struct accord_msg *a)
{
	struct dsm *d = ctx;
	struct coh_msg m = {.type = COH_MSG_SVC_REQ,
	                    .n = 1,
	                    .slot = (uint16_t)(a->kind | a->back << 8),
	                    .view = a->view,
	                    .serial = a->round,
	                    .svc = {.op = SVC_ACCORD, .status = a->status}};

	memcpy(m.svc.arg, a->word, sizeof m.svc.arg);
	node_send(d, to, &m);
}

void heap_accord_take(struct dsm *d, coh_node from, const struct coh_msg *m)
{
	struct accord_msg a = {.kind = (uint8_t)(m->slot & 0xff),
	                       .back = (uint8_t)(m->slot >> 8),
	                       .view = m->view,
	                       .round = m->serial,
	                       .status = m->svc.status};

	memcpy(a.word, m->svc.arg, sizeof a.word);
	if (!d->heap->living || accord_take(&d->heap->living->accord, from, &a))
		d->engine.bad_messages++;
}

/* --- the call --- */

static void on_done(void *ctx, int status, const uint64_t word[HEAP_WORDS])
{
	struct dsm *d = ctx;
	struct waiter *w = d->heap->living->waiter;

	d->heap->living->waiter = NULL;
	if (!w || d->members.lost)
		return; /* all waits have ended already */
	w->kept = w->for_service;
	d->progress.kept += w->kept;
	memcpy(w->result, word, sizeof w->result);
	waits_done(&d->waits, w, status);
}

static const struct accord_out accord_out = {.send = on_send, .done = on_done};

int heap_living_open(struct dsm *d)
{
	struct heap_living *l = calloc(1, sizeof *l);

	d->heap->living = l;
	if (!l)
		return -ENOMEM;
	accord_open(&l->accord, &accord_out, d, d->engine.cfg.self, d->engine.cfg.nodes);
	return 0;
}

int heap_meet(struct dsm *d, struct heap_round what, uint64_t word[HEAP_WORDS], const char *name)
{
	struct heap_living *l = d->heap->living;
	struct waits_answer answer;
	struct waiter w;
	sigset_t mask;
	int rc;

	if (node_is_copy(d))
		return DSM_ERR_INVAL;
	rc = node_secure(d);
	if (rc)
		return rc;
	node_lock(d, &mask);
	rc = d->members.lost ? DSM_ERR_LOST : l->waiter ? DSM_ERR_BUSY : 0;
	if (rc) {
		node_unlock(d, &mask);
		return rc;
	}
	waits_add(&d->waits, &w, name);
	w.kind = DSM_LATENCY_BARRIER;
	answer = waits_answer(&w);
	l->waiter = &w;
	accord_call(&l->accord, what, word);
	node_help(d, &answer);
	node_unlock(d, &mask);
	waits_sleep(&answer, WAITS_FOR_EVER);
	if (w.status == 0)
		memcpy(word, w.result, sizeof w.result);
	return w.status;
}

/* --- views --- */

void heap_living_view(struct dsm *d)
{
	accord_view(&d->heap->living->accord, d->view.number, d->view.members);
}

void heap_usable(struct dsm *d)
{
	if (d->heap && d->heap->living)
		accord_usable(&d->heap->living->accord, !d->view.shut);
}
