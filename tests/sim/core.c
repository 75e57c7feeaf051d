/* SPDX-License-Identifier: BSD-2-Clause */
/* A run: set up, take events in order of time, drain and check now and then, tear down. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "tests/hang.h"
#include "tests/sim/sim.h"

void *sim_realloc(void *p, size_t bytes)
{
	p = realloc(p, bytes);
	if (!p) {
		fprintf(stderr, "sim: out of memory (%zu bytes)\n", bytes);
		exit(2);
	}
	return p;
}

void *sim_alloc(size_t bytes)
{
	void *p = calloc(1, bytes ? bytes : 1);

	if (!p) {
		fprintf(stderr, "sim: out of memory (%zu bytes)\n", bytes);
		exit(2);
	}
	return p;
}

void sim_fail(struct sim *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->violation, sizeof s->violation, fmt, ap);
	va_end(ap);
	longjmp(*(jmp_buf *)s->escape, 1);
}

void sim_watchdog(unsigned cpu_s)
{
	struct itimerval cpu = { .it_value.tv_sec = cpu_s * HANG_SLOWER };

	setitimer(ITIMER_PROF, &cpu, NULL);
	alarm(10 * cpu_s * HANG_SLOWER); /* a machine in heavy use is no reason to fail */
}

/* --- setting up --- */

/* The quantile function of the latency, in units of its mean. */
static double quantile(enum sim_latency kind, double p)
{
	switch (kind) {
	case LAT_CONSTANT: return 1;
	case LAT_UNIFORM: return 0.5 + p;
	case LAT_EXPONENTIAL: return 0.2 - 0.8 * log(1 - p);
	default: return 0.25 * pow(1 - p, -1 / 1.3); /* up to some 1,200 */
	}
}

static void make_tables(struct sim *s)
{
	double sum = 0, at = 0;
	uint32_t page = 0;

	s->latency = sim_alloc(TABLE_SIZE * sizeof *s->latency);
	s->zipf = sim_alloc(TABLE_SIZE * sizeof *s->zipf);
	for (uint32_t i = 0; i < TABLE_SIZE; i++)
		s->latency[i] =
			1 + s->cfg.mean_ns * quantile(s->cfg.latency, (i + 0.5) / TABLE_SIZE);
	for (uint32_t i = 0; i < s->n_pages; i++)
		sum += 1.0 / (i + 1);
	for (uint32_t i = 0; i < TABLE_SIZE; i++) {
		while (page + 1 < s->n_pages && at + 1.0 / (page + 1) < sum * i / TABLE_SIZE)
			at += 1.0 / ++page;
		s->zipf[i] = (uint64_t)page * 2654435761u % s->n_pages; /* not all at one home */
	}
}

static struct coh_config core_config(const struct sim *s, uint16_t self)
{
	const struct sim_config *c = &s->cfg;
	struct coh_config config = {
		.nodes = c->nodes,
		.self = self,
		.n_zones = c->huge_pages ? 2 : 1,
		.per_home = c->per_home,
		.slots = c->slots,
		.refreshes = c->refreshes,
		.migratory = c->migratory,
		.sharer_maps = c->maps,
		.sharer_pointers = c->pointers,
		.sharer_group = c->group,
		.holds = c->holds,
		.locks = c->locks,
		.sync_slots = c->threads,
		.futex_slots = c->threads,
	};

	config.zone[0] = (struct coh_zone){ 0, c->pages, c->block_pages };
	config.zone[1] = (struct coh_zone){ c->pages, c->huge_pages, 1 };
	return config;
}

