/* SPDX-License-Identifier: BSD-2-Clause */
/* The cluster of cores: carrying out effects, and checking after every event. */
#include "tests/coherence/cluster.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coherence/wire.h"

/* --- words --- */

void cluster_say(struct cluster *c, const char *format, ...)
{
	size_t room = sizeof c->text - c->text_len;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(c->text + c->text_len, room, format, args);
	va_end(args);
	c->text_len += (size_t)n < room ? (size_t)n : room - 1;
}

void cluster_wrong(struct cluster *c, const char *format, ...)
{
	va_list args;

	if (c->error[0])
		return;
	va_start(args, format);
	vsnprintf(c->error, sizeof c->error, format, args);
	va_end(args);
}

static const char *access_name(unsigned access)
{
	static const char *const name[] = { "NONE", "READ", "WRITE" };

	return access <= COH_WRITE ? name[access] : "?";
}

/* --- landings: node and page, so that a mistaken one is seen --- */

static struct coh_landing landing_make(coh_node node, uint64_t page)
{
	struct coh_landing l = { { 0xa5, (uint8_t)node, (uint8_t)page } };

	return l;
}

/* --- checks --- */

static void check_page(struct cluster *c, uint32_t page)
{
	unsigned writers = 0, readers = 0;

	for (coh_node i = 0; i < c->cfg.nodes; i++) {
		const struct cluster_frame *f = &c->node[i].frame[page];
		writers += f->access == COH_WRITE;
		readers += f->access == COH_READ;
		if (f->access != COH_NONE && f->value != c->truth[page])
			cluster_wrong(c, "node %u may read page %u: %llu instead of %llu", i, page,
			              (unsigned long long)f->value,
			              (unsigned long long)c->truth[page]);
		for (unsigned k = 0; k < c->moves; k++) {
			const struct cluster_move *m = &c->move[k];
			int in = page >= m->page && page < m->page + m->n;
			if (in && m->to == i && f->access != COH_NONE)
				cluster_wrong(c, "node %u may read page %u, which is to land", i,
				              page);
			if (in && m->from == i && f->access == COH_WRITE)
				cluster_wrong(c, "node %u may write page %u, which is leaving", i,
				              page);
		}
	}
	if (writers > 1 || (writers && readers))
		cluster_wrong(c, "page %u has %u writers and %u readers", page, writers, readers);
}

static void check(struct cluster *c)
{
	for (uint32_t p = 0; p < c->cfg.zone[0].count; p++)
		check_page(c, p);
}

/* --- effects --- */

void cluster_frame_drop(struct cluster *c, coh_node node, uint64_t page)
{
	struct cluster_frame *f = &c->node[node].frame[page];

	if (f->access != COH_NONE)
		cluster_wrong(c, "node %u drops the frame of page %u under its window", node,
		              (unsigned)page);
	f->drop = f->pins > 0;
	if (!f->drop)
		f->value = 0;
}

static void put_message(struct cluster *c, coh_node from, coh_node to, const struct coh_msg *m)
{
	struct cluster_queue *q = &c->queue[from][to];
	unsigned at = (q->head + q->len) % CLUSTER_QUEUE;

	cluster_say(c, " %s>%u", coh_msg_name(m->type), to);
	if (q->len == CLUSTER_QUEUE) {
		cluster_wrong(c, "the queue from %u to %u is full", from, to);
		return;
	}
	q->msg[at].len = coh_wire_encode(m, q->msg[at].bytes);
	q->len++;
}

static void fx_send(struct cluster *c, coh_node node, struct coh_effect *e)
{
	if (e->fill & COH_FILL_LANDING)
		e->msg.landing = landing_make(node, e->msg.page);
	if (e->fill & COH_FILL_REFRESH)
		e->msg.refresh = landing_make(node, e->msg.page);
	for (unsigned i = 0; e->fill && i < e->msg.n; i++)
		c->node[node].frame[e->msg.page + i].drop = 0;
	put_message(c, node, e->node, &e->msg);
}

