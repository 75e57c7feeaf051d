/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A view begins: what second copies and old frames of secure pages are worth. A second node that becomes
 * the home has what anybody may have seen, where it has a copy: that was made in the view that ends, as no
 * other outlives its view. Where it has none the page was never touched, if the old home had said that all
 * copies were made (RESTORED); else it is lost, as nobody can know.
 */
#include <string.h>

#include "coherence/secure.h"

/* What a node that has died was about to push, all of it, and had told nobody that he may see: this node has it,
 * and goes on in its place. */
static void take_place(struct coh *c, coh_node node)
{
	for (uint32_t p = *secure_log_at(c, node); p; p = secure_at(c, p - 1)->next_log) {
		if (!(secure_at(c, p - 1)->log & COPY_SEALED))
			continue; /* more than that, and he had not come to the end of it */
		secure_at(c, p - 1)->staged = 1;
		line_at(c, p - 1)->state = COH_C_MS_A;
		coh_view_keep_no_more(c, p - 1);
		coh_secure_list(c, p - 1, LIST_DIRTY);
		c->securing.draining = 1;
	}
}

/* Who lives pushes it again, but may die before he has come so far: some of it is at its homes by now. */
static void take_places(struct coh *c)
{
	for (coh_node i = 0; i < c->cfg.nodes; i++) {
		if (c->view.next_members >> i & 1 && !MUTANT(SEAL_FORGOTTEN)) {
			coh_secure_keep_sealed(c, i);
			continue;
		}
		if (c->securing.sealed >> i & 1 && !(c->view.next_members >> i & 1) &&
		    !MUTANT(PLACE_NOT_TAKEN))
			take_place(c, i);
		coh_secure_forget_log(c, i);
	}
}

void coh_secure_enter_cache(struct coh *c, struct coh_effects *fx)
{
	(void)fx;
	if (!c->cfg.secure_pages)
		return;
	memset(c->securing.head, 0, sizeof c->securing.head);
	memset(c->securing.count, 0, sizeof c->securing.count);
	c->securing.draining = c->securing.phase = c->securing.more = 0;
	memset(secure_wait_at(c, 0), 0, c->securing.waits * sizeof(struct coh_msg));
	c->securing.waits = 0;
	for EACH_USED(c, p) {
		if (!is_secure(c, p))
			continue;
		secure_at(c, p)->next = secure_at(c, p)->prev = 0;
		secure_at(c, p)->list = LIST_NONE;
		if (line_at(c, p)->state == COH_C_M || line_at(c, p)->state == COH_C_MS_A)
			coh_secure_list(c, p, LIST_DIRTY);
		c->securing.draining |= line_at(c, p)->state == COH_C_MS_A;
	}
	take_places(c);
	c->securing.draining |= c->securing.cookie && coh_secure_is_dirty(c);
}

/* This node was the second one, and had all copies that there were to be. */
static int has_all(const struct coh *c, uint64_t page, uint64_t old_members)
{
	const coh_node home = coh_home_among(&c->cfg, old_members, page);

	return coh_second_among(&c->cfg, old_members, page) == c->cfg.self &&
	       ((c->securing.whole & c->securing.restored) >> home & 1 || MUTANT(ABSENCE_TRUSTED));
}

int coh_secure_inherits(struct coh *c, uint64_t page, uint64_t old_members)
{
	struct secure *s;

	if (!c->cfg.secure_pages || !is_secure(c, page))
		return 0;
	s = secure_at(c, page);
	s->base = BASE_NONE;
	s->zero = 0;
	if (s->copy & COPY_HAS)
		s->base = BASE_FILLED;
	else if (has_all(c, page, old_members))
		s->base = BASE_ZERO;
	s->zero = s->base == BASE_ZERO;
	return s->base != BASE_NONE;
}

/* Of which nodes' first choice this one knows all that was ever touched. */
static uint64_t inherited(const struct coh *c, uint64_t old_members)
{
	uint64_t map = node_bit(c->cfg.self);

	for EACH_SECURE_HOME(c, p) {
		const coh_node first = coh_home_of(&c->cfg, p);
		if (coh_home(c, p) != c->cfg.self)
			continue;
		if (coh_home_among(&c->cfg, old_members, p) == c->cfg.self)
			map |= c->securing.inherited & node_bit(first);
		else if (has_all(c, p, old_members))
			map |= node_bit(first);
	}
	return map;
}

void coh_secure_enter(struct coh *c, uint64_t old_members)
{
	if (!c->cfg.secure_pages)
		return;
	for EACH_USED(c, p) {
		if (!is_secure(c, p))
			continue;
		secure_at(c, p)->copy = 0;
		if (coh_access_of(line_at(c, p)->state) != COH_NONE)
			coh_secure_note_copy(c, p);
	}
	c->securing.inherited = inherited(c, old_members);
	c->securing.homes = coh_secure_homes(c);
	c->securing.restored = c->securing.whole = 0;
	c->securing.restoring = c->securing.restore_out = 0;
	c->securing.restore_at = 0;
}

void coh_secure_rebase(struct coh *c, uint64_t page, const struct record *r, int touched)
{
	struct secure *s = secure_at(c, page);

	if (said_at(c, page, c->cfg.self)->access)
		s->zero = 0; /* it has become this node's own since */
	switch (r->kind) {
	case REC_CURRENT:
	case REC_GRANTING: s->base = touched ? BASE_FILLED : BASE_ZERO; break;
	case REC_OWNED:
	case REC_BACKUP: break;
	default: s->base = BASE_NONE; break;
	}
}
