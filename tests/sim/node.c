/* SPDX-License-Identifier: BSD-2-Clause */
/* One node: its core is stepped and the effects are carried out, each with its checks. */
#include <errno.h>

#include "tests/sim/sim.h"

static int is_home(const struct sim *s, uint16_t node, uint32_t page)
{
	return coh_home_of(coh_config_of(s->nodes[0].coh), page) == node;
}

/* --- frames --- */

/* The frame is allocated: zeros, until something lands. */
void node_allocate(struct sim *s, uint16_t node, uint32_t page)
{
	frame_at(s, node, page)->resident = 1;
	memory_got(s, node, page);
}

void node_punch_if_free(struct sim *s, uint16_t node, uint32_t page)
{
	struct frame *f = frame_at(s, node, page);

	if (!f->drop || f->pins)
		return;
	SIM_CHECK(s, f->access == COH_NONE && !f->incoming && f->resident,
	          "node %u punches page %u, which is in use", node, page);
	f->drop = 0;
	f->resident = 0;
	f->version = 0;
	memory_gone(s, node, page);
}

/* --- what a request has cost --- */

static enum cost_kind cost_kind(const struct frame *f, enum coh_access access)
{
	if (access == COH_READ)
		return f->forwarded ? COST_READ_FWD : COST_READ;
	if (f->forwarded)
		return COST_WRITE_FWD;
	if (f->upgrade)
		return f->invs ? COST_UPGRADE_INV : COST_UPGRADE;
	return f->invs ? COST_WRITE_INV : COST_WRITE;
}

/* A grant has come: the request of page (the first of a run) is complete. */
static void cost_close(struct sim *s, uint16_t node, uint32_t page, enum coh_access access)
{
	struct frame *f = frame_at(s, node, page);
	struct cost *c = &s->stats.cost[cost_kind(f, access)];
	uint32_t limit = access == COH_WRITE ? 2u * f->invs + 4 : f->forwarded ? 5 : 3;

	if (!is_home(s, node, page)) {
		f->messages++; /* Done, which leaves in this step */
		f->bytes += s->msg_bytes[COH_MSG_DONE];
	}
	if (f->forwarded && access == COH_READ && !is_home(s, node, page)) {
		f->messages++; /* the refresh of the home */
		f->bytes += page_bytes(s, page);
	}
	SIM_CHECK(s, f->messages <= limit, "a %s miss of node %u cost %u messages with %u Inv",
	          access == COH_WRITE ? "write" : "read", node, f->messages, f->invs);
	if (f->messages) { /* else it was all at home */
		c->n++;
		c->messages += f->messages;
		c->hops += f->hops + (f->invs ? 2 : 0);
		c->bytes += f->bytes;
		c->invs += f->invs;
	}
	f->messages = f->invs = f->hops = f->forwarded = f->upgrade = 0;
	f->bytes = 0;
}

/* --- tenures: the policy is the node's own (dsm/node/tenure.c) --- */

void node_arm(struct sim *s, uint16_t node)
{
	struct node *n = &s->nodes[node];

	if (n->tenure.next_ns >= n->armed_ns)
		return;
	n->armed_ns = n->tenure.next_ns > s->now ? n->tenure.next_ns : s->now;
	heap_push(&s->heap, n->armed_ns, REF(EV_TIMER, node));
}

void node_timer(struct sim *s, uint16_t node)
{
	struct node *n = &s->nodes[node];
	struct coh_event ev;
	int slot;

	if (s->now != n->armed_ns)
		return; /* an earlier one has come in between */
	n->armed_ns = UINT64_MAX;
	ev.kind = COH_EV_TIMER;
	while ((slot = tenure_due(&n->tenure, s->now)) >= 0) {
		ev.slot = slot;
		node_step(s, node, &ev);
	}
	node_arm(s, node);
}

void node_call(struct sim *s, const struct thread *t)
{
	struct tenure *tenure = &s->nodes[t->node].tenure;
	struct coh_event ev;
	unsigned ended = 0;
	int slot;

	tenure_thread_calls(tenure, t->index + 1u, s->now);
	ev.kind = COH_EV_TIMER;
	while ((slot = tenure_thread_done(tenure, t->index + 1u)) >= 0) {
		SIM_CHECK(s, ended++ < s->cfg.holds, "a tenure of node %u does not end", t->node);
		ev.slot = slot;
		node_step(s, t->node, &ev);
	}
}