static void fx_move(struct cluster *c, coh_node node, const struct coh_effect *e)
{
	struct coh_landing l = landing_make(e->node, e->page);

	cluster_say(c, " page %u>%u", (unsigned)e->page, e->node);
	if (e->n > 1)
		cluster_say(c, "+%u", e->n);
	if (memcmp(&l, &e->landing, sizeof l))
		cluster_wrong(c, "page %u leaves for a landing that is not node %u's",
		              (unsigned)e->page, e->node);
	if (c->moves == CLUSTER_QUEUE) {
		cluster_wrong(c, "too many page writes");
		return;
	}
	for (unsigned i = 0; i < e->n; i++)
		c->node[node].frame[e->page + i].pins++;
	c->move[c->moves++] = (struct cluster_move){
		.from = node, .to = e->node, .n = e->n, .page = (uint32_t)e->page, .tag = e->tag
	};
}

static void call_done(struct cluster *c, coh_node node, uint64_t cookie, int status,
                      uint64_t result)
{
	struct cluster_call *call;

	cluster_say(c, " done");
	if (cookie == 0 || cookie > c->cookies || c->node[node].call[cookie].done) {
		cluster_wrong(c, "node %u completes a call that nobody waits for", node);
		return;
	}
	call = &c->node[node].call[cookie];
	*call = (struct cluster_call){ .done = 1, .status = status, .result = result };
}

static void fx_atomic(struct cluster *c, coh_node node, const struct coh_effect *e)
{
	struct cluster_frame *f = &c->node[node].frame[e->page];
	uint64_t old = f->value;

	cluster_say(c, " atomic %u", (unsigned)e->page);
	if (old != c->truth[e->page])
		cluster_wrong(c, "an atomic on page %u finds %llu", (unsigned)e->page,
		              (unsigned long long)old);
	f->value += e->atomic.operand;
	c->truth[e->page] = f->value;
	if (e->node == node) {
		call_done(c, node, e->cookie, 0, old);
	} else {
		struct coh_msg m = { .type = COH_MSG_ATOMIC_RESP,
			             .slot = e->slot,
			             .n = 1,
			             .page = e->page,
			             .result = old };
		put_message(c, node, e->node, &m);
	}
}

static void fx_compare(struct cluster *c, coh_node node, const struct coh_effect *e)
{
	struct cluster_node *n = &c->node[node];
	struct coh_msg m = { .type = COH_MSG_COMPARED, .n = 1, .page = e->page };
	uint64_t value = n->frame[e->page].value;

	cluster_say(c, " compare %u", (unsigned)e->page);
	if (value != c->truth[e->page])
		cluster_wrong(c, "a word of page %u is compared that is not the last",
		              (unsigned)e->page);
	m.futex.value = value == e->futex.value;
	if (e->node == node)
		n->compared[n->n_compared++] = (struct coh_event){
			.kind = COH_EV_COMPARED, .page = e->page, .futex = m.futex
		};
	else
		put_message(c, node, e->node, &m);
}

static void fx_wake(struct cluster *c, coh_node node, uint64_t page, uint16_t n)
{
	cluster_say(c, " wake");
	for (unsigned i = 0; i < CLUSTER_THREADS; i++) {
		struct cluster_thread *t = &c->node[node].thread[i];
		if (t->busy && t->page >= page && t->page < page + n)
			t->retry = 1;
	}
}

/* A discarded page is zero, for everybody. */
static void fx_zero(struct cluster *c, coh_node node, const struct coh_effect *e)
{
	cluster_say(c, e->kind == COH_FX_ZERO_FRAME ? " zero %u" : " discard %u",
	            (unsigned)e->page);
	for (uint64_t page = e->page; page < e->page + e->n; page++) {
		c->node[node].frame[page].value = 0;
		if (e->kind == COH_FX_DISCARD_FRAME)
			c->truth[page] = 0;
		for (coh_node i = 0; i < c->cfg.nodes; i++)
			if (e->kind == COH_FX_DISCARD_FRAME && c->node[i].frame[page].access)
				cluster_wrong(c, "page %u is discarded and node %u has it",
				              (unsigned)page, i);
	}
}

