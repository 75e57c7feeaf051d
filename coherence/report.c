/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a node tells the homes of a new view: every page that it has, every frame that it has kept,
 * every request that the view has ended. The last one says so: who has all of them knows.
 */
#include "coherence/view.h"

/* Of one step: a node may report to itself, too. */
#define SOME (COH_SELF_MAX / 4)

static uint8_t access_of(const struct line *line)
{
	return (uint8_t)coh_access_of(line->state);
}

/* An atomic is asked for again, by its old number: who has done it tells what was there. */
static void ask_again(struct coh *c, struct coh_effects *fx)
{
	for (unsigned i = 0; i < c->cfg.slots; i++) {
		struct request *r = request_at(c, i);
		struct coh_msg *m;
		if (r->type != COH_MSG_ATOMIC)
			continue;
		r->home = coh_home(c, r->page);
		++*out_at(c, r->home);
		m = coh_fx_send(c, fx, r->home, COH_MSG_ATOMIC, r->page);
		m->slot = (uint16_t)i;
		m->serial = MUTANT(ATOMIC_RENUMBERED) ? 0 : r->serial;
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

void coh_view_report(struct coh *c, struct coh_effects *fx)
{
	uint64_t pages = coh_pages(&c->cfg), map;
	unsigned n = 0;

	if (!c->view.report_at)
		ask_again(c, fx);
	while ((c->view.report_at = coh_view_next_used(c, c->view.report_at)) < pages && n < SOME) {
		n += report_ran(c, fx, c->view.report_at) +
		     report_page(c, fx, c->view.report_at);
		c->view.report_at++;
	}
	if (c->view.report_at < pages)
		return;
	map = coh_view_homes(c);
	for (coh_node i = 0; i < c->cfg.nodes; i++)
		if (map >> i & 1)
			report_last(c, fx, i);
	c->view.reporting = 0;
	c->view.report_at = 0;
}
