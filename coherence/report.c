/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a node tells the homes of a new view: every page that it has, every frame that it has kept,
 * every request that the view has ended, every mutex that a thread of its holds, and where it is in
 * the barrier. The last one says so: who has all of them knows.
 */
#include "coherence/view.h"

/* Of one step: a node may report to itself, too. */
#define SOME (COH_SELF_MAX / 4)

static uint8_t access_of(const struct line *line)
{
	/* Written, and nobody else has seen it: still its own (secure.h). */
	return line->state == COH_C_MS_A ? COH_WRITE : (uint8_t)coh_access_of(line->state);
}

/* An atomic is asked for again, by its old number: who has done it tells what was there. So is a
 * discard, of what nobody needs: it may be done twice. */
static void ask_again(struct coh *c, struct coh_effects *fx)
{
	for (unsigned i = 0; i < c->cfg.slots; i++) {
		struct request *r = request_at(c, i);
		struct coh_msg *m;
		if (!r->type || (r->type == COH_MSG_DISCARD && MUTANT(DISCARD_ASKED_ONCE)))
			continue;
		r->home = coh_home(c, r->page);
		++*out_at(c, r->home);
		m = coh_fx_send(c, fx, r->home, r->type, r->page);
		m->slot = (uint16_t)i;
		m->n = r->type == COH_MSG_DISCARD ? r->n : 1;
		m->flags = r->flags;
		m->serial = MUTANT(ATOMIC_RENUMBERED) ? 0 : r->serial;
		if (r->type == COH_MSG_ATOMIC)
			m->atomic = *asked_at(c, i);
	}
}

static unsigned report_ran(struct coh *c, struct coh_effects *fx, uint64_t page)
{
	const struct kept *k = kept_at(c, page);
	struct coh_msg *m;

	if (!k->ran_serial)
		return 0;
	m = coh_fx_send(c, fx, coh_home(c, page), COH_MSG_REPORT, page);
	m->flags = COH_F_RAN;
	m->requestor = k->ran_node;
	m->serial = k->ran_serial;
	m->result = k->ran_result;
	return 1;
}

/* Returns whether there was anything to report. */
static unsigned report_page(struct coh *c, struct coh_effects *fx, uint64_t page)
{
	struct kept *k = kept_at(c, page);
	uint8_t access = access_of(line_at(c, page));
	struct coh_msg *m;

	if (MUTANT(WANTED_UNTOLD))
		k->wanted = 0;
	if (MUTANT(DEAD_HOMES_ONLY) && coh_home_of(&c->cfg, page) == coh_home(c, page))
		return 0;
	if (!access && !k->is && !k->wanted)
		return 0;
	m = coh_fx_send(c, fx, coh_home(c, page), COH_MSG_REPORT, page);
	m->access = access;
	m->flags = k->is ? COH_F_KEPT : 0;
	m->requestor = k->is ? k->node : 0;
	m->serial = k->is ? k->serial : 0;
	m->result = k->wanted;
	k->wanted = 0;
	return 1;
}

/* The newest report of this step to node, or NULL. */
static struct coh_msg *newest_to(struct coh *c, struct coh_effects *fx, coh_node node)
{
	struct coh_msg *m;

	if (node == c->cfg.self) {
		m = &fx->self_queue[(fx->self_head + fx->self_len - 1) % COH_SELF_MAX];
		return fx->self_len && m->type == COH_MSG_REPORT ? m : NULL;
	}
	for (uint32_t i = fx->len; i-- > 0;)
		if (fx->list[i].kind == COH_FX_SEND && fx->list[i].node == node)
			return fx->list[i].msg.type == COH_MSG_REPORT ? &fx->list[i].msg : NULL;
	return NULL;
}

static void report_last(struct coh *c, struct coh_effects *fx, coh_node node)
{
	struct coh_msg *m = newest_to(c, fx, node);

	if (!m)
		m = coh_fx_send(c, fx, node, COH_MSG_REPORT, 0);
	m->flags |= COH_F_LAST;
}

/* Returns how many messages it takes. */
static unsigned report_part(struct coh *c, struct coh_effects *fx, uint64_t at)
{
	uint64_t pages = coh_pages(&c->cfg);

	if (at >= pages)
		return coh_sync_report(c, fx, at - pages);
	return report_ran(c, fx, at) + report_page(c, fx, at);
}

/* Parts are pages, and then what there is of objects and waits. */
static uint64_t next_part(const struct coh *c, uint64_t at)
{
	return at < coh_pages(&c->cfg) ? coh_view_next_used(c, at) : at;
}

void coh_view_report(struct coh *c, struct coh_effects *fx)
{
	uint64_t parts = coh_pages(&c->cfg) + coh_sync_parts(c), map;
	unsigned n = 0;

	if (!c->view.report_at) {
		ask_again(c, fx);
		n += coh_barrier_report(c, fx);
	}
	while ((c->view.report_at = next_part(c, c->view.report_at)) < parts && n < SOME)
		n += report_part(c, fx, c->view.report_at++);
	if (c->view.report_at < parts)
		return;
	map = coh_view_homes(c);
	for (coh_node i = 0; i < c->cfg.nodes; i++)
		if (map >> i & 1)
			report_last(c, fx, i);
	c->view.reporting = 0;
	c->view.report_at = 0;
}