static void carry_out(struct cluster *c, coh_node node, struct coh_effect *e)
{
	struct cluster_node *n = &c->node[node];

	switch (e->kind) {
	case COH_FX_SET_ACCESS:
		cluster_say(c, " %u=%s", (unsigned)e->page, access_name(e->access));
		for (unsigned i = 0; i < e->n; i++)
			n->frame[e->page + i].access = e->access;
		break;
	case COH_FX_WAKE: fx_wake(c, node, e->page, e->n); break;
	case COH_FX_SEND: fx_send(c, node, e); break;
	case COH_FX_MOVE: fx_move(c, node, e); break;
	case COH_FX_TIMER:
		cluster_say(c, " timer %u", e->slot);
		if (n->timer[e->slot]++)
			cluster_wrong(c, "node %u arms timer %u twice", node, e->slot);
		break;
	case COH_FX_ATOMIC: fx_atomic(c, node, e); break;
	case COH_FX_COMPARE: fx_compare(c, node, e); break;
	case COH_FX_DROP_FRAME:
		cluster_say(c, " drop %u", (unsigned)e->page);
		for (unsigned i = 0; i < e->n; i++)
			cluster_frame_drop(c, node, e->page + i);
		break;
	case COH_FX_ZERO_FRAME:
	case COH_FX_DISCARD_FRAME: fx_zero(c, node, e); break;
	case COH_FX_COMPLETE:
		call_done(c, node, e->cookie, e->status, e->result);
		if (e->cookie <= c->cookies)
			n->call[e->cookie].n = e->n;
		break;
	default: cluster_wrong(c, "unknown effect %u", e->kind);
	}
	check(c);
}

/* --- events --- */

static void retry_threads(struct cluster *c, coh_node node);

int cluster_step(struct cluster *c, coh_node node, const struct coh_event *ev)
{
	struct cluster_node *n = &c->node[node];
	size_t size = coh_size(coh_config_of(n->coh));
	int rc;

	memcpy(n->before, n->coh, size);
	rc = coh_step(n->coh, ev, &n->fx);
	cluster_say(c, ":");
	if (rc) {
		cluster_say(c, " %s", strerrorname_np(-rc));
		if (n->fx.len || memcmp(n->before, n->coh, size))
			cluster_wrong(c, "node %u changed its state and answered %d", node, rc);
	}
	if (coh_invariant(n->coh))
		cluster_wrong(c, "node %u: %s", node, coh_invariant(n->coh));
	for (unsigned i = 0; i < n->fx.len; i++)
		carry_out(c, node, &n->fx.list[i]);
	for (unsigned i = 0; i < COH_ROWS_MAX; i++)
		c->row_taken[i] |= n->fx.row_taken[i];
	cluster_say(c, "\n");
	while (n->n_compared) {
		struct coh_event told = n->compared[--n->n_compared];
		cluster_say(c, "%u compared", node);
		cluster_step(c, node, &told);
	}
	retry_threads(c, node);
	return rc;
}

int cluster_fault(struct cluster *c, coh_node node, struct cluster_thread *t)
{
	struct coh_event ev = { .kind = t->write ? COH_EV_WRITE : COH_EV_READ, .page = t->page,
		                .n = t->n };
	struct cluster_frame *f = &c->node[node].frame[t->page];
	int rc;

	if (f->access >= (t->write ? COH_WRITE : COH_READ)) {
		if (t->write) {
			f->value = t->value;
			c->truth[t->page] = t->value;
		}
		t->busy = 0;
		check(c);
		return 1;
	}
	t->busy = 1;
	cluster_say(c, "%u %s %u", node, t->write ? "writes" : "reads", t->page);
	rc = cluster_step(c, node, &ev);
	if (rc)
		t->busy = 0;
	return rc ? rc : !t->busy;
}

