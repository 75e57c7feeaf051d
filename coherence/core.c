/* SPDX-License-Identifier: BSD-2-Clause */
/* The core's state as a whole: configuration, layout, and the step. */
#ifdef HAVE_CONFIG_H
#include "config.h" /* DSM_DEBUG */
#endif

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "coherence/sharers.h"
#include "coherence/state.h"

/* --- configuration --- */

int coh_config_check(const struct coh_config *config)
{
	uint64_t first = 0;

	if (config->nodes < 1 || config->nodes > COH_MAX_NODES || config->self >= config->nodes ||
	    config->n_zones < 1 || config->n_zones > COH_MAX_ZONES || config->per_home < 1 ||
	    config->slots < 1 || config->slots > 0x7fff || config->holds > 0x7fff ||
	    (uint32_t)config->per_home * config->nodes > COH_MAX_QUEUE ||
	    config->refreshes > COH_MAX_QUEUE || config->migratory > COH_MIGRATORY_MAX ||
	    (uint32_t)config->sync_slots * config->nodes > COH_MAX_QUEUE ||
	    config->sharer_pointers > SHARERS_POINTERS || config->sharer_maps > 1u << 24 ||
	    coh_sharers_group(config) * SHARERS_GROUPS < config->nodes)
		return -EINVAL;
	for (unsigned z = 0; z < config->n_zones; z++) {
		const struct coh_zone *zone = &config->zone[z];
		if (zone->first != first || zone->count == 0 || zone->count > UINT64_C(1) << 40 ||
		    zone->block_pages == 0 || (zone->block_pages & (zone->block_pages - 1)))
			return -EINVAL;
		first += zone->count;
	}
	return coh_homes_check(config);
}

struct dir *coh_dir_at(struct coh *c, uint64_t page)
{
	assert(coh_home_of(&c->cfg, page) == c->cfg.self);
	return dir_by_index(c, coh_home_index(&c->cfg, page));
}

/* --- layout --- */

static uint64_t take_bytes(uint64_t *at, uint64_t count, size_t each)
{
	uint64_t off = *at;

	*at = (off + count * each + 15) & ~UINT64_C(15);
	return off;
}

/*
 * A request holds a transaction from its arrival to its Done, and each node has at most
 * per_home of them. A forwarded read may stay after its Done, until the refresh of the
 * home's frame has landed, while its requestor goes on to the next: these come on top.
 */
static uint32_t refreshes_of(const struct coh_config *config)
{
	uint32_t requests = (uint32_t)config->per_home * config->nodes;
	uint32_t n = config->refreshes ? config->refreshes : requests;

	return n < COH_MAX_QUEUE - requests ? n : COH_MAX_QUEUE - requests;
}

static void lay_out(struct coh *c, const struct coh_config *config)
{
	uint64_t at = (sizeof *c + 15) & ~UINT64_C(15);
	uint32_t maps, words = coh_map_words(config);

	memset(c, 0, sizeof *c);
	c->cfg = *config;
	c->max_refreshing = refreshes_of(config);
	c->n_txns = (uint32_t)config->per_home * config->nodes + c->max_refreshing;
	c->n_waiters = (uint32_t)config->sync_slots * config->nodes;
	c->wide = coh_sharers_wide(config);
	maps = c->wide ? config->sharer_maps : 0;
	c->n_dirs = coh_homes_entries(config);
	c->off_out = take_bytes(&at, config->nodes, sizeof(uint16_t));
	c->off_request = take_bytes(&at, config->slots, sizeof(struct request));
	c->off_hold = take_bytes(&at, config->holds, sizeof(struct hold));
	c->off_txn = take_bytes(&at, c->n_txns, sizeof(struct txn));
	c->off_sync = take_bytes(&at, config->sync_slots, sizeof(struct sync_slot));
	c->off_waiter = take_bytes(&at, c->n_waiters, sizeof(struct waiter));
	c->off_object = take_bytes(&at, config->locks, sizeof(struct object));
	c->off_held = take_bytes(&at, (uint64_t)config->locks * config->nodes, sizeof(uint32_t));
	c->off_in = take_bytes(&at, config->nodes, sizeof(uint16_t));
	c->off_waiting = take_bytes(&at, config->nodes, sizeof(uint16_t));
	c->off_arrived = take_bytes(&at, words, sizeof(uint64_t));
	c->off_pending = take_bytes(&at, c->wide ? c->n_txns * words : 0, sizeof(uint64_t));
	c->off_map_taken = take_bytes(&at, (maps + 63) / 64, sizeof(uint64_t));
	c->off_map = take_bytes(&at, (uint64_t)maps * words, sizeof(uint64_t));
	c->off_line = take_bytes(&at, coh_pages(config), sizeof(struct line));
	c->off_dir = take_bytes(&at, c->n_dirs, sizeof(struct dir));
	c->size = at;
}

size_t coh_size(const struct coh_config *config)
{
	struct coh c;

	lay_out(&c, config);
	return c.size;
}

struct coh *coh_init(void *state, const struct coh_config *config)
{
	struct coh *c = state;

