/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a node has of others' secure pages: the second copy, for the page's home; and as the stand-in of a node
 * what that is going to push. Such a page lands and is not taken into the frame: only if the owner dies,
 * and had said that this was all of it, this node does so and goes on in its place (inherit.c).
 */
#include <errno.h>

#include "coherence/cache/cache.h"
#include "coherence/secure.h"

/* --- the second node --- */

int coh_cache_copy(struct coh *c, coh_node from, const struct coh_msg *m, struct coh_effects *fx)
{
	if (!c->cfg.secure_pages || !is_secure(c, m->page) || from != coh_home(c, m->page) ||
	    coh_second(c, m->page) != c->cfg.self ||
	    coh_access_of(line_at(c, m->page)->state) != COH_NONE)
		return -EPROTO;
	secure_at(c, m->page)->copy |= COPY_AWAITED;
	coh_fx_send_fill(c, fx, from, COH_MSG_COPY_HERE, m->page, COH_FILL_LANDING);
	return 0;
}

int coh_cache_copy_landed(struct coh *c, uint64_t page, struct coh_effects *fx)
{
	struct secure *s = secure_at(c, page);

	if (!(s->copy & COPY_AWAITED))
		return -EPROTO;
	s->copy = COPY_HAS;
	coh_fx_send(c, fx, coh_home(c, page), COH_MSG_COPIED, page);
	return 0;
}

int coh_cache_restored(struct coh *c, coh_node from, const struct coh_msg *m)
{
	if (!c->cfg.secure_pages || !(c->securing.homes >> from & 1))
		return -EPROTO;
	c->securing.restored |= node_bit(from);
	c->securing.whole |= m->result ? node_bit(from) : 0;
	return 0;
}

/* --- the stand-in --- */

static void take_log(struct coh *c, coh_node from, uint64_t page)
{
	struct secure *s = secure_at(c, page);

	if (!s->log) {
		s->next_log = *secure_log_at(c, from);
		*secure_log_at(c, from) = (uint32_t)page + 1;
	}
	s->log = (s->log & COPY_SEALED) | COPY_AWAITED;
	s->logged_for = (uint8_t)from;
}

/* Whatever it had sealed before is a part of that. */
static int take_seal(struct coh *c, coh_node from)
{
	for (uint32_t p = *secure_log_at(c, from); p; p = secure_at(c, p - 1)->next_log)
		if (secure_at(c, p - 1)->log & COPY_AWAITED)
			return -EPROTO;
	for (uint32_t p = *secure_log_at(c, from); p; p = secure_at(c, p - 1)->next_log)
		secure_at(c, p - 1)->log |= COPY_SEALED;
	c->securing.sealed |= node_bit(from);
	c->securing.relogged &= ~node_bit(from);
	return 0;
}

static int of_owner(struct coh *c, coh_node from, const struct coh_msg *m, struct coh_effects *fx)
{
	const struct secure *s = secure_at(c, m->page);

	if (coh_secure_stand_in(c, from) != c->cfg.self)
		return -EPROTO;
	if (m->type == COH_MSG_LOG) {
		if ((s->log && s->logged_for != from) || line_at(c, m->page)->state == COH_C_MS_A ||
		    (c->securing.sealed & ~c->securing.relogged) >> from & 1)
			return -EPROTO;
		take_log(c, from, m->page);
		coh_fx_send_fill(c, fx, from, COH_MSG_LOG_HERE, m->page, COH_FILL_LANDING);
		return 0;
	}
	if (m->result && take_seal(c, from))
		return -EPROTO;
	if (!m->result)
		coh_secure_forget_log(c, from);
	coh_fx_send(c, fx, from, COH_MSG_SEALED, m->page);
	return 0;
}

int coh_cache_log_landed(struct coh *c, uint64_t page, struct coh_effects *fx)
{
	struct secure *s;

	if (!is_secure(c, page))
		return -EPROTO;
	s = secure_at(c, page);
	if (!(s->log & COPY_AWAITED))
		return -EPROTO;
	s->log = (s->log & COPY_SEALED) | COPY_HAS;
	coh_fx_send(c, fx, s->logged_for, COH_MSG_LOGGED, page);
	return 0;
}

/* --- its owner --- */

static void supply_log(struct coh *c, coh_node to, const struct coh_msg *m, struct coh_effects *fx)
{
	struct coh_effect *e = coh_fx_add(fx, COH_FX_MOVE, m->page);

	e->n = 1;
	e->node = to;
	e->landing = m->landing;
	e->tag = coh_tag_encode((struct coh_tag){
		.to_home = 1,
		.home_index = (uint32_t)(coh_pages(&c->cfg) + m->page - c->cfg.secure_first)});
}

static int of_stand_in(struct coh *c, coh_node from, const struct coh_msg *m, struct coh_effects *fx)
{
	struct securing *s = &c->securing;

	if (coh_secure_stand_in(c, c->cfg.self) != from)
		return -EPROTO;
	if (m->type == COH_MSG_SEALED) {
		if (s->phase != PHASE_SEAL && s->phase != PHASE_END)
			return coh_has_mutants() ? 0 : -EPROTO;
		s->phase++;
		return 0;
	}
	if (secure_at(c, m->page)->list != LIST_LOGGING)
		return -EPROTO;
	if (m->type == COH_MSG_LOG_HERE)
		supply_log(c, from, m, fx);
	else
		coh_secure_list(c, m->page, LIST_LOGGED);
	return 0;
}

int coh_cache_log(struct coh *c, coh_node from, const struct coh_msg *m, struct coh_effects *fx)
{
	if (!c->cfg.secure_pages || !is_secure(c, m->page) || from == c->cfg.self)
		return -EPROTO;
	return m->type == COH_MSG_LOG || m->type == COH_MSG_SEAL ? of_owner(c, from, m, fx)
	                                                         : of_stand_in(c, from, m, fx);
}