/* --- effects --- */

static void raise_access(struct sim *s, uint16_t node, uint32_t page, enum coh_access access)
{
	struct frame *f = frame_at(s, node, page);
	struct page *p = &s->pages[page];

	SIM_CHECK(s, f->resident && !f->incoming && !f->drop,
	          "node %u maps page %u, whose frame is not whole", node, page);
	SIM_CHECK(s, f->version == p->version, "node %u maps page %u at version %u, newest is %u",
	          node, page, f->version, p->version);
	p->readers -= f->access == COH_READ;
	SIM_CHECK(s, !p->writers && (access == COH_READ || !p->readers),
	          "SWMR: node %u gets %s access to page %u with %u readers and %u writers", node,
	          access == COH_WRITE ? "write" : "read", page, p->readers, p->writers);
	p->readers += access == COH_READ;
	p->writers += access == COH_WRITE;
	f->access = access;
	f->landing = 0;
}

static void lower_access(struct sim *s, uint16_t node, uint32_t page, enum coh_access access)
{
	struct frame *f = frame_at(s, node, page);
	struct page *p = &s->pages[page];

	p->readers -= f->access == COH_READ;
	p->writers -= f->access == COH_WRITE;
	p->readers += access == COH_READ;
	f->access = access;
}

static void set_access(struct sim *s, uint16_t node, const struct coh_effect *e)
{
	if (e->access != COH_WRITE)
		tenure_lowered(&s->nodes[node].tenure, e->page, e->n);
	for (uint32_t page = e->page; page < e->page + e->n; page++) {
		struct frame *f = frame_at(s, node, page);
		if (!f->resident && is_home(s, node, page))
			f->resident = 1; /* reserved from the start */
		if (e->access != COH_NONE && is_home(s, node, page))
			f->drop = 0; /* it was discarded, and is of use again */
		if (e->access > f->access) {
			raise_access(s, node, page, e->access);
			if (page == e->page)
				cost_close(s, node, page, e->access);
		} else if (e->access < f->access) {
			lower_access(s, node, page, e->access);
		}
		if (e->access == COH_NONE)
			evict_lost(&s->nodes[node].evict, page);
	}
}

static void send(struct sim *s, uint16_t node, const struct coh_effect *e)
{
	if (e->msg.type == COH_MSG_INV_ACK)
		SIM_CHECK(s, frame_at(s, node, e->page)->access == COH_NONE,
		          "node %u acks an Inv of page %u with access left", node,
		          (unsigned)e->page);
	futex_send(s, e);
	net_send(s, node, e);
}

static void atomic(struct sim *s, uint16_t node, const struct coh_effect *e)
{
	uint64_t old = thread_atomic(s, node, e->page, &e->atomic);
	struct coh_effect answer;

	if (e->node == node) {
		thread_complete(s, e->cookie, 0, old);
		return;
	}
	answer.kind = COH_FX_SEND;
	answer.node = e->node;
	answer.fill = 0;
	answer.page = e->page;
	answer.msg = (struct coh_msg){
		.type = COH_MSG_ATOMIC_RESP, .slot = e->slot, .page = e->page, .n = 1, .result = old
	};
	net_send(s, node, &answer);
}

static void zero(struct sim *s, uint16_t node, uint32_t page)
{
	struct frame *f = frame_at(s, node, page);

	SIM_CHECK(s, f->access == COH_NONE && !f->incoming && !f->reading,
	          "node %u zeroes the frame of page %u, which is in use", node, page);
	f->version = 0;
}

/* Frames of homes: the pages are zero from now on. */
static void discard(struct sim *s, uint16_t node, uint32_t page)
{
	struct page *p = &s->pages[page];

	SIM_CHECK(s, is_home(s, node, page) && !p->readers && !p->writers,
	          "page %u is discarded with %u readers and %u writers", page, p->readers,
	          p->writers);
	p->version = 0;
	zero(s, node, page);
}

static void drop(struct sim *s, uint16_t node, uint32_t page)
{
	frame_at(s, node, page)->drop = frame_at(s, node, page)->resident;
	node_punch_if_free(s, node, page);
}

