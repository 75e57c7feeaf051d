/* SPDX-License-Identifier: BSD-2-Clause */
/* What must hold when nothing is under way: directory, caches, frames and windows agree. */
#include "tests/sim/sim.h"

static uint16_t home_of(const struct sim *s, uint32_t page)
{
	return coh_home_of(coh_config_of(s->nodes[0].coh), page);
}

static void check_frame(struct sim *s, uint16_t node, uint32_t page, unsigned state)
{
	struct frame *f = frame_at(s, node, page);

	SIM_CHECK(s, !f->incoming && !f->reading && !f->pins && !f->drop,
	          "quiet, but a transfer of page %u at node %u has not ended", page, node);
	SIM_CHECK(s, f->access == coh_access_of(state),
	          "quiet, but the window of node %u allows %u for page %u in state %s", node,
	          f->access, page, coh_cache_state_name(state));
}

static void check_page(struct sim *s, uint32_t page)
{
	uint16_t home = home_of(s, page);
	struct coh_page_info dir, info;
	uint32_t sharers = 0;

	coh_page_info(s->nodes[home].coh, page, &dir);
	SIM_CHECK(s, dir.dir_state <= COH_D_M && !dir.queued, "quiet, but page %u is busy", page);
	for (unsigned own = 0; own < 2; own++)
		SIM_CHECK(s, !s->pages[page].woken[own], "quiet, but %u threads were woken by nobody",
		          s->pages[page].woken[own]);
	SIM_CHECK(s, dir.touched || s->pages[page].version == 0,
	          "page %u is taken for untouched at version %u", page, s->pages[page].version);
	SIM_CHECK(s,
	          dir.dir_state == COH_D_M ||
	                  frame_at(s, home, page)->version == s->pages[page].version,
	          "quiet, but the home's frame of page %u has version %u, newest is %u", page,
	          frame_at(s, home, page)->version, s->pages[page].version);
	for (uint16_t i = 0; i < s->cfg.nodes; i++) {
		unsigned listed;
		coh_page_info(s->nodes[i].coh, page, &info);
		check_frame(s, i, page, info.cache_state);
		listed = dir.dir_state == COH_D_S && coh_is_sharer(s->nodes[home].coh, page, i);
		sharers += info.cache_state == COH_C_S;
		switch (info.cache_state) {
		case COH_C_I:
			SIM_CHECK(s, dir.dir_state != COH_D_M || dir.owner != i,
			          "quiet, but node %u is taken for the owner of page %u", i, page);
			SIM_CHECK(s, !listed || dir.sharers_inexact,
			          "quiet, but node %u is taken for a sharer of page %u", i, page);
			break;
		case COH_C_S:
			SIM_CHECK(s, listed,
			          "quiet, but sharer %u of page %u is not in the directory", i,
			          page);
			break;
		case COH_C_M:
			SIM_CHECK(s, dir.dir_state == COH_D_M && dir.owner == i,
			          "quiet, but owner %u of page %u is not in the directory", i,
			          page);
			break;
		default:
			sim_fail(s, "quiet, but page %u of node %u is in %s", page, i,
			         coh_cache_state_name(info.cache_state));
		}
	}
	SIM_CHECK(s, dir.dir_state != COH_D_S || sharers || dir.sharers_inexact,
	          "quiet, but page %u is in S without a sharer", page);
	SIM_CHECK(s,
	          s->pages[page].readers == sharers &&
	                  s->pages[page].writers == (dir.dir_state == COH_D_M),
	          "quiet, but page %u has %u readers and %u writers", page, s->pages[page].readers,
	          s->pages[page].writers);
}

void check_core(struct sim *s, uint16_t node)
{
	const char *wrong = coh_invariant(s->nodes[node].coh);

	SIM_CHECK(s, !wrong, "node %u: %s", node, wrong);
}

void check_quiet(struct sim *s)
{
	for (uint16_t i = 0; i < s->cfg.nodes && s->cfg.nodes <= 64; i++)
		check_core(s, i);
	for (uint16_t i = 0; i < s->cfg.nodes; i++)
		SIM_CHECK(s, coh_is_quiet(s->nodes[i].coh), "node %u is not quiet at the end", i);
	for (uint32_t page = 0; page < s->n_pages; page++)
		check_page(s, page);
	s->stats.quiet_checks++;
}
