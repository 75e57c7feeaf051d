/* SPDX-License-Identifier: BSD-2-Clause */
/* The cache's automaton: takes rows of its table. */
#include <errno.h>

#include "coherence/cache/cache.h"

struct cache_row {
	void (*act)(struct take *t);
	uint8_t next;
	uint8_t id;
};

static const struct cache_row table[COH_CACHE_STATES][CACHE_EVENTS] = {
#define ROW(state, event, action, to, what, why)                                                   \
	[COH_C_##state][CE_##event] = {coh_cache_act_##action, COH_C_##to, ROW_C_##state##_##event},
#include "coherence/cache/cache.def"
#undef ROW
};

static const struct cache_row *row_of(const struct take *t, enum cache_event event)
{
	const struct cache_row *row = &table[t->line->state][event];

	return row->act ? row : NULL;
}

int coh_cache_has_row(const struct take *t, enum cache_event event)
{
	return row_of(t, event) != NULL;
}

int coh_cache_take_row(struct take *t, enum cache_event event)
{
	const struct cache_row *row = row_of(t, event);

	if (!row)
		return -EPROTO;
	t->event = event;
	t->fx->row_taken[row->id] = 1;
	row->act(t);
	t->line->state = row->next;
	return 0;
}

enum cache_event coh_cache_event_of(unsigned type)
{
	switch (type) {
	case COH_MSG_INV: return CE_INV;
	case COH_MSG_FWD_GETS: return CE_FWD_GETS;
	case COH_MSG_FWD_GETM: return CE_FWD_GETM;
	case COH_MSG_FWD_ATOMIC: return CE_FWD_ATOMIC;
	case COH_MSG_FWD_COMPARE: return CE_FWD_COMPARE;
	default: return CE_PUT_ACK;
	}
}
