/* SPDX-License-Identifier: BSD-2-Clause */
/* Who lives, who is home to what then, and the frames that are kept for who may need them. */
#include <errno.h>

#include "coherence/sharers.h"
#include "coherence/view.h"

/* What is in tables by node, or in one step, is bounded. */
int coh_view_config_check(const struct coh_config *config)
{
	if (!config->survive)
		return 0;
	if (coh_sharers_wide(config) || (uint64_t)config->locks * config->nodes > INT32_MAX ||
	    coh_pages(config) > COH_MAX_HOME_PAGES || config->slots > COH_SELF_MAX / 4 ||
	    (uint32_t)config->slots * config->nodes >= COH_MAX_QUEUE)
		return -EINVAL;
	return 0;
}

uint64_t coh_view_lay_out(struct coh *c, uint64_t at)
{
	uint64_t pages = coh_pages(&c->cfg);

	if (!c->cfg.survive)
		return at;
	c->view.off_kept = at;
	at += pages * sizeof(struct kept);
	c->view.off_record = at = (at + 15) & ~UINT64_C(15);
	at += pages * sizeof(struct record);
	c->view.off_said = at = (at + 15) & ~UINT64_C(15);
	at += pages * c->cfg.nodes * sizeof(struct said);
	c->view.off_asked = at = (at + 15) & ~UINT64_C(15);
	at += c->cfg.slots * sizeof(struct coh_atomic);
	return (at + 15) & ~UINT64_C(15);
}

void coh_view_init(struct coh *c)
{
	if (c->cfg.survive)
		c->view.members = ~UINT64_C(0) >> (64 - c->cfg.nodes);
}

/* --- homes --- */

/* The first of those who live, from node on, in a circle. */
static coh_node heir_among(const struct coh_config *config, uint64_t members, coh_node node)
{
	while (!(members >> node & 1))
		node = node + 1u < config->nodes ? node + 1u : 0;
	return node;
}

coh_node coh_home_among(const struct coh_config *config, uint64_t members, uint64_t page)
{
	return heir_among(config, members, coh_home_of(config, page));
}

coh_node coh_heir(const struct coh *c, coh_node node)
{
	return c->cfg.survive ? heir_among(&c->cfg, c->view.members, node) : node;
}

coh_node coh_home(const struct coh *c, uint64_t page)
{
	return c->cfg.survive ? coh_home_among(&c->cfg, c->view.members, page)
	                      : coh_home_of(&c->cfg, page);
}

uint64_t coh_view_homes(const struct coh *c)
{
	uint64_t map = c->cfg.locks ? c->view.members : UINT64_C(1) << coh_heir(c, 0);

	for (uint64_t p = 0; p < coh_pages(&c->cfg); p = coh_block_end(&c->cfg, p))
		map |= UINT64_C(1) << coh_home(c, p);
	return map;
}

uint64_t coh_dir_number(const struct coh *c, uint64_t page)
{
	return c->cfg.survive ? page : coh_home_index(&c->cfg, page);
}

/* --- events --- */

/* What threads ask for, or others in their name. */
static int is_local(unsigned kind)
{
	switch (kind) {
	case COH_EV_MSG:
	case COH_EV_LANDED:
	case COH_EV_TIMER:
	case COH_EV_VIEW:
	case COH_EV_FENCED:
	case COH_EV_RECOVER: return 0;
	default: return 1;
	}
}

static int admits_msg(const struct coh *c, coh_node from, const struct coh_msg *m)
{
	if (c->view.next || m->view > c->view.number)
		return -EAGAIN;
	if (m->view < c->view.number && !MUTANT(OLD_VIEW_TAKEN))
		return 0;
	return from < c->cfg.nodes && (is_member(c, from) || MUTANT(OLD_VIEW_TAKEN)) ? 1 : -EPROTO;
}

int coh_view_admits(const struct coh *c, const struct coh_event *ev)
{
	if (ev->kind == COH_EV_MSG)
		return admits_msg(c, ev->from, &ev->msg);
	/* What is asked for now would be reported half done. */
	if (is_local(ev->kind) && (c->view.next || c->view.reporting))
		return -EAGAIN;
	return 1;
}

/* --- requests and kept frames --- */

uint32_t coh_view_serial(struct coh *c)
{
	if (!c->cfg.survive)
		return 0;
	if (++c->view.serial == 0)
		c->view.serial = 1; /* 0 is none */
	return c->view.serial;
}

