/* SPDX-License-Identifier: BSD-2-Clause */
/* What the transport has, and tenures that are over: events for the core. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "coherence/wire.h"
#include "dsm/node/node.h"

#define POLL_BATCH 32

static void refused(struct dsm *d, uint16_t peer, const char *what, const char *why)
{
	d->engine.bad_messages++;
	log_peer(&d->log, DSM_LOG_ERROR, peer, "refused %s of node %u: %s", what, peer, why);
}

void node_take_message(struct dsm *d, struct coh_event *ev)
{
	int kept = 0;

	if (__builtin_expect(d->away.left != 0, 0) && ev->msg.page < d->memory.region.pages)
		kept = away_keep(&d->away, ev->from, &ev->msg);
	if (kept == -ENOMEM)
		node_fail(d, "no memory for a request that has to wait");
	if (kept == -EPROTO || (!kept && !pins_keep(d, &ev->msg) && node_step(d, ev)))
		refused(d, ev->from, coh_msg_name(ev->msg.type), "unexpected here and now");
}

static void take_message(struct dsm *d, const struct tr_event *e)
{
	struct coh_event ev = {.kind = COH_EV_MSG, .from = e->peer};
	const char *why;

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

static void take_error(struct dsm *d, const struct tr_event *e)
{
	char why[160] = "the transport is broken";

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
		if (node_step(d, &ev))
			refused(d, e->peer, "a page write", "nobody waits for it");
		break;
	case TR_EV_WRITTEN:
		frames_unpin(&d->memory.frames, e->cookie >> 16, e->cookie & 0xffff);
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
}