	lay_out(c, config);
	return c;
}

const struct coh_config *coh_config_of(const struct coh *coh)
{
	return &coh->cfg;
}

uint32_t coh_effects_max(const struct coh_config *config)
{
	/* The longest step: Done for a run of which every page has a GetM waiting, behind all
	 * that can be answered at once. */
	return COH_MAX_RUN * (config->nodes + 8u) + 64 +
	       (uint32_t)config->per_home * config->nodes;
}

/* --- tags --- */

uint32_t coh_tag_encode(struct coh_tag tag)
{
	if (tag.to_home)
		return UINT32_C(1) << 31 | tag.home_index;
	return (uint32_t)(tag.access & 3) << 29 | (uint32_t)(tag.n & 0x1fff) << 16 | tag.slot;
}

struct coh_tag coh_tag_decode(uint32_t bits)
{
	if (bits >> 31)
		return (struct coh_tag){.to_home = 1, .home_index = bits & 0x7fffffff};
	return (struct coh_tag){
	        .access = bits >> 29 & 3,
	        .n = bits >> 16 & 0x1fff,
	        .slot = bits & 0xffff,
	};
}

/* --- the step --- */

static int step_msg(struct coh *c, coh_node from, const struct coh_msg *m, struct coh_effects *fx)
{
	if (from >= c->cfg.nodes || m->page >= coh_pages(&c->cfg))
		return -EPROTO;
	switch (m->type) {
	case COH_MSG_GETS:
	case COH_MSG_GETM:
	case COH_MSG_PUTS:
	case COH_MSG_PUTM:
	case COH_MSG_ATOMIC:
	case COH_MSG_INV_ACK:
	case COH_MSG_DONE: return coh_home_msg(c, from, m, fx);
	case COH_MSG_FWD_GETS:
	case COH_MSG_FWD_GETM:
	case COH_MSG_FWD_ATOMIC:
	case COH_MSG_INV:
	case COH_MSG_PUT_ACK:
	case COH_MSG_GRANT:
	case COH_MSG_ATOMIC_RESP: return coh_cache_msg(c, from, m, fx);
	default: return coh_sync_msg(c, from, m, fx);
	}
}

static int step_landed(struct coh *c, uint32_t bits, struct coh_effects *fx)
{
	struct coh_tag tag = coh_tag_decode(bits);

	return tag.to_home ? coh_home_landed(c, tag, fx) : coh_cache_landed(c, tag, fx);
}

static int step_event(struct coh *c, const struct coh_event *ev, struct coh_effects *fx)
{
	switch (ev->kind) {
	case COH_EV_READ:
	case COH_EV_WRITE:
	case COH_EV_PREFETCH:
	case COH_EV_EVICT:
	case COH_EV_ATOMIC:
		if (ev->page >= coh_pages(&c->cfg))
			return -EINVAL;
		break;
	default: break;
	}
	switch (ev->kind) {
	case COH_EV_READ:
	case COH_EV_WRITE: return coh_cache_fault(c, ev, fx);
	case COH_EV_PREFETCH: return ev->n ? coh_cache_prefetch(c, ev, fx) : -EINVAL;
	case COH_EV_EVICT: return coh_cache_evict(c, ev, fx);
	case COH_EV_ATOMIC: return coh_cache_atomic(c, ev, fx);
	case COH_EV_MSG:
		/* A message of the node to itself never comes from outside. */
		return ev->from == c->cfg.self ? -EPROTO : step_msg(c, ev->from, &ev->msg, fx);
	case COH_EV_LANDED: return step_landed(c, ev->tag, fx);
	case COH_EV_TIMER: return coh_cache_timer(c, ev->slot, fx);
	default: return coh_sync_event(c, ev, fx);
	}
}

/* In debug builds, unless looking at it all would take much longer than the step. */
static void check_after_step(const struct coh *coh)
{
#ifdef DSM_DEBUG
	const char *wrong = NULL;

	if (!coh_has_mutants() && coh->n_txns <= 1024)
		wrong = coh_invariant(coh);
	assert(wrong == NULL);
	(void)wrong;
#endif
	(void)coh;
}

int coh_step(struct coh *coh, const struct coh_event *event, struct coh_effects *effects)
{
	int rc;

	effects->len = 0;
	effects->self_head = effects->self_len = 0;
	effects->consumed = 0;
	memset(effects->count, 0, sizeof effects->count);
	memset(effects->row_taken, 0, sizeof effects->row_taken);
#ifdef COH_MUTANTS
	if (!MUTANT(ACK_BEFORE_LOWER)) /* that one: at the next Inv only */
		coh_mutant_lower_now(coh, effects);
#endif
	rc = step_event(coh, event, effects);
	while (effects->self_len) {
		struct coh_msg m = effects->self_queue[effects->self_head];
		int own;
		effects->self_head = (effects->self_head + 1) % COH_SELF_MAX;
		effects->self_len--;
		own = step_msg(coh, coh->cfg.self, &m, effects);
		assert(own == 0 || coh_has_mutants());
		(void)own;
	}
	check_after_step(coh);
	return rc;
}
