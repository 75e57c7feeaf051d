/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which pages a view has to look at: a region is large, and mostly nobody has ever named most of its
 * pages to this node. One bit for some that have one home. What is not looked at is as it was at the
 * start; but where its home was another node, it is lost, as nobody has reported it: that is made so
 * when it is first named.
 */
#include "coherence/secure.h"

#define TOGETHER 512 /* pages for a bit, of one home's block */
#define FEW 4096     /* pages: in a smaller region all are looked at */

/* Pages for a bit in a zone. */
static uint32_t granule(const struct coh_zone *zone)
{
	return zone->block_pages < TOGETHER ? zone->block_pages : TOGETHER;
}

static uint64_t zone_bits(const struct coh_zone *zone)
{
	return (zone->count + granule(zone) - 1) / granule(zone);
}

uint64_t coh_view_used_lay_out(struct coh *c, uint64_t at)
{
	uint64_t bits = 0;

	if (!c->cfg.survive)
		return at;
	for (unsigned z = 0; z < c->cfg.n_zones; z++)
		bits += zone_bits(&c->cfg.zone[z]);
	c->view.off_used = at;
	return (at + (bits + 63) / 64 * sizeof(uint64_t) + 15) & ~UINT64_C(15);
}

static uint64_t *word_of(const struct coh *c, uint64_t bit)
{
	return &COH_TABLE((struct coh *)c, uint64_t, view.off_used)[bit / 64];
}

/* The page's zone, and the number of its first bit. */
static const struct coh_zone *zone_of(const struct coh *c, uint64_t page, uint64_t *bit)
{
	const struct coh_zone *zone = c->cfg.zone;

	*bit = 0;
	for (unsigned z = 1; z < c->cfg.n_zones && page >= c->cfg.zone[z].first; z++) {
		*bit += zone_bits(zone);
		zone = &c->cfg.zone[z];
	}
	return zone;
}

static int is_used(const struct coh *c, uint64_t page)
{
	uint64_t bit;
	const struct coh_zone *zone = zone_of(c, page, &bit);

	bit += (page - zone->first) / granule(zone);
	return (int)(*word_of(c, bit) >> bit % 64 & 1);
}

uint64_t coh_view_next_used(const struct coh *c, uint64_t page)
{
	const uint64_t pages = coh_pages(&c->cfg);

	if (pages <= FEW)
		return page;
	while (page < pages) {
		uint64_t first, bit, word;
		const struct coh_zone *zone = zone_of(c, page, &first);
		const uint64_t end = first + zone_bits(zone);

		bit = first + (page - zone->first) / granule(zone);
		word = *word_of(c, bit) >> bit % 64;
		if (word & 1)
			return page;
		bit += word ? (uint64_t)__builtin_ctzll(word) : 64 - bit % 64;
		page = bit < end ? zone->first + (bit - first) * granule(zone)
		                 : zone->first + zone->count;
	}
	return pages;
}

/* Pages that have just been named, of which this node is home. */
static void become_used(struct coh *c, uint64_t page)
{
	const coh_node first_choice = coh_home_of(&c->cfg, page);
	const int was_home = c->view.rebuilding &&
	                     coh_home_among(&c->cfg, c->view.before, page) == c->cfg.self;

	if (coh_secure_knows_untouched(c, page) && first_choice != c->cfg.self) {
		if (c->view.rebuilding)
			record_at(c, page)->kind = REC_CURRENT;
	} else if (c->view.rebuilding)
		record_at(c, page)->kind = was_home ? REC_CURRENT : REC_UNKNOWN;
	else if (first_choice != c->cfg.self)
		coh_dir_at(c, page)->state = COH_D_LOST;
}

void coh_view_use(struct coh *c, uint64_t page)
{
	const struct coh_zone *zone;
	uint64_t bit, from, end;

	if (coh_pages(&c->cfg) <= FEW || is_used(c, page))
		return;
	zone = zone_of(c, page, &bit);
	bit += (page - zone->first) / granule(zone);
	*word_of(c, bit) |= UINT64_C(1) << bit % 64;
	if (coh_home(c, page) != c->cfg.self)
		return;
	from = page - (page - zone->first) % granule(zone);
	end = from + granule(zone);
	for (; from < end && from < zone->first + zone->count; from++)
		become_used(c, from);
}

int coh_view_is_lost_unused(const struct coh *c, uint64_t page)
{
	return c->cfg.survive && coh_pages(&c->cfg) > FEW && !c->view.rebuilding &&
	       !coh_secure_knows_untouched(c, page) &&
	       coh_home_of(&c->cfg, page) != c->cfg.self && !is_used(c, page);
}

void coh_view_note_before(struct coh *c, uint64_t old_members)
{
	if (coh_pages(&c->cfg) > FEW && !c->view.rebuilding)
		c->view.before = old_members;
}