static void retry_threads(struct cluster *c, coh_node node)
{
	for (unsigned i = 0; i < CLUSTER_THREADS; i++) {
		struct cluster_thread *t = &c->node[node].thread[i];
		if (!t->busy || !t->retry)
			continue;
		t->retry = 0;
		cluster_fault(c, node, t);
	}
}

/* --- looking --- */

unsigned cluster_queued(const struct cluster *c, coh_node from, coh_node to)
{
	return c->queue[from][to].len;
}

int cluster_is_blocked(const struct cluster *c, coh_node node, uint32_t page)
{
	for (unsigned i = 0; i < CLUSTER_THREADS; i++)
		if (c->node[node].thread[i].busy && c->node[node].thread[i].page == page)
			return 1;
	return 0;
}

struct coh_page_info cluster_info(const struct cluster *c, coh_node node, uint32_t page)
{
	struct coh_page_info info;

	coh_page_info(c->node[node].coh, page, &info);
	return info;
}

int cluster_is_quiet(const struct cluster *c)
{
	unsigned busy = c->moves;

	for (coh_node i = 0; i < c->cfg.nodes; i++) {
		busy += !coh_is_quiet(c->node[i].coh);
		for (coh_node k = 0; k < c->cfg.nodes; k++)
			busy += c->queue[i][k].len;
		for (unsigned k = 0; k < CLUSTER_THREADS; k++)
			busy += c->node[i].thread[k].busy;
	}
	return !busy;
}

void cluster_forget(struct cluster *c)
{
	c->text_len = 0;
	c->text[0] = 0;
}

int cluster_expect(struct cluster *c, const char *text)
{
	int same = !strcmp(c->text, text);

	if (!same)
		fprintf(stderr, "expected:\n%ssaw:\n%s", text, c->text);
	cluster_forget(c);
	return same;
}

const char *cluster_error(const struct cluster *c)
{
	return c->error[0] ? c->error : NULL;
}

/* --- life --- */

struct coh_config cluster_config(coh_node nodes, unsigned pages)
{
	return (struct coh_config){
		.nodes = nodes,
		.n_zones = 1,
		.zone = { { .count = pages, .block_pages = 1 } },
		.per_home = 8,
		.slots = 8,
		.holds = 0,
		.locks = 4,
		.sync_slots = 4,
		.futex_slots = 4,
	};
}

struct cluster *cluster_new(const struct coh_config *config)
{
	struct cluster *c = calloc(1, sizeof *c);

	if (!c || coh_config_check(config) || config->nodes > CLUSTER_NODES ||
	    config->zone[0].count > CLUSTER_PAGES || config->holds > CLUSTER_PAGES)
		abort();
	c->cfg = *config;
	for (coh_node i = 0; i < config->nodes; i++) {
		struct cluster_node *n = &c->node[i];
		struct coh_config cfg = *config;
		cfg.self = i;
		n->coh = coh_init(calloc(1, coh_size(&cfg)), &cfg);
		n->before = calloc(1, coh_size(&cfg));
		n->fx.cap = coh_effects_max(&cfg);
		n->fx.list = calloc(n->fx.cap, sizeof *n->fx.list);
		n->fx.self_queue = calloc(COH_SELF_MAX, sizeof *n->fx.self_queue);
	}
	return c;
}

void cluster_free(struct cluster *c)
{
	for (coh_node i = 0; i < c->cfg.nodes; i++) {
		free(c->node[i].coh);
		free(c->node[i].before);
		free(c->node[i].fx.list);
		free(c->node[i].fx.self_queue);
	}
	free(c);
}
