/* SPDX-License-Identifier: BSD-2-Clause */
/* The node around what is served: it gives requests to the mirror, and carries what that says. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dsm/heap/check.h"
#include "dsm/heap/services.h"

#define CHANGES_MOST ((size_t)4 * MIRROR_WINDOW) /* of who serves, and of who has before it */

static struct dsm *node_of(void *mirror)
{
	return ((struct mirror *)mirror)->ctx;
}

/* --- what is served wants --- */

static int on_open(void *mirror)
{
	return heap_zones_open(node_of(mirror));
}

static uint64_t on_enough(void *mirror, unsigned zone)
{
	return heap_zone_enough(node_of(mirror), zone);
}

static void on_taken(void *mirror, unsigned zone, uint64_t offset, uint64_t bytes, int change)
{
	if (zone != SERVED_KEEP2) /* of jobs without DSM_CHECK */
		heap_taken(node_of(mirror), zone, offset, bytes, change);
}

static const struct served_out served_out = {
	.open = on_open,
	.answer = mirror_on_answer,
	.changed = mirror_on_change,
	.enough = on_enough,
	.taken = on_taken,
};

/* --- what the mirror wants --- */

static void send(struct dsm *d, coh_node to, struct coh_msg *m)
{
	m->type = COH_MSG_SVC_REQ;
	m->n = 1;
	m->view = d->view.number;
	node_send(d, to, m);
}

static void on_send(void *ctx, uint16_t to, const struct served_change *c)
{
	struct coh_msg m = {.slot = c->slot, .serial = c->serial,
	                    .svc = {.op = SVC_CHANGE, .status = c->kind | c->zone << 8 | c->node << 16,
	                            .arg = {c->arg[0], c->arg[1], c->arg[2]}}};

	memcpy(m.svc.name, c->name, sizeof m.svc.name);
	send(ctx, to, &m);
}

static void on_ack(void *ctx, uint16_t to, uint64_t taken)
{
	struct coh_msg m = {.svc = {.op = SVC_CHANGED, .arg = {taken}}};

	send(ctx, to, &m);
}

static void on_answer(void *ctx, const struct names_waiter *to, int status, const uint64_t arg[3])
{
	heap_answer_to(ctx, to, status, arg);
}

static void on_fail(void *ctx)
{
	node_fail(ctx, "no memory for what it serves to others");
}

static const struct mirror_out mirror_out = {
	.send = on_send,
	.ack = on_ack,
	.answer = on_answer,
	.fail = on_fail,
};

/* --- its life --- */

int heap_office_open(struct dsm *d)
{
	const int is_first = d->engine.cfg.self == 0;
	struct heap *h = d->heap;
	int rc;

	h->mirror.out = &mirror_out;
	h->mirror.ctx = d;
	for (unsigned kind = 0; kind < SERVED_ZONES; kind++) {
		h->mirror.served.page_bytes[kind] = heap_zone(d, kind)->page_bytes;
		h->mirror.served.zone_at[kind] =
			(uint64_t)(heap_zone(d, kind)->window - d->memory.region.window) +
			heap_zone_offset(d, kind);
	}
	if (is_first || d->view.on)
		h->inbox.most = (size_t)2 * HEAP_SLOTS * d->engine.cfg.nodes;
	if (d->view.on)
		h->changes.most = CHANGES_MOST;
	rc = mirror_open(&h->mirror, d->engine.cfg.self, d->engine.cfg.nodes, d->view.on, &served_out);
	if (rc == 0 && d->view.on)
		rc = heap_living_open(d);
	else if (rc == 0 && is_first)
		rc = heap_rounds_open(d);
	if (rc == 0 && is_first && d->checks)
		rc = heap_taken_open(d);
	return rc;
}

void heap_office_close(struct heap *h)
{
	mirror_close(&h->mirror);
	free(h->rounds);
	free(h->living);
	heap_inbox_close(&h->inbox);
	heap_inbox_close(&h->changes);
}

/* --- at who serves --- */

int heap_serve(struct dsm *d, coh_node from, const struct coh_msg *m)
{
	const struct names_waiter who = {.node = from, .slot = m->slot,
	                                 .serial = d->view.on ? m->serial : 0};

	/* Those that view.on permits are all the mirror's. */
	switch (d->view.on ? 0 : m->svc.op) {
	case SVC_ROUND: heap_round_arrive(d, from, m); return 0;
	case SVC_WHERE: heap_serve_where(d, from, m); return 0;
	case SVC_NAME: heap_serve_name(d, from, m); return 0;
	default: return mirror_ask(&d->heap->mirror, &who, &m->svc);
	}
}

void heap_followed(struct dsm *d, coh_node from, const struct coh_msg *m)
{
	mirror_acked(&d->heap->mirror, from, m->svc.arg[0]);
}

static void copy(struct dsm *d)
{
	struct heap *h = d->heap;

	if (mirror_go_on(&h->mirror))
		d->engine.handled++; /* the service thread comes again */
	if (h->has_copy == h->mirror.copying)
		return;
	h->has_copy = h->mirror.copying;
	d->progress.kept += h->has_copy ? 1 : -1;
}

void heap_take_office(struct dsm *d)
{
	if (d->heap->has_view)
		mirror_view(&d->heap->mirror, d->view.members);
	d->heap->has_view = 0;
	copy(d);
}

/* --- at the deputy --- */

static struct served_change change_of(const struct coh_msg *m)
{
	struct served_change c = {.kind = m->svc.status & 0xff, .zone = m->svc.status >> 8 & 0xff,
	                          .node = (uint16_t)(m->svc.status >> 16), .slot = m->slot,
	                          .serial = m->serial,
	                          .arg = {m->svc.arg[0], m->svc.arg[1], m->svc.arg[2]}};

	memcpy(c.name, m->svc.name, sizeof c.name);
	return c;
}

/* Also of who has died since: that somebody may have been told of. */
void heap_follow_kept(struct dsm *d)
{
	struct heap_inbox *in = &d->heap->changes;
	const struct heap_kept *k;
	struct served_change c;
	int rc = 0;

	while (rc == 0 && (k = heap_inbox_first(in))) {
		c = change_of(&k->msg);
		rc = mirror_follow(&d->heap->mirror, k->from, &c);
		heap_inbox_drop(d, in);
	}
	if (rc == -ENOMEM)
		node_fail(d, "no memory for what another node serves");
	else if (rc)
		node_fail(d, "what another node serves does not go with what it told before");
	else
		mirror_ack(&d->heap->mirror);
}
