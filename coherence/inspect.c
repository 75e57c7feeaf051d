/* SPDX-License-Identifier: BSD-2-Clause */
/* Looking into the state: for tests, tools and statistics. */
#include "coherence/secure.h"
#include "coherence/sharers.h"

static void dir_info(struct coh *c, uint64_t page, struct coh_page_info *out)
{
	struct dir *d = coh_dir_at(c, page);

	out->is_home = 1;
	out->dir_stable = d->state;
	out->dir_state = d->txn ? txn_at(c, d->txn - 1)->phase : d->state;
	out->requestor = d->txn ? txn_at(c, d->txn - 1)->requestor : COH_NO_NODE;
	out->request = d->txn ? txn_at(c, d->txn - 1)->type : COH_MSG_NONE;
	if (coh_view_is_lost_unused(c, page))
		out->dir_stable = out->dir_state = COH_D_LOST;
	out->touched = d->touched;
	out->migratory = d->migratory;
	out->owner = d->state == COH_D_M ? d->owner : COH_NO_NODE;
	out->sharers_inexact = !coh_sharers_exact(c, d->sharers);
	out->n_sharers = coh_sharers_count(c, d->sharers);
	for (coh_node i = 0; i < c->cfg.nodes && c->cfg.nodes <= 64; i++)
		if (coh_sharers_has(c, d->sharers, i))
			out->sharers |= node_bit(i);
	for (coh_ref q = d->queue; q && out->queued < 255; q = txn_at(c, q - 1)->next)
		out->queued++;
}

void coh_page_info(const struct coh *coh, uint64_t page, struct coh_page_info *out)
{
	struct coh *c = (struct coh *)coh; /* only read */
	struct line *line = line_at(c, page);

	*out = (struct coh_page_info){.cache_state = line->state,
	                              .faulted = line->faulted,
	                              .owner = COH_NO_NODE,
	                              .kept_for = COH_NO_NODE,
	                              .requestor = COH_NO_NODE};
	if (line->hold) {
		out->held = 1;
		out->deferred = hold_at(c, line->hold - 1)->deferred;
	}
	for (unsigned i = 0; i < c->cfg.slots && c->cfg.survive; i++)
		if (coh_request_check(c, i, COH_MSG_ATOMIC, page))
			out->asked = request_at(c, i)->serial;
	if (coh_view_keeps(c, page)) {
		const struct kept *k = kept_at(c, page);
		out->kept = 1;
		out->kept_for = k->serial ? k->node : COH_NO_NODE;
	}
	out->secure = (uint8_t)is_secure(c, page);
	out->copy = (uint8_t)coh_is_copy(c, page);
	out->logged = out->secure && secure_at(c, page)->log & COPY_SEALED;
	if (coh_home(c, page) == c->cfg.self)
		dir_info(c, page, out);
}

int64_t coh_page_awaited(const struct coh *coh, struct coh_tag tag)
{
	struct coh *c = (struct coh *)coh; /* only read */
	const struct request *r;
	const struct dir *d;

	if (!tag.to_home) {
		r = tag.slot < c->cfg.slots ? request_at(c, tag.slot) : NULL;
		return r && (r->type == COH_MSG_GETS || r->type == COH_MSG_GETM) ? (int64_t)r->page : -1;
	}
	if (c->cfg.secure_pages && tag.home_index >= coh_pages(&c->cfg)) {
		uint64_t page = tag.home_index - coh_pages(&c->cfg) + c->cfg.secure_first;
		return is_secure(c, page) && secure_at(c, page)->log & COPY_AWAITED ? (int64_t)page : -1;
	}
	if (is_secure(c, tag.home_index) && coh_home(c, tag.home_index) != c->cfg.self)
		return secure_at(c, tag.home_index)->copy & COPY_AWAITED ? (int64_t)tag.home_index : -1;
	if (tag.home_index >= coh_pages(&c->cfg) || coh_home(c, tag.home_index) != c->cfg.self)
		return -1;
	d = coh_dir_at(c, tag.home_index);
	return d->txn && (txn_at(c, d->txn - 1)->waits & TXN_WAIT_REFRESH) ? (int64_t)tag.home_index : -1;
}

unsigned coh_cache_state_of(const struct coh *coh, uint64_t page)
{
	return line_at((struct coh *)coh, page)->state; /* only read */
}

__attribute__((no_sanitize("thread"))) enum coh_access coh_access_glimpse(const struct coh *coh,
                                                                          uint64_t page)
{
	return coh_access_of(COH_TABLE(coh, const struct line, off_line)[page].state);
}

int coh_is_sharer(const struct coh *coh, uint64_t page, coh_node node)
{
	struct coh *c = (struct coh *)coh; /* only read */

	return coh_home(c, page) == c->cfg.self && node < c->cfg.nodes &&
	       coh_sharers_has(c, coh_dir_at(c, page)->sharers, node);
}

int coh_is_asleep(const struct coh *coh, coh_node node, uint16_t slot)
{
	struct coh *c = (struct coh *)coh; /* only read */

	return node < c->cfg.nodes && slot < c->cfg.futex_slots &&
	       sleeper_at(c, (uint32_t)node * c->cfg.futex_slots + slot)->asleep;
}

static uint32_t maps_used(const struct coh *coh)
{
	return coh->wide ? coh_wide_maps_used((struct coh *)coh) : 0; /* only read */
}

void coh_dir_info(const struct coh *coh, struct coh_dir_info *out)
{
	out->pages = coh->n_dirs;
	out->maps = maps_used(coh);
	out->bytes = out->pages * sizeof(struct dir) +
	             (uint64_t)out->maps * coh_map_words(&coh->cfg) * sizeof(uint64_t);
}

int coh_is_quiet(const struct coh *coh)
{
	struct coh *c = (struct coh *)coh; /* only read */

	for (unsigned i = 0; i < c->cfg.slots; i++)
		if (request_at(c, i)->type)
			return 0;
	for (unsigned i = 0; i < c->cfg.holds; i++)
		if (hold_at(c, i)->taken)
			return 0;
	for (unsigned i = 0; i < c->n_txns; i++)
		if (txn_at(c, i)->type)
			return 0;
	for (unsigned i = 0; i < c->cfg.sync_slots; i++)
		if (sync_at(c, i)->type)
			return 0;
	for (unsigned i = 0; i < c->cfg.futex_slots; i++)
		if (dozer_at(c, i)->state == DOZE_ASKED || dozer_at(c, i)->cancelled)
			return 0;
	for (coh_node node = 0; node < c->cfg.nodes; node++)
		if (*waiting_at(c, node))
			return 0;
	if (coh_secure_is_dirty(c) && c->securing.draining)
		return 0;
	return !c->securing.cookie && !c->securing.waits && !c->securing.restoring && !c->view.next &&
	       !c->view.rebuilding && !coh_has_more(c) && !c->barrier_here &&
	       !coh_map_count(&c->cfg, arrived_at(c));
}
