/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A node's budget of frames for other nodes' pages, and what keeps to it: the eviction policy
 * that ships (dsm/memory/evict.c), and what dsm/node/reclaim.c does with it. Pages are given up ahead of
 * need; a fault that finds no frame waits; a run is cut to what there is room for.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/sim.h"

#define TRIES 32
#define LEAVING 32
#define FLOOR 16 /* frames that there are in any case, when all are in use */

static int is_cached(const struct sim *s, uint16_t node, uint32_t page)
{
	return coh_home_of(coh_config_of(s->nodes[0].coh), page) != node;
}

void memory_init(struct sim *s, uint16_t node)
{
	if (s->cfg.budget && evict_open(&s->nodes[node].evict, s->n_pages)) {
		fprintf(stderr, "sim: out of memory\n");
		exit(2);
	}
}

void memory_got(struct sim *s, uint16_t node, uint32_t page)
{
	struct node *n = &s->nodes[node];
	uint32_t most = s->cfg.budget > FLOOR ? s->cfg.budget : FLOOR;

	if (!is_cached(s, node, page))
		return;
	n->cached++;
	if (!s->cfg.budget)
		return;
	SIM_CHECK(s, n->cached <= most, "node %u has %u frames, of %u", node, n->cached, most);
	SIM_CHECK(s, !evict_got(&n->evict, page, n->wanted == page + 1),
	          "node %u cannot list page %u", node, page);
}

void memory_used(struct sim *s, uint16_t node, uint32_t page)
{
	struct node *n = &s->nodes[node];

	if (!s->cfg.budget || !is_cached(s, node, page) || !n->frames[page].resident)
		return;
	evict_got(&n->evict, page, 1);
	evict_used(&n->evict, page);
}

void memory_gone(struct sim *s, uint16_t node, uint32_t page)
{
	if (!is_cached(s, node, page))
		return;
	s->nodes[node].cached--;
	s->nodes[node].stepped = 1; /* there is a frame */
	evict_gone(&s->nodes[node].evict, page);
}

/* 1: it is on its way. */
static int give_up(struct sim *s, uint16_t node, uint32_t page)
{
	struct coh_event ev = { .kind = COH_EV_EVICT, .page = page };
	struct coh_page_info info;

	coh_page_info(s->nodes[node].coh, page, &info);
	if (info.cache_state == COH_C_MI_A || info.cache_state == COH_C_II_A)
		return 1;
	return !info.held && node_step(s, node, &ev) == 0;
}

/* Until so many frames will be free. Returns how many pages are given up. */
static unsigned reclaim(struct sim *s, uint16_t node, uint32_t want)
{
	struct node *n = &s->nodes[node];
	unsigned given = 0;

	for (unsigned i = 0; i < TRIES; i++) {
		uint64_t page;
		if (n->cached + want <= s->cfg.budget + evict_leaving(&n->evict) ||
		    evict_leaving(&n->evict) >= LEAVING || evict_next(&n->evict, &page))
			break;
		if (give_up(s, node, page))
			given++;
		else
			evict_kept(&n->evict, page);
	}
	return given;
}

unsigned memory_reclaim(struct sim *s, uint16_t node)
{
	struct node *n = &s->nodes[node];
	uint32_t low = s->cfg.budget / 16, high = s->cfg.budget / 8;

	if (!s->cfg.budget ||
	    n->cached + (low ? low : 1) <= s->cfg.budget + evict_leaving(&n->evict))
		return 0;
	return reclaim(s, node, high ? high : 1);
}

int memory_room(struct sim *s, uint16_t node, uint32_t page)
{
	struct node *n = &s->nodes[node];
	unsigned given;

	if (!s->cfg.budget || !is_cached(s, node, page) || n->frames[page].resident)
		return 0;
	given = memory_reclaim(s, node);
	if (n->cached < s->cfg.budget)
		return 0;
	if (!given && !evict_leaving(&n->evict) && n->cached < FLOOR)
		return 0; /* all are in use */
	s->stats.frame_waits++;
	return -EAGAIN;
}

uint32_t memory_run(struct sim *s, uint16_t node, uint32_t n)
{
	uint32_t free = s->cfg.budget - s->nodes[node].cached;

	if (!s->cfg.budget)
		return n;
	if (s->nodes[node].cached >= s->cfg.budget)
		return 0;
	return n < free ? n : free;
}
