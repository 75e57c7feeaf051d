/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The simulator's command. Without --workload it goes through all workloads again and
 * again, each time in another configuration drawn from the seed, until --total events
 * have been simulated; without any option that is the short form for "make check".
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim.h"

static const char *const latency_name[LAT_KINDS] = { "constant", "uniform", "exponential", "tail" };

static const struct sim_config reference = {
	.seed = 1,
	.events = 1000000,
	.nodes = 16,
	.threads = 2,
	.pages = 512,
	.block_pages = 16,
	.epoch = 250000,
	.mean_ns = 3000,
	.latency = LAT_UNIFORM,
	.think_ns = 1000,
	.wake_ns = 500,
	.tenure_ns = 4000,
	.budget = 128,
	.atomic_in = 50,
	.prefetch_in = 100,
	.evict_in = 50,
	.pair_in = 20,
	.per_home = 8,
	.slots = 32,
	.holds = 32,
	.maps = 64,
	.locks = 8,
};

struct options {
	struct sim_config cfg;
	uint64_t total;
	uint32_t max_nodes;
	int json, verbose;
};

/* --- configurations drawn from a seed --- */

#define PICK(r, ...)                                                                              \
	((const uint32_t[]){ __VA_ARGS__ }[rng_below(r, sizeof(const uint32_t[]){ __VA_ARGS__ } / \
	                                                        sizeof(uint32_t))])

static struct sim_config draw(const struct options *o, uint64_t seed)
{
	struct sim_config c = o->cfg;
	struct rng r;

	rng_seed(&r, seed);
	c.seed = seed;
	do
		c.nodes = PICK(&r, 2, 3, 4, 5, 8, 13, 16, 32, 64, 65, 128, 300, 1024);
	while (c.nodes > o->max_nodes);
	c.threads = c.nodes > 64 ? 1 : c.nodes > 16 ? 1 + rng_below(&r, 2) : 1 + rng_below(&r, 4);
	c.pages = PICK(&r, 16, 100, 512, 2000);
	c.huge_pages = PICK(&r, 0, 1, 8);
	c.block_pages = PICK(&r, 1, 8, 64);
	c.latency = rng_below(&r, LAT_KINDS);
	c.mean_ns = PICK(&r, 1500, 3000, 20000);
	c.think_ns = PICK(&r, 0, 300, 3000);
	c.wake_ns = PICK(&r, 0, 500, 5000);
	c.tenure_ns = PICK(&r, 2000, 5000, 30000);
	c.budget = PICK(&r, 0, 8, 64);
	c.slow = rng_below(&r, 4) == 0;
	/* As in earnest, the base is longer than a wake and some round trips, or several pages
	 * never meet. */
	c.tenure_ns +=
		4 * c.mean_ns * (c.slow ? 10 : 1) + 2 * c.wake_ns + (c.huge_pages ? 300000 : 0);
	c.pause_us = PICK(&r, 0, 0, 0, 50, 500);
	c.atomic_in = PICK(&r, 0, 10, 100);
	c.prefetch_in = PICK(&r, 0, 20, 200);
	c.evict_in = PICK(&r, 0, 10, 100);
	c.pair_in = PICK(&r, 0, 10, 50);
	c.per_home = PICK(&r, 1, 2, 8);
	c.slots = PICK(&r, 2, 8, 32);
	c.refreshes = PICK(&r, 0, 0, 1, 4);
	c.holds = PICK(&r, 16, 64);
	c.wire = rng_below(&r, 2);
	c.migratory = PICK(&r, 0, 1, 3, 15);
	c.maps = PICK(&r, 0, 1, 4, 64);
	if (c.nodes <= 64 && rng_below(&r, 2)) {
		c.pointers = 1 + rng_below(&r, 3);
		c.group = c.nodes <= 60 ? PICK(&r, 0, 1, 2, 3) : 0;
	}
	c.discard_in = PICK(&r, 0, 10, 100);
	c.futex_in = PICK(&r, 0, 5, 50);
	return c;
}

/* --- running --- */

