/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nodes that write to the same pages in no order, between barriers, have to take turns: with so many
 * writes to a page each, few may miss, and as many as that are done in little time. (When each takes
 * from the others what it wants next, 0.45 to 0.94 of them miss, and 124 to 261 are done in a millisecond.)
 */
#include <stdio.h>

#include "tests/sim/sim.h"

#define MISSES_MOST 0.075 /* of all writes; a turn for each node takes 0.016 */
#define WRITES_LEAST 500 /* a millisecond of virtual time */

static const struct sim_config config = {
	.events = 600000,
	.seed = 1,
	.threads = 1,
	.pages = 256,
	.block_pages = 8,
	.epoch = 600000,
	.mean_ns = 10000,
	.latency = LAT_UNIFORM,
	.think_ns = 20,
	.wake_ns = 5000,
	.tenure_ns = 200000,
	.per_home = 8,
	.slots = 32,
	.holds = 256,
	.locks = 8,
	.migratory = 3,
	.maps = 64,
};

static int takes_turns(uint32_t nodes)
{
	struct sim_config cfg = config;
	double misses, writes;
	struct sim s;
	int rc;

	cfg.nodes = nodes;
	cfg.work = workload_find("scatter");
	sim_init(&s, &cfg);
	rc = sim_run(&s);
	misses = 1 - (double)s.stats.hits / s.stats.ops;
	writes = (double)s.stats.ops / s.now * 1e6;
	sim_free(&s);
	printf("%u nodes: %.3f of all writes miss, %.0f writes a ms\n", nodes, misses, writes);
	return rc == 0 && misses <= MISSES_MOST && writes >= WRITES_LEAST;
}

int main(void)
{
	int good = 1;

	sim_watchdog(240);
	for (uint32_t nodes = 2; nodes <= 16; nodes *= 2)
		good &= takes_turns(nodes);
	return !good;
}
