/* SPDX-License-Identifier: BSD-2-Clause */
/* The core's state as a whole: configuration, layout, and what its states allow. */
#include <errno.h>
#include <string.h>

#include "coherence/secure.h"
#include "coherence/sharers.h"

/* --- configuration --- */

int coh_config_check(const struct coh_config *config)
{
	uint64_t first = 0;

	if (config->nodes < 1 || config->nodes > COH_MAX_NODES || config->self >= config->nodes ||
	    config->n_zones < 1 || config->n_zones > COH_MAX_ZONES || config->per_home < 1 ||
	    config->slots < 1 || config->slots > 0x7fff || config->holds > 0x7fff ||
	    (uint32_t)config->per_home * config->nodes > COH_MAX_QUEUE ||
	    config->refreshes > COH_MAX_QUEUE || config->migratory > COH_MIGRATORY_MAX ||
	    config->sync_slots > COH_MAX_SYNC_SLOTS ||
	    (uint32_t)config->sync_slots * config->nodes > COH_MAX_WAITERS ||
	    config->futex_slots > COH_MAX_SYNC_SLOTS ||
	    (uint32_t)config->futex_slots * config->nodes > COH_MAX_WAITERS ||
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
	if (coh_view_config_check(config) || coh_secure_config_check(config))
		return -EINVAL;
	return coh_homes_check(config);
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
	uint32_t requests = coh_requests_of_node(config) * config->nodes;
	uint32_t n = config->refreshes ? config->refreshes : requests;
	uint32_t most = COH_MAX_QUEUE - requests - coh_secure_restores(config);

	return n < most ? n : most;
}

static void lay_out(struct coh *c, const struct coh_config *config)
{
	uint64_t at = (sizeof *c + 15) & ~UINT64_C(15);
	uint32_t maps, words = coh_map_words(config);

	memset(c, 0, sizeof *c);
	c->cfg = *config;
	if (config->survive)
		c->cfg.migratory = 0; /* it would have to be brought through a view change */
	c->max_refreshing = refreshes_of(config);
	c->n_txns = coh_requests_of_node(config) * config->nodes + c->max_refreshing + coh_secure_restores(config);
	c->n_waiters = (uint32_t)config->sync_slots * config->nodes;
	c->n_sleepers = (uint32_t)config->futex_slots * config->nodes;
	c->n_queues = c->n_sleepers < DOZE_QUEUES_MAX ? c->n_sleepers + 1 : DOZE_QUEUES_MAX;
	c->wide = coh_sharers_wide(config);
	maps = c->wide ? config->sharer_maps : 0;
	c->n_dirs = config->survive ? coh_pages(config) : coh_homes_entries(config);
	c->off_out = take_bytes(&at, config->nodes, sizeof(uint16_t));
	c->off_request = take_bytes(&at, config->slots, sizeof(struct request));
	c->off_hold = take_bytes(&at, config->holds, sizeof(struct hold));
	c->off_txn = take_bytes(&at, c->n_txns, sizeof(struct txn));
	c->off_sync = take_bytes(&at, config->sync_slots, sizeof(struct sync_slot));
	c->off_waiter = take_bytes(&at, c->n_waiters, sizeof(struct waiter));
	c->off_dozer = take_bytes(&at, config->futex_slots, sizeof(struct dozer));
	c->off_sleeper = take_bytes(&at, c->n_sleepers, sizeof(struct sleeper));
	c->off_queue = take_bytes(&at, c->n_queues, sizeof(struct doze_queue));
	c->off_object = take_bytes(&at, coh_objects(config), sizeof(struct object));
	c->off_held = take_bytes(&at, (uint64_t)config->locks * config->nodes, sizeof(uint32_t));
	c->off_in = take_bytes(&at, config->nodes, sizeof(uint16_t));
	c->off_waiting = take_bytes(&at, config->nodes, sizeof(uint16_t));
	c->off_arrived = take_bytes(&at, words, sizeof(uint64_t));
	c->off_pending = take_bytes(&at, c->wide ? c->n_txns * words : 0, sizeof(uint64_t));
	c->off_map_taken = take_bytes(&at, (maps + 63) / 64, sizeof(uint64_t));
	c->off_map = take_bytes(&at, (uint64_t)maps * words, sizeof(uint64_t));
	c->off_line = take_bytes(&at, coh_pages(config), sizeof(struct line));
	c->off_dir = take_bytes(&at, c->n_dirs, sizeof(struct dir));
	c->size = coh_secure_lay_out(c, coh_view_used_lay_out(c, coh_view_lay_out(c, at)));
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
	coh_view_init(c);
	coh_secure_init(c);
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
	uint32_t most = COH_MAX_RUN * (config->nodes + 8u) + 64 + COH_MAX_WOKEN +
	                coh_requests_of_node(config) * config->nodes;

	/* Or a view that begins: who waits is woken, or told, and a part of what there is reported. Or
	 * its last report: a page's requests are refused, and then a page's started. */
	return config->survive ? 2 * most + 2u * config->slots + COH_SELF_MAX + config->futex_slots +
	                                 config->sync_slots
	                       : most;
}

/* --- states --- */

enum coh_access coh_access_of(enum coh_cache_state state)
{
	switch (state) {
	case COH_C_S:
	case COH_C_MS_A:
	case COH_C_SM_A: return COH_READ;
	case COH_C_M:
	case COH_C_MI_A: return COH_WRITE;
	default: return COH_NONE;
	}
}
