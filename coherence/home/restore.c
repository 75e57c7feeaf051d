/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * After a death the home of secure pages goes through them, some at a time: what an owner has written is brought
 * here, and second copies are made anew. When all are it says so.
 */
#include <assert.h>

#include "coherence/home/home.h"
#include "coherence/secure.h"

/* Nobody knows what a page was that is lost. */
static void restore_page(struct coh *c, struct coh_effects *fx, uint64_t page)
{
	struct dir *d = coh_dir_at(c, page);
	int slot = coh_home_free_txn(c);
	struct take t;

	if (d->state == COH_D_LOST)
		c->securing.lost = 1;
	if (d->state == COH_D_LOST || (!d->touched && !d->txn))
		return;
	assert(slot >= 0); /* there are as many beside those for what nodes ask for */
	c->securing.restore_out++;
	*txn_at(c, (unsigned)slot) = (struct txn){.type = COH_MSG_PUSH,
	                                          .flags = COH_F_RESTORE,
	                                          .requestor = c->cfg.self,
	                                          .done = 1, /* it does not count as this node's request */
	                                          .n = 1,
	                                          .page = page};
	t = take_init(c, fx, (unsigned)slot);
	if (d->txn || d->queue || d->state == COH_D_HELD) /* for Done: no Push waits for this round */
		coh_home_act_enqueue(&t);
	else
		coh_home_start(&t);
}

static void restored(struct coh *c, struct coh_effects *fx)
{
	int whole = !c->securing.lost;

	for EACH_SECURE_HOME(c, p)
		whole &= coh_home(c, p) != c->cfg.self || coh_secure_knows_untouched(c, p);
	for (coh_node i = 0; i < c->cfg.nodes; i++)
		if (is_member(c, i))
			coh_fx_send(c, fx, i, COH_MSG_RESTORED, c->cfg.secure_first)->result = (uint64_t)whole;
	c->securing.restoring = 0;
}

int coh_home_restore_more(struct coh *c, struct coh_effects *fx)
{
	struct securing *s = &c->securing;
	const uint64_t end = c->cfg.secure_first + c->cfg.secure_pages;
	const unsigned most = coh_secure_restores(&c->cfg);

	if (!s->restoring || s->restore_out == most || (s->restore_out && s->restore_at >= end) ||
	    c->view.next || !coh_secure_room(fx))
		return 0;
	if (s->restore_at < c->cfg.secure_first)
		s->restore_at = c->cfg.secure_first;
	while (s->restore_out < most && coh_secure_room(fx) &&
	       (s->restore_at = coh_view_next_used(c, s->restore_at)) < end) {
		uint64_t page = s->restore_at++;
		if (coh_home(c, page) == c->cfg.self && !MUTANT(RESTORE_SKIPPED))
			restore_page(c, fx, page);
	}
	if (s->restore_at >= end && (!s->restore_out || MUTANT(RESTORED_SOON)))
		restored(c, fx);
	return 1;
}