static void clear_frames(struct sim *s, uint16_t node, const struct coh_effect *e)
{
	for (uint32_t page = e->page; page < e->page + e->n; page++) {
		if (e->kind == COH_FX_ZERO_FRAME)
			zero(s, node, page);
		if (e->kind == COH_FX_DISCARD_FRAME)
			discard(s, node, page);
		if (e->kind != COH_FX_ZERO_FRAME)
			drop(s, node, page);
	}
}

/* What a page's thread writes is seen by the version of the frame, which nobody has changed since he
 * was woken in the same step. */
static void hold_start(struct sim *s, uint16_t node, const struct coh_effect *e)
{
	struct node *n = &s->nodes[node];
	const struct frame *f = frame_at(s, node, e->page);
	struct looked w = {.page = e->page, .at = &f->version, .bytes = 4, .was = f->version};
	const int looked = n->woken && f->access == COH_WRITE;

	if (looked) {
		const struct thread *t = &s->threads[node * s->cfg.threads + n->woken - 1];

		w.thread = n->woken;
		w.missed = !t->upgrade;
		looks_given(&n->tenure.looks, &w, t->at);
	}
	tenure_start(&n->tenure, e->slot, n->woken, looked ? &w : NULL, s->now);
	node_arm(s, node);
}

static void carry_out(struct sim *s, uint16_t node, const struct coh_effect *e)
{
	switch (e->kind) {
	case COH_FX_SET_ACCESS: set_access(s, node, e); break;
	case COH_FX_WAKE: thread_wake(s, node, e->page, e->n); break;
	case COH_FX_SEND: send(s, node, e); break;
	case COH_FX_MOVE: net_move(s, node, e); break;
	case COH_FX_TIMER: hold_start(s, node, e); break;
	case COH_FX_ATOMIC: atomic(s, node, e); break;
	case COH_FX_COMPARE: futex_compare(s, node, e); break;
	case COH_FX_DROP_FRAME:
	case COH_FX_ZERO_FRAME:
	case COH_FX_DISCARD_FRAME: clear_frames(s, node, e); break;
	case COH_FX_COMPLETE: thread_complete(s, e->cookie, e->status, e->result); break;
	default: sim_fail(s, "effect %u", e->kind);
	}
}

/* As in earnest: at once. */
static void tell_compared(struct sim *s, uint16_t node)
{
	struct coh_event ev;

	while (s->n_compared) {
		s->n_compared--;
		ev.kind = COH_EV_COMPARED;
		ev.page = s->compared[s->n_compared].page;
		ev.futex.value = s->compared[s->n_compared].equal;
		node_step(s, node, &ev);
	}
}

int node_step(struct sim *s, uint16_t node, const struct coh_event *ev)
{
	struct coh_effects *fx = &s->fx;
	int rc = coh_step(s->nodes[node].coh, ev, fx);

	s->stats.steps++;
	SIM_CHECK(s, rc != -EPROTO && rc != -EINVAL, "node %u refuses event %u (%s from %u): %d",
	          node, ev->kind, ev->kind == COH_EV_MSG ? coh_msg_name(ev->msg.type) : "-",
	          ev->kind == COH_EV_MSG ? ev->from : node, rc);
	if (rc) {
		SIM_CHECK(s, fx->len == 0, "a refused event has effects");
		return rc;
	}
	s->nodes[node].stepped = 1;
	futex_stepped(s, node);
	for (uint32_t i = 0; i < fx->len; i++)
		carry_out(s, node, &fx->list[i]);
	for (unsigned i = 0; i < COH_COUNTS; i++)
		s->stats.count[i] += fx->count[i];
	if (fx->count[COH_N_DEFERRED]) {
		tenure_wanted(&s->nodes[node].tenure, fx->deferred,
		              fx->deferred_type == COH_MSG_FWD_GETS, s->now);
		node_arm(s, node);
	}
	for (unsigned i = 0; i < COH_ROWS_MAX; i++)
		s->stats.row[i] |= fx->row_taken[i];
	if (s->n_compared) {
		uint32_t consumed = fx->consumed;
		tell_compared(s, node);
		fx->consumed = consumed;
	}
	return 0;
}
