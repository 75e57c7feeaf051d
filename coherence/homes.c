/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which node is home to a page: a pure function of the page's number and of what the nodes
 * have agreed on. The blocks of a zone are dealt out in rounds; of each round a node gets as
 * many blocks, in a row, as it has shares.
 */
#include <errno.h>

#include "coherence/state.h"

static int is_weighted(const struct coh_config *config)
{
	return config->share_end[config->nodes - 1u] != 0;
}

static uint32_t round_blocks(const struct coh_config *config)
{
	return is_weighted(config) ? config->share_end[config->nodes - 1u] : config->nodes;
}

/* Which blocks of a round are a node's: those from first to end - 1. */
static uint32_t share_first(const struct coh_config *config, coh_node node)
{
	if (!is_weighted(config))
		return node;
	return node ? config->share_end[node - 1u] : 0;
}

static uint32_t share_end(const struct coh_config *config, coh_node node)
{
	return is_weighted(config) ? config->share_end[node] : node + 1u;
}

/* The node that has this block of a round. */
static coh_node node_of(const struct coh_config *config, uint32_t block)
{
	coh_node low = 0, high = config->nodes - 1;

	if (!is_weighted(config))
		return block;
	while (low < high) {
		coh_node middle = (low + high) / 2;
		if (block < config->share_end[middle])
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static unsigned zone_of(const struct coh_config *config, uint64_t page)
{
	unsigned z = 0;

	while (z + 1u < config->n_zones && page >= config->zone[z + 1].first)
		z++;
	return z;
}

uint64_t coh_homes_round_end(const struct coh_config *config, uint64_t page, uint64_t end)
{
	const unsigned z = zone_of(config, page);
	const uint64_t round = (uint64_t)round_blocks(config) * config->zone[z].block_pages;

	return zone_of(config, end - 1) == z && end - page > round ? page + round : end;
}

coh_node coh_home_of(const struct coh_config *config, uint64_t page)
{
	const struct coh_zone *zone = &config->zone[zone_of(config, page)];

	return node_of(config, (page - zone->first) / zone->block_pages % round_blocks(config));
}

uint64_t coh_block_end(const struct coh_config *config, uint64_t page)
{
	const struct coh_zone *zone = &config->zone[zone_of(config, page)];
	uint64_t index = page - zone->first;
	uint64_t end = (index / zone->block_pages + 1) * zone->block_pages;

	return zone->first + (end < zone->count ? end : zone->count);
}

uint64_t coh_home_pages(const struct coh_config *config, unsigned z, uint64_t count, coh_node node)
{
	const struct coh_zone *zone = &config->zone[z];
	uint64_t first = (uint64_t)share_first(config, node) * zone->block_pages;
	uint64_t end = (uint64_t)share_end(config, node) * zone->block_pages;
	uint64_t round = (uint64_t)round_blocks(config) * zone->block_pages;
	uint64_t rest = count % round;

	rest = rest < first ? 0 : rest < end ? rest - first : end - first;
	return count / round * (end - first) + rest;
}

/* Directory entries that a node has for a zone: those of its own blocks, packed. */
static uint64_t entries(const struct coh_config *config, unsigned z, coh_node node)
{
	const struct coh_zone *zone = &config->zone[z];
	uint64_t round = (uint64_t)zone->block_pages * round_blocks(config);

	return coh_home_pages(config, z, (zone->count + round - 1) / round * round, node);
}

static uint64_t all_entries(const struct coh_config *config, coh_node node)
{
	uint64_t n = 0;

	for (unsigned z = 0; z < config->n_zones; z++)
		n += entries(config, z, node);
	return n;
}

uint64_t coh_homes_entries(const struct coh_config *config)
{
	return all_entries(config, config->self);
}

uint64_t coh_home_index(const struct coh_config *config, uint64_t page)
{
	unsigned z = zone_of(config, page);
	coh_node home = coh_home_of(config, page);
	uint64_t index = coh_home_pages(config, z, page - config->zone[z].first, home);

	while (z-- > 0)
		index += entries(config, z, home);
	return index;
}

int coh_homes_check(const struct coh_config *config)
{
	for (coh_node i = 0; i < config->nodes; i++) {
		if (share_end(config, i) < share_first(config, i))
			return -EINVAL;
		if (all_entries(config, i) > COH_MAX_HOME_PAGES)
			return -EFBIG;
	}
	return 0;
}

static uint64_t greatest(const uint64_t *value, unsigned n)
{
	uint64_t most = 0;

	for (unsigned i = 0; i < n; i++)
		most = value[i] > most ? value[i] : most;
	return most;
}

static uint32_t common_divisor(uint32_t a, uint32_t b)
{
	while (b) {
		uint32_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* The same proportions in rounds as short as possible: a little memory is spread well too. */
static void shorten_round(struct coh_config *config)
{
	uint32_t divisor = 0;

	for (unsigned i = 0; i < config->nodes; i++)
		divisor = common_divisor(config->share_end[i], divisor);
	for (unsigned i = 0; divisor > 1 && i < config->nodes; i++)
		config->share_end[i] /= divisor;
}

void coh_config_weigh(struct coh_config *config, const uint64_t *weight)
{
	uint64_t most = greatest(weight, config->nodes);
	uint32_t end = 0;

	for (unsigned i = 0; i < config->nodes; i++) {
		end += most ? (weight[i] * COH_SHARES_MAX + most / 2) / most : 0;
		config->share_end[i] = end;
	}
	shorten_round(config);
	for (unsigned i = 0; i < config->nodes; i++)
		if (config->share_end[i] != i + 1)
			return;
	for (unsigned i = 0; i < config->nodes; i++)
		config->share_end[i] = 0; /* all the same */
}