static void print_config(const struct sim_config *c)
{
	fprintf(stderr,
	        "sim --workload %s --seed %llu --events %llu --nodes %u --threads %u --pages %u --huge %u "
	        "--block %u --epoch %u --mean %u --latency %s --think %u --wake %u --tenure %u "
	        "--budget %u --slow %u --pause %u --atomic-in %u --prefetch-in %u --evict-in %u "
	        "--pair-in %u --discard-in %u --futex-in %u --per-home %u --refreshes %u --slots %u --holds %u --locks %u "
	        "--migratory %u --maps %u --pointers %u --group %u%s\n",
	        c->work->name, (unsigned long long)c->seed, (unsigned long long)c->events, c->nodes,
	        c->threads, c->pages, c->huge_pages, c->block_pages, c->epoch, c->mean_ns,
	        latency_name[c->latency], c->think_ns, c->wake_ns, c->tenure_ns, c->budget, c->slow,
	        c->pause_us, c->atomic_in, c->prefetch_in, c->evict_in, c->pair_in,
	        c->discard_in, c->futex_in, c->per_home,
	        c->refreshes, c->slots, c->holds, c->locks, c->migratory, c->maps, c->pointers, c->group,
	        c->wire ? " --wire" : "");
}

static struct {
	uint64_t events, runs;
	double seconds;
	uint8_t row[COH_ROWS_MAX];
} all;

static int run_one(const struct options *o, const struct sim_config *cfg)
{
	struct sim s;
	int rc;

	if (o->verbose)
		print_config(cfg);
	sim_init(&s, cfg);
	rc = sim_run(&s);
	if (rc) {
		fflush(stdout);
		fprintf(stderr, "sim: %s\nsim: at event %llu, %llu ns; to see it again:\n",
		        s.violation, (unsigned long long)s.stats.events, (unsigned long long)s.now);
		print_config(cfg);
	} else if (o->json) {
		report_json(&s, all.runs == 0);
	} else {
		report_table(&s);
	}
	all.events += s.stats.events;
	all.seconds += s.stats.seconds;
	all.runs++;
	for (unsigned i = 0; i < COH_ROWS_MAX; i++)
		all.row[i] |= s.stats.row[i];
	sim_free(&s);
	return rc;
}

/* The first round is the reference configuration, so that its figures can be compared. */
static int run_all(const struct options *o)
{
	uint64_t seed = o->cfg.seed;

	for (unsigned round = 0; all.events < o->total; round++)
		for (const struct workload *w = sim_workloads; w->name; w++) {
			struct sim_config cfg = round ? draw(o, seed++) : o->cfg;
			cfg.work = w;
			if (cfg.events > o->total - all.events)
				cfg.events = o->total - all.events;
			if (run_one(o, &cfg) != 0)
				return -1;
			if (all.events >= o->total)
				break;
		}
	return 0;
}

static const struct option long_options[] = {
	{ "workload", 1, 0, 'w' },  { "seed", 1, 0, 's' },
	{ "events", 1, 0, 'e' },    { "nodes", 1, 0, 'n' },
	{ "threads", 1, 0, 't' },   { "pages", 1, 0, 'p' },
	{ "huge", 1, 0, 'H' },      { "block", 1, 0, 'B' },
	{ "epoch", 1, 0, 'E' },     { "mean", 1, 0, 'm' },
	{ "latency", 1, 0, 'l' },   { "think", 1, 0, 'k' },
	{ "wake", 1, 0, 'W' },      { "tenure", 1, 0, 'T' },
	{ "budget", 1, 0, 'b' },    { "slow", 1, 0, 'S' },
	{ "pause", 1, 0, 'P' },     { "atomic-in", 1, 0, 1 },
	{ "prefetch-in", 1, 0, 2 }, { "evict-in", 1, 0, 3 },
	{ "pair-in", 1, 0, 4 },     { "per-home", 1, 0, 5 },
	{ "discard-in", 1, 0, 18 },
	{ "futex-in", 1, 0, 19 },
	{ "slots", 1, 0, 6 },       { "refreshes", 1, 0, 13 },
	{ "holds", 1, 0, 7 },       { "locks", 1, 0, 8 },
	{ "maps", 1, 0, 14 },       { "pointers", 1, 0, 15 },
	{ "migratory", 1, 0, 17 },
	{ "group", 1, 0, 16 },      { "bound-us", 1, 0, 9 },
	{ "wire", 0, 0, 10 },       { "total", 1, 0, 11 },
	{ "max-nodes", 1, 0, 12 },  { "json", 0, 0, 'j' },
	{ "verbose", 0, 0, 'v' },   { "list", 0, 0, 'L' },
	{ "help", 0, 0, 'h' },      { 0 },
};

