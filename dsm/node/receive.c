/* SPDX-License-Identifier: BSD-2-Clause */
/* What the transport has, and tenures that are over: events for the core. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "coherence/wire.h"
#include "dsm/node/node.h"

#define POLL_BATCH 32
#define RECOVER_STEPS 16     /* between two looks at the transport */
#define RECOVER_PENDING 1024 /* messages that have not left yet, beyond which it waits */

static void refused(struct dsm *d, uint16_t peer, const char *what, const char *why)
{
	d->engine.bad_messages++;
	log_peer(&d->log, DSM_LOG_ERROR, peer, "refused %s of node %u: %s", what, peer, why);
}

/* In a job that survives: in the order in which they came, those of a view to come when it has. */
static void take_of_view(struct dsm *d, const struct coh_event *ev)
{
	int rc = d->view.kept_len ? -EAGAIN : node_step(d, ev);

	if (rc == -EAGAIN)
		rc = view_keep(d, ev->from, &ev->msg);
	if (rc == -ENOMEM)
		node_fail(d, "no memory for a message of a view to come");
	else if (rc)
		refused(d, ev->from, coh_msg_name(ev->msg.type), "unexpected here and now");
	d->view.recovering = (uint8_t)coh_has_more(d->engine.coh);
}

void node_take_kept(struct dsm *d)
{
	struct view *v = &d->view;

	while (v->kept_len) {
		const struct view_msg *m = &v->kept[v->kept_head];
		struct coh_event ev = {.kind = COH_EV_MSG, .from = m->from, .msg = m->msg};
		int rc = v->members >> m->from & 1 ? node_step(d, &ev) : 0;

		if (rc == -EAGAIN)
			break;
		if (rc)
			refused(d, ev.from, coh_msg_name(ev.msg.type), "unexpected in this view");
		v->kept_head = (v->kept_head + 1) % v->kept_cap;
		v->kept_len--;
	}
	v->recovering = (uint8_t)coh_has_more(d->engine.coh);
}

/* What a view leaves to be done in small steps, as far as the transport takes it. */
static void recover(struct dsm *d)
{
	struct coh_event ev = {.kind = COH_EV_RECOVER};

	for (int i = 0; i < RECOVER_STEPS && coh_has_more(d->engine.coh) &&
	                d->tr->ops->pending(d->tr) < RECOVER_PENDING;
	     i++) {
		node_step(d, &ev);
		d->engine.handled++;
	}
	d->view.recovering = (uint8_t)coh_has_more(d->engine.coh);
}

void node_take_message(struct dsm *d, struct coh_event *ev)
{
	int kept = 0;

	if (__builtin_expect(d->view.on, 0)) {
		take_of_view(d, ev);
		return;
	}
	if (__builtin_expect(d->away.left != 0, 0) && ev->msg.page < d->memory.region.pages)
		kept = away_keep(&d->away, ev->from, &ev->msg);
	if (kept == -ENOMEM)
		node_fail(d, "no memory for a request that has to wait");
	if (kept == -EPROTO || (!kept && !pins_keep(d, &ev->msg) && node_step_ask(d, ev)))
		refused(d, ev->from, coh_msg_name(ev->msg.type), "unexpected here and now");
}

static void take_message(struct dsm *d, const struct tr_event *e)
{
	struct coh_event ev = {.kind = COH_EV_MSG, .from = e->peer};
	const char *why;

	if (!view_lives(d, e->peer))
		return;
	d->trace.received[e->peer]++;
	if (coh_wire_decode(&d->engine.cfg, e->data, e->len, &ev.msg, &why)) {
		refused(d, e->peer, "a message", why);
		return;
	}
	log_line(&d->log, DSM_LOG_TRACE, "%s from node %u, page %llu", coh_msg_name(ev.msg.type),
	         e->peer, (unsigned long long)ev.msg.page);
	TRACE_NOTE(&d->trace, .kind = TRACE_RECEIVED, .type = ev.msg.type, .peer = e->peer,
	           .page = node_page_of(&ev.msg), .n = ev.msg.n, .slot = ev.msg.slot,
	           .thread = ev.msg.requestor,
	           .more = d->trace.received[e->peer]);
	if (ev.msg.type == COH_MSG_SVC_REQ)
		d->services->request(d, e->peer, &ev.msg);
	else if (ev.msg.type == COH_MSG_SVC_RESP)
		d->services->response(d, &ev.msg);
	else
		node_take_message(d, &ev);
}