static void init_nodes(struct sim *s)
{
	s->nodes = sim_alloc(s->cfg.nodes * sizeof *s->nodes);
	for (uint16_t i = 0; i < s->cfg.nodes; i++) {
		struct coh_config config = core_config(s, i);
		struct node *n = &s->nodes[i];
		if (coh_config_check(&config) != 0) {
			fprintf(stderr, "sim: the core refuses this configuration\n");
			exit(2);
		}
		n->coh = coh_init(sim_alloc(coh_size(&config)), &config);
		n->frames = sim_alloc(s->n_pages * sizeof *n->frames);
		memory_init(s, i);
		n->retry = sim_alloc(s->cfg.threads * sizeof *n->retry);
		n->slow = i + 1u > s->cfg.nodes - s->cfg.slow;
		tenure_init(&n->tenure, s->cfg.tenure_ns, i);
		n->armed_ns = UINT64_MAX;
		n->pause_phase_ns = rng_below(&s->rng, 1u << 30);
		if (i == 0) {
			s->fx.cap = coh_effects_max(&config);
			s->fx.list = sim_alloc(s->fx.cap * sizeof *s->fx.list);
			s->fx.self_queue = sim_alloc(COH_SELF_MAX * sizeof *s->fx.self_queue);
		}
	}
}

static void init_threads(struct sim *s)
{
	s->n_threads = s->cfg.nodes * s->cfg.threads;
	s->threads = sim_alloc(s->n_threads * sizeof *s->threads);
	for (uint32_t i = 0; i < s->n_threads; i++) {
		s->threads[i].node = i / s->cfg.threads;
		s->threads[i].index = i % s->cfg.threads;
		s->threads[i].state = TH_PARKED;
	}
	s->locks = sim_alloc((size_t)s->cfg.nodes * s->cfg.locks * sizeof *s->locks);
	for (size_t i = 0; i < (size_t)s->cfg.nodes * s->cfg.locks; i++)
		s->locks[i].holder = -1;
}

/*
 * Everybody may want the same page at once and hold it for a tenure after some of the
 * slowest hops; some hold it for as long as is allowed, while they wait for another page.
 * An instruction that needs several pages competes like that for each of them, and may
 * have to start over many times: its bound only tells that from never.
 */
static void derive_bounds(struct sim *s)
{
	const struct sim_config *c = &s->cfg;
	uint64_t copy = page_bytes(s, s->n_pages - 1) / 10;
	uint64_t hop = s->latency[TABLE_SIZE - 1] * (c->slow ? 10 : 1) + c->pause_us * 1000 + copy;
	uint64_t mean = c->mean_ns * (c->slow ? 10 : 1) + c->pause_us * 1000 / 50 + copy / 4;
	uint64_t turn = 8 * mean + 3 * c->tenure_ns + c->wake_ns;

	s->bound_ns = c->bound_ns;
	if (!s->bound_ns)
		s->bound_ns = 64 * hop + s->n_threads * (4 * turn + s->nodes[0].tenure.limit_ns);
	s->bound_many_ns = 10 * s->bound_ns + 100 * s->n_threads * s->nodes[0].tenure.limit_ns;
}

void sim_init(struct sim *s, const struct sim_config *cfg)
{
	memset(s, 0, sizeof *s);
	s->cfg = *cfg;
	s->n_pages = cfg->pages + cfg->huge_pages;
	rng_seed(&s->rng, cfg->seed);
	s->pages = sim_alloc(s->n_pages * sizeof *s->pages);
	s->pair_last = sim_alloc((size_t)cfg->nodes * cfg->nodes * sizeof *s->pair_last);
	make_tables(s);
	init_nodes(s);
	init_threads(s);
	net_init(s);
	derive_bounds(s);
}

void sim_free(struct sim *s)
{
	for (uint16_t i = 0; i < s->cfg.nodes; i++) {
		free(s->nodes[i].coh);
		free(s->nodes[i].frames);
		evict_close(&s->nodes[i].evict);
		free(s->nodes[i].retry);
	}
	heap_free(&s->heap);
	free(s->nodes);
	free(s->threads);
	free(s->locks);
	free(s->pages);
	free(s->pair_last);
	free(s->flights);
	free(s->xfers);
	free(s->latency);
	free(s->zipf);
	free(s->fx.list);
	free(s->fx.self_queue);
}