static void usage(void)
{
	printf("usage: sim [--workload NAME] [--seed N] [--events N] [--total N] [--json] [--verbose] "
	       "[--list]\n");
	for (const struct option *o = long_options; o->name; o++)
		printf("  --%s%s\n", o->name, o->has_arg ? " VALUE" : "");
	printf("latencies:");
	for (unsigned i = 0; i < LAT_KINDS; i++)
		printf(" %s", latency_name[i]);
	printf("\nworkloads:\n");
	for (const struct workload *w = sim_workloads; w->name; w++)
		printf("  %-14s %s\n", w->name, w->what);
}

static int set_latency(struct sim_config *c, const char *name)
{
	for (unsigned i = 0; i < LAT_KINDS; i++)
		if (strcmp(latency_name[i], name) == 0) {
			c->latency = i;
			return 0;
		}
	return -1;
}

/* Returns -1 when the option has no such value. */
static int set_option(struct options *o, int c, const char *arg)
{
	struct sim_config *cfg = &o->cfg;
	uint64_t value = arg ? strtoull(arg, NULL, 0) : 1;

	switch (c) {
	case 'w': return (cfg->work = workload_find(arg)) ? 0 : -1;
	case 'l': return set_latency(cfg, arg);
	case 's': cfg->seed = value; break;
	case 'e': cfg->events = value; break;
	case 'n': cfg->nodes = value; break;
	case 't': cfg->threads = value; break;
	case 'p': cfg->pages = value; break;
	case 'H': cfg->huge_pages = value; break;
	case 'B': cfg->block_pages = value; break;
	case 'E': cfg->epoch = value; break;
	case 'm': cfg->mean_ns = value; break;
	case 'k': cfg->think_ns = value; break;
	case 'W': cfg->wake_ns = value; break;
	case 'T': cfg->tenure_ns = value; break;
	case 'b': cfg->budget = value; break;
	case 'S': cfg->slow = value; break;
	case 'P': cfg->pause_us = value; break;
	case 1: cfg->atomic_in = value; break;
	case 2: cfg->prefetch_in = value; break;
	case 3: cfg->evict_in = value; break;
	case 4: cfg->pair_in = value; break;
	case 5: cfg->per_home = value; break;
	case 6: cfg->slots = value; break;
	case 7: cfg->holds = value; break;
	case 8: cfg->locks = value; break;
	case 9: cfg->bound_ns = value * 1000; break;
	case 10: cfg->wire = 1; break;
	case 11: o->total = value; break;
	case 13: cfg->refreshes = value; break;
	case 14: cfg->maps = value; break;
	case 15: cfg->pointers = value; break;
	case 16: cfg->group = value; break;
	case 17: cfg->migratory = value; break;
	case 18: cfg->discard_in = value; break;
	case 19: cfg->futex_in = value; break;
	case 12: o->max_nodes = value; break;
	case 'j': o->json = 1; break;
	case 'v': o->verbose = 1; break;
	default: return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct options o = { .cfg = reference, .total = 12000000, .max_nodes = COH_MAX_NODES };
	int c, rc;

	if (argc == 1) { /* in make check: never longer than this */
		o.cfg.events = 300000;
		sim_watchdog(240);
	}
	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (c == 'h' || c == 'L') {
			usage();
			return 0;
		}
		if (set_option(&o, c, optarg) != 0) {
			fprintf(stderr, "sim: option or value not understood: --help\n");
			return 2;
		}
	}
	if (o.cfg.threads < 1 || o.cfg.threads > SIM_MAX_THREADS || o.cfg.pages < 1 ||
	    o.cfg.epoch < 1 || o.cfg.holds < 1 || o.cfg.holds > TENURE_SLOTS || o.cfg.locks < 8) {
		fprintf(stderr, "sim: a number is out of range\n");
		return 2;
	}
	fprintf(stderr, "sim: seed %llu\n", (unsigned long long)o.cfg.seed);
	if (o.json)
		printf("[");
	else
		report_table_head();
	rc = o.cfg.work ? run_one(&o, &o.cfg) : run_all(&o);
	if (o.json) {
		printf("]\n");
	} else {
		report_coverage(all.row);
		printf("%llu runs, %.3g events, %.2f million a second, %s\n",
		       (unsigned long long)all.runs, (double)all.events,
		       all.events / all.seconds / 1e6, rc ? "A VIOLATION" : "no violation");
	}
	return rc ? 1 : 0;
}