/* Where others go on: who cannot be reached is suspected. A page write that broke off is missed by
 * who asked for it, until the view without its writer asks again. */
static int take_loss(struct dsm *d, const struct tr_event *e)
{
	if (e->peer == TR_NO_PEER && (e->status == -EACCES || e->status == -EPERM))
		return 0;
	log_line(&d->log, DSM_LOG_INFO, "the transport has lost node %d: %s",
	         e->peer == TR_NO_PEER ? -1 : e->peer, strerror(-e->status));
	if (e->peer != TR_NO_PEER)
		view_suspect(d, e->peer);
	return 1;
}

static void take_error(struct dsm *d, const struct tr_event *e)
{
	char why[160] = "the transport is broken";

	if (d->view.on && take_loss(d, e))
		return;
	log_line(&d->log, DSM_LOG_ERROR, "transport error with node %d: %s",
	         e->peer == TR_NO_PEER ? -1 : e->peer, strerror(-e->status));
	if (e->status == -EPERM)
		snprintf(why, sizeof why, "a node may not access the memory of another (process_vm_readv): "
		         "after dsm_init one has changed its user or PR_SET_DUMPABLE");
	else if (e->peer != TR_NO_PEER && e->status == -ETIMEDOUT)
		snprintf(why, sizeof why, "node %u has not answered node %u for DSM_PEER_TIMEOUT",
		         e->peer, d->engine.cfg.self);
	else if (e->peer != TR_NO_PEER)
		snprintf(why, sizeof why, "the connection between nodes %u and %u broke",
		         d->engine.cfg.self, e->peer);
	else if (e->status == -EACCES)
		snprintf(why, sizeof why, "somebody who is not of the job sends page writes to node "
		         "%u: keep others off its network", d->engine.cfg.self);
	node_fail(d, why);
}

static void take_event(struct dsm *d, const struct tr_event *e)
{
	struct coh_event ev = {.kind = COH_EV_LANDED, .tag = e->tag};

	switch (e->kind) {
	case TR_EV_MSG: take_message(d, e); break;
	case TR_EV_LANDED:
		TRACE_NOTE(&d->trace, .kind = TRACE_LANDED, .peer = e->peer, .page = TRACE_NO_PAGE,
		           .more = e->tag);
		if (d->view.on && !land_take(d, &ev.tag))
			break;
		if (node_step(d, &ev))
			refused(d, e->peer, "a page write", "nobody waits for it");
		break;
	case TR_EV_WRITTEN:
		node_written(d, e->cookie);
		waits_room(&d->waits); /* a frame may have become free */
		break;
	case TR_EV_ERROR: take_error(d, e); break;
	default: break;
	}
}

static void take_tenures(struct dsm *d)
{
	struct coh_event ev = {.kind = COH_EV_TIMER};
	int slot;

	if (!d->tenure.running)
		return;
	while ((slot = tenure_due(&d->tenure, clock_now_ns())) >= 0) {
		ev.slot = slot;
		node_step(d, &ev);
		d->engine.handled++;
	}
}

void node_progress(struct dsm *d)
{
	struct tr_event events[POLL_BATCH];
	int n;

	take_tenures(d);
	n = d->tr->ops->poll(d->tr, events, POLL_BATCH);
	if (n < 0)
		node_fail(d, "the transport is broken");
	for (int i = 0; i < n; i++)
		take_event(d, &events[i]);
	if (n > 0)
		d->engine.handled += n;
	if (__builtin_expect(d->view.recovering, 0))
		recover(d);
}