void coh_view_keep(struct coh *c, const struct coh_msg *m)
{
	coh_node home;
	struct kept *k;

	if (!c->cfg.survive || MUTANT(NOTHING_KEPT))
		return;
	home = coh_home(c, m->page);
	if (home == c->cfg.self)
		return; /* it is the home's frame */
	k = kept_at(c, m->page);
	k->is = 1;
	k->node = m->flags & COH_F_PULL ? home : m->requestor;
	k->serial = m->flags & COH_F_PULL ? 0 : m->serial;
}

void coh_view_keep_no_more(struct coh *c, uint64_t page)
{
	struct kept *k;

	if (!c->cfg.survive)
		return;
	k = kept_at(c, page);
	k->is = 0;
	k->node = 0;
	k->serial = 0;
}

int coh_view_keeps(struct coh *c, uint64_t page)
{
	return c->cfg.survive && kept_at(c, page)->is;
}

void coh_forget_request(struct coh *c, coh_node node, uint64_t page, uint32_t serial)
{
	struct kept *k = kept_at(c, page);

	if (k->is && k->node == node && k->serial == serial)
		k->serial = 0;
	for (coh_node i = 0; i < c->cfg.nodes; i++) {
		struct said *s = said_at(c, page, i);
		if (s->kept && s->node == node && s->serial == serial)
			s->serial = 0;
	}
}

void coh_forget_atomic(struct coh *c, coh_node node, uint64_t page, uint32_t serial)
{
	struct kept *k = kept_at(c, page);

	if (k->ran_node == node && k->ran_serial == serial)
		k->ran_node = 0, k->ran_serial = 0;
	for (coh_node i = 0; i < c->cfg.nodes; i++) {
		struct said *s = said_at(c, page, i);
		if (s->ran_node == node && s->ran_serial == serial)
			s->ran_node = 0, s->ran_serial = 0;
	}
}

/* --- atomics --- */

void coh_view_ran(struct coh *c, uint64_t page, coh_node requestor, uint32_t serial)
{
	struct kept *k;

	if (!c->cfg.survive || MUTANT(RESULT_FORGOTTEN))
		return;
	k = kept_at(c, page);
	k->ran_node = requestor;
	k->ran_serial = serial;
}

void coh_keep_result(struct coh *c, uint64_t page, uint64_t result)
{
	if (c->cfg.survive)
		kept_at(c, page)->ran_result = result;
}

void coh_view_asks(struct coh *c, unsigned slot, const struct coh_atomic *atomic)
{
	if (c->cfg.survive)
		*asked_at(c, slot) = *atomic;
}

/* --- inspection --- */

uint32_t coh_view(const struct coh *c)
{
	return c->view.number;
}

int coh_is_rebuilding(const struct coh *c)
{
	return c->view.rebuilding;
}

/* --- other names for the nodes --- */

void coh_view_permute(struct coh *c, const coh_node *perm)
{
	if (!c->cfg.survive)
		return;
	coh_map_permute(&c->cfg, &c->view.members, perm);
	coh_map_permute(&c->cfg, &c->view.next_members, perm);
	coh_map_permute(&c->cfg, &c->view.before, perm);
	coh_map_permute(&c->cfg, &c->view.unreported, perm);
	for (uint64_t p = 0; p < coh_pages(&c->cfg); p++) {
		struct record *r = record_at(c, p);
		struct said kept[64] = {{0}};
		if (kept_at(c, p)->is)
			kept_at(c, p)->node = perm[kept_at(c, p)->node];
		if (r->kind > REC_CURRENT && r->kind < REC_BACKUP)
			r->node = perm[r->node];
		if (kept_at(c, p)->ran_serial)
			kept_at(c, p)->ran_node = perm[kept_at(c, p)->ran_node];
		for (coh_node i = 0; i < c->cfg.nodes; i++) {
			kept[perm[i]] = *said_at(c, p, i);
			if (kept[perm[i]].ran_serial)
				kept[perm[i]].ran_node = perm[kept[perm[i]].ran_node];
			if (kept[perm[i]].kept)
				kept[perm[i]].node = perm[kept[perm[i]].node];
		}
		for (coh_node i = 0; i < c->cfg.nodes; i++)
			*said_at(c, p, i) = kept[i];
	}
}
