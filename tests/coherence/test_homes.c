/* SPDX-License-Identifier: BSD-2-Clause */
/* Homes: dealt out by weight, each page to one node, and numbered without gaps. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "coherence/state.h"
#include "tests/suite.h"

static struct coh_config config_of(coh_node nodes)
{
	return (struct coh_config){
		.nodes = nodes,
		.n_zones = 2,
		.zone = { { .count = 997, .block_pages = 8 },
		          { .first = 997, .count = 101, .block_pages = 1 } },
		.per_home = 2,
		.slots = 2,
		.sync_slots = 1,
		.locks = 1,
	};
}

/* Entries of the directory that a node has, as its state tells. */
static uint64_t entries(struct coh_config config, coh_node node)
{
	struct coh_dir_info info;
	struct coh *c;

	config.self = node;
	c = coh_init(calloc(1, coh_size(&config)), &config);
	coh_dir_info(c, &info);
	free(c);
	return info.pages;
}

/* Every page of every zone, one by one. */
static void check(const struct coh_config *config)
{
	uint64_t next[COH_MAX_NODES] = { 0 }, in_zone[COH_MAX_NODES];

	CU_ASSERT_EQUAL_FATAL(coh_config_check(config), 0);
	for (unsigned z = 0; z < config->n_zones; z++) {
		const struct coh_zone *zone = &config->zone[z];

		for (coh_node i = 0; i < config->nodes; i++)
			in_zone[i] = 0;
		for (uint64_t at = 0; at < zone->count; at++) {
			uint64_t page = zone->first + at, index = coh_home_index(config, page);
			coh_node home = coh_home_of(config, page);

			CU_ASSERT_FATAL(home < config->nodes);
			CU_ASSERT_EQUAL(home, coh_home_of(config, page - at % zone->block_pages));
			CU_ASSERT(index >= next[home]); /* zones may begin after a gap */
			CU_ASSERT(in_zone[home] == 0 || index == next[home]);
			next[home] = index + 1;
			in_zone[home]++;
			for (coh_node i = 0; i < config->nodes; i++)
				CU_ASSERT_EQUAL(coh_home_pages(config, z, at + 1, i), in_zone[i]);
		}
	}
	for (coh_node i = 0; i < config->nodes; i++)
		CU_ASSERT(next[i] <= entries(*config, i));
}

static void test_in_turn(void)
{
	struct coh_config config = config_of(3);

	check(&config);
	CU_ASSERT_EQUAL(coh_home_of(&config, 7), 0);
	CU_ASSERT_EQUAL(coh_home_of(&config, 8), 1);
	CU_ASSERT_EQUAL(coh_home_of(&config, 24), 0);
	CU_ASSERT_EQUAL(coh_home_of(&config, 998), 1);
}

static void test_by_weight(void)
{
	struct coh_config config = config_of(4);

	coh_config_weigh(&config, (uint64_t[]){ 100, 400, 200, 100 });
	check(&config);
	CU_ASSERT_EQUAL(config.share_end[3], 8); /* no longer than need be */
	CU_ASSERT_EQUAL(coh_home_pages(&config, 0, 32 * 8, 1), 16 * 8);
	CU_ASSERT_EQUAL(coh_home_pages(&config, 0, 32 * 8, 2), 8 * 8);
	CU_ASSERT_EQUAL(coh_home_pages(&config, 0, 32 * 8, 3), 4 * 8);
}

static void test_a_node_without_weight(void)
{
	struct coh_config config = config_of(3);

	coh_config_weigh(&config, (uint64_t[]){ 0, 1 << 20, 3 });
	check(&config);
	CU_ASSERT_EQUAL(coh_home_pages(&config, 0, 997, 1), 997);
	CU_ASSERT_EQUAL(entries(config, 0), 0);
}

static void test_small_differences(void)
{
	struct coh_config config = config_of(3);

	coh_config_weigh(&config, (uint64_t[]){ 1000000, 1000001, 990000 });
	CU_ASSERT_EQUAL(config.share_end[2], 0); /* in turn */
	check(&config);
}

static void test_many(void)
{
	struct coh_config config = config_of(COH_MAX_NODES);
	uint64_t *weight = calloc(COH_MAX_NODES, sizeof *weight);

	for (unsigned i = 0; i < COH_MAX_NODES; i++)
		weight[i] = (uint64_t)(i % 7 + 1) << 40;
	coh_config_weigh(&config, weight);
	config.zone[0].count = 60;
	config.zone[1] = (struct coh_zone){ .first = 60, .count = 200, .block_pages = 1 };
	check(&config);
	free(weight);
}

static void test_out_of_order(void)
{
	struct coh_config config = config_of(3);

	config.share_end[0] = 5;
	config.share_end[1] = 4;
	config.share_end[2] = 6;
	CU_ASSERT(coh_config_check(&config) != 0);
}

static void homes_between(const struct coh_config *config, uint64_t page, uint64_t end, uint8_t *has)
{
	for (; page < end; page++)
		has[coh_home_of(config, page)] = 1;
}

/* From whatever page on: within one round all homes come up that there are. */
static void test_rounds(void)
{
	static const uint64_t weights[][4] = { { 1, 1, 1, 1 }, { 100, 400, 200, 100 }, { 0, 1 << 20, 3, 1 } };

	for (unsigned w = 0; w < 3; w++) {
		struct coh_config config = config_of(4);

		coh_config_weigh(&config, weights[w]);
		for (uint64_t page = 0; page < 1098; page++) {
			uint64_t end = page + 1 + page * 7 % (1098 - page), round;
			uint8_t all[4] = { 0 }, some[4] = { 0 };

			round = coh_homes_round_end(&config, page, end);
			CU_ASSERT(round > page && round <= end);
			homes_between(&config, page, end, all);
			homes_between(&config, page, round, some);
			CU_ASSERT(!memcmp(all, some, sizeof all));
		}
		CU_ASSERT(coh_homes_round_end(&config, 0, 997) < 997);
	}
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "in turn", test_in_turn },
		{ "by weight", test_by_weight },
		{ "a node without weight", test_a_node_without_weight },
		{ "small differences make none", test_small_differences },
		{ "1024 nodes", test_many },
		{ "rounds", test_rounds },
		{ "shares out of order", test_out_of_order },
		CU_TEST_INFO_NULL,
	};

	return suite_run("homes", NULL, NULL, tests, 120);
}