/* --- running --- */

static void take(struct sim *s)
{
	struct heap_item item = heap_pop(&s->heap);
	uint32_t index = REF_INDEX(item.ref);

	s->now = item.time;
	s->stats.events++;
	switch (REF_KIND(item.ref)) {
	case EV_THREAD:
		thread_run(s, &s->threads[index]);
		thread_retry_all(s, s->threads[index].node);
		break;
	case EV_MSG: net_deliver(s, index); break;
	case EV_LAND: net_landed(s, index); break;
	case EV_CQ: net_completed(s, index); break;
	case EV_LOCAL: net_local(s, index); break;
	case EV_TIMEOUT:
		futex_timeout(s, &s->threads[index]);
		thread_retry_all(s, s->threads[index].node);
		break;
	case EV_TIMER:
		node_timer(s, index);
		thread_retry_all(s, index);
		break;
	}
}

/* A thread that waits for ever is never counted by its end. */
static void check_waiting(struct sim *s)
{
	for (uint32_t i = 0; i < s->n_threads; i++) {
		const struct thread *t = &s->threads[i];
		if (t->op.kind == OP_ACCESS || t->op.kind == OP_ATOMIC)
			thread_check_wait(s, t);
	}
}

static void start_draining(struct sim *s)
{
	s->draining = 1;
	s->stop_round = 0;
	for (uint32_t i = 0; i < s->n_threads; i++)
		if (s->threads[i].round >= s->stop_round)
			s->stop_round = s->threads[i].round + 1;
}

/* Nothing is to come any more: then nobody may be waiting. */
static void check_blocked(struct sim *s)
{
	static const char *const name[] = { "ready",          "running",   "in a fault",
		                            "without a slot", "in a call", "parked" };

	for (uint32_t i = 0; i < s->n_threads && s->parked < s->n_threads; i++)
		if (s->threads[i].state != TH_PARKED)
			sim_fail(s,
			         "deadlock: thread %u of node %u waits %s (operation %u, page %u)",
			         s->threads[i].index, s->threads[i].node, name[s->threads[i].state],
			         s->threads[i].op.kind, s->threads[i].op.touch[0].page);
}

/* Nobody starts anything new while draining: then all must be over before long. */
#define DRAIN_EVENTS 20000000

static void run(struct sim *s)
{
	if (s->cfg.work->setup)
		s->cfg.work->setup(s);
	s->parked = s->n_threads;
	for (;;) {
		if (s->heap.len) {
			take(s);
			if (s->stats.events % 65536 == 0)
				check_waiting(s);
			SIM_CHECK(s, s->stats.events < s->next_quiet + DRAIN_EVENTS,
			          "no rest: %u of %u threads still try", s->n_threads - s->parked,
			          s->n_threads);
			if (s->stats.events % 4096 == 0)
				check_core(s, s->stats.events / 4096 % s->cfg.nodes);
			if (!s->draining && s->stats.events >= s->next_quiet)
				start_draining(s);
			continue;
		}
		check_blocked(s);
		check_quiet(s);
		if (s->stats.events >= s->cfg.events)
			return;
		s->draining = 0;
		s->next_quiet = s->stats.events + s->cfg.epoch;
		if (s->next_quiet > s->cfg.events)
			s->next_quiet = s->cfg.events;
		thread_unpark_all(s);
	}
}

int sim_run(struct sim *s)
{
	jmp_buf escape;
	struct timespec from, to;
	int rc = 0;

	clock_gettime(CLOCK_MONOTONIC, &from);
	s->escape = &escape;
	if (setjmp(escape) == 0)
		run(s);
	else
		rc = -1;
	clock_gettime(CLOCK_MONOTONIC, &to);
	s->stats.seconds = to.tv_sec - from.tv_sec + (to.tv_nsec - from.tv_nsec) / 1e9;
	s->escape = NULL;
	return rc;
}
