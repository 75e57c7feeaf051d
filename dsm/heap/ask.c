/* SPDX-License-Identifier: BSD-2-Clause */
/* Asking who serves, and others for threads. */
#include "dsm/dsm_survive.h"
#include "dsm/heap/services.h"
#include "dsm/workers/workers.h"

#include <string.h>

/* Where nodes may die this node may not be ready to serve, and what came before goes first. */
static void serve_here(struct dsm *d, const struct coh_msg *m)
{
	const coh_node self = d->engine.cfg.self;

	if (d->view.on && (d->heap->has_view || d->view.shut || d->heap->inbox.len))
		heap_inbox_add(d, &d->heap->inbox, self, m);
	else if (heap_serve(d, self, m))
		heap_inbox_add(d, &d->heap->inbox, self, m);
}

void heap_request(struct dsm *d, const struct coh_msg *m)
{
	if (heap_serves(d))
		serve_here(d, m);
	else
		node_send(d, heap_server(d), m);
}

static void request(struct dsm *d, coh_node to, const struct coh_msg *m)
{
	if (heap_is_for_all(m->svc.op) && to == d->engine.cfg.self)
		heap_serve_all(d, to, m);
	else if (heap_is_for_all(m->svc.op))
		node_send(d, to, m);
	else if (!workers_takes(m->svc.op))
		heap_request(d, m);
	else if (to == d->engine.cfg.self)
		workers_request(d, to, m);
	else
		node_send(d, to, m);
}

/* Whether whoever serves answers it, in a job whose nodes may die: if that dies, the next one does. */
static int goes_on(const struct dsm *d, unsigned op)
{
	return d->view.on && !heap_is_for_all(op) && !workers_takes(op);
}

/* Lock held. A slot for a request, by a number of its own if it may be asked again. */
static int slot_for(struct dsm *d, coh_node to, struct coh_msg *m, struct waiter *w)
{
	struct heap *h = d->heap;
	int slot;

	if (d->members.lost)
		return DSM_ERR_LOST;
	if (!goes_on(d, m->svc.op)) {
		slot = view_lives(d, to) ? heap_slot_take(d, to, w) : DSM_ERR_LOST;
	} else {
		slot = heap_slot_take(d, heap_server(d), w);
		h->serial += h->serial == UINT32_MAX ? 2 : 1;
		m->serial = h->serial;
		m->view = d->view.number;
		if (slot >= 0)
			h->asked[slot] = m;
	}
	if (slot >= 0)
		m->slot = (uint16_t)slot;
	return slot;
}

int heap_ask(struct dsm *d, coh_node to, struct coh_svc *svc, int timeout_ms, unsigned cancel,
             const char *what)
{
	const uint64_t end_ns = timeout_ms < 0 ? WAITS_FOR_EVER
	                                       : clock_now_ns() + timeout_ms * UINT64_C(1000000);
	struct coh_msg m = {.type = COH_MSG_SVC_REQ, .n = 1, .svc = *svc};
	struct waits_answer answer;
	struct waiter w;
	sigset_t mask;
	int slot;

	if (node_is_copy(d))
		return DSM_ERR_INVAL;
	if (!heap_permits(d, svc->op))
		return DSM_ERR_NOTSUP;
	slot = node_secure(d);
	if (slot)
		return slot;
	node_lock(d, &mask);
	slot = slot_for(d, to, &m, &w);
	if (slot < 0) {
		node_unlock(d, &mask);
		return slot;
	}
	waits_add(&d->waits, &w, what);
	w.kind = svc->op == SVC_ROUND && round_unpack(svc->status).count != HEAP_BESIDE
	                 ? DSM_LATENCY_BARRIER : 0;
	answer = waits_answer(&w);
	request(d, to, &m);
	node_help(d, &answer);
	node_unlock(d, &mask);

	waits_sleep(&answer, end_ns);
	if (!waits_is_over(&answer)) {
		node_lock(d, &mask);
		m.svc.op = cancel;
		m.view = m.view ? d->view.number : 0;
		if (!waits_is_over(&answer))
			request(d, to, &m);
		node_help(d, &answer);
		node_unlock(d, &mask);
		waits_sleep(&answer, WAITS_FOR_EVER);
	}
	svc->arg[0] = w.result[0];
	svc->arg[1] = w.result[1];
	svc->arg[2] = w.result[2];
	return w.status;
}

int heap_call(struct dsm *d, struct coh_svc *svc, int timeout_ms, const char *what)
{
	return heap_ask(d, 0, svc, timeout_ms, SVC_LOOKUP_CANCEL, what);
}

int heap_round(struct dsm *d, struct heap_round what, uint64_t word[HEAP_WORDS], const char *name)
{
	struct coh_svc svc = {.op = SVC_ROUND, .status = round_pack(what)};
	int rc;

	memcpy(svc.arg, word, sizeof svc.arg);
	rc = heap_call(d, &svc, -1, name);
	if (rc == 0)
		memcpy(word, svc.arg, sizeof svc.arg);
	return rc;
}
