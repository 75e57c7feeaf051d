/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many nodes whose threads use mutexes, conditions, words, the barrier and some pages, and which die:
 * real cores, a random order of everything that may happen next, no clock. What tests/explore has in every order
 * for three or four nodes is here in many orders for up to 64, with several deaths, one in another.
 *
 *	deaths [NODES DEATHS EVENTS SEED]
 *
 * Checked: a mutex has one holder, and whoever has it next hears of a dead one; nobody leaves a
 * barrier that somebody who lives has yet to come to; a page has one writer, or readers, and nobody
 * has one that is made anew, nor tells his threads then that it is lost; no honest event is refused; the core's
 * invariants; and when nothing more is begun every call ends, and all cores are quiet.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/hang.h"
#include "tests/sim/deaths.h"

struct deaths s;


void fail(const char *fmt, ...)
{
	va_list ap;

	printf("VIOLATED: deaths %u %u %llu %llu, view %u: ", s.nodes, s.deaths,
	       (unsigned long long)s.events, (unsigned long long)s.seed, s.view);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	exit(1);
}

/* --- deaths --- */

static void die(unsigned node)
{
	struct node *n = &s.node[node];

	n->dead = 1;
	memset(n->access, 0, sizeof n->access);
	memset(n->refused, 0, sizeof n->refused);
	s.living--;
	for (uint32_t m = 0; m < s.nodes * LOCKS; m++)
		if (s.holder[m] && (unsigned)(s.holder[m] - 1) / THREADS == node) {
			s.holder[m] = 0;
			s.orphan[m] = 1;
		}
	for (unsigned i = 0; i < s.nodes; i++) {
		struct queue *out = &s.wire[node][i];
		s.wire[i][node].len = 0;
		out->len = out->len ? below(out->len + 1) : 0; /* the rest never left */
	}
	s.members &= ~(UINT64_C(1) << node);
	s.view++;
	for (unsigned i = 0; i < s.nodes; i++)
		s.node[i].late = !s.node[i].dead;
}

static void enter(unsigned node)
{
	struct coh_event ev = { .kind = COH_EV_VIEW, .view = s.view, .members = s.members };
	struct coh_event fenced = { .kind = COH_EV_FENCED };

	s.node[node].late = 0;
	s.node[node].entering = 1;
	if (step(node, &ev) || step(node, &fenced))
		fail("node %u cannot enter a view", node);
	s.node[node].entering = 0;
}

/* --- the run --- */

static void open_cores(void)
{
	struct coh_config cfg = {
		.nodes = (coh_node)s.nodes,
		.n_zones = 1,
		.zone = { { .count = first_page() + PAGES, .block_pages = 2 } },
		.per_home = 4,
		.slots = 8,
		.locks = LOCKS,
		.sync_slots = THREADS,
		.futex_slots = THREADS,
		.overtakes = 2,
		.survive = 1,
	};

	if (coh_config_check(&cfg))
		fail("no such configuration");
	s.fx.cap = coh_effects_max(&cfg);
	s.fx.list = calloc(s.fx.cap, sizeof *s.fx.list);
	s.fx.self_queue = calloc(COH_SELF_MAX, sizeof *s.fx.self_queue);
	for (unsigned i = 0; i < s.nodes; i++) {
		cfg.self = (coh_node)i;
		s.node[i].coh = coh_init(calloc(1, coh_size(&cfg)), &cfg);
		if (coh_keep_object(s.node[i].coh, 0, 1, 0) || coh_keep_object(s.node[i].coh, 1, 2, 0) ||
		    coh_keep_object(s.node[i].coh, 2, 1, 0))
			fail("objects cannot be made");
	}
}

/* The node does what it has begun; how much of it there is. */
static unsigned go_on(unsigned node)
{
	struct node *n = &s.node[node];
	struct coh_event more = { .kind = COH_EV_RECOVER };
	int recovers = coh_has_more(n->coh);

	if (recovers)
		step(node, &more);
	if (!n->n_told)
		return recovers;
	n->n_told--;
	if (step(node, &n->told[n->n_told]))
		fail("node %u does not want to hear what it has compared", node);
	return 1;
}

static void one_event(void)
{
	unsigned node = below(s.nodes), from = below(s.nodes);

	if (s.node[node].dead)
		return;
	if (s.node[node].late && below(4) == 0)
		enter(node);
	go_on(node);
	for (unsigned i = 0; i < s.nodes; i++) /* one that has something */
		if (s.wire[(from + i) % s.nodes][node].len) {
			deliver((from + i) % s.nodes, node);
			break;
		}
	if (below(3) == 0)
		act(node, below(THREADS));
}

static int is_busy(void)
{
	for (unsigned i = 0; i < s.nodes; i++) {
		if (s.node[i].dead)
			continue;
		if (s.node[i].late || s.node[i].n_told || !coh_is_quiet(s.node[i].coh))
			return 1;
		for (unsigned t = 0; t < THREADS; t++)
			if (s.node[i].thread[t].state != IDLE)
				return 1;
	}
	return 0;
}

static void tell_who_waits(void)
{
	for (unsigned i = 0; i < s.nodes; i++) {
		if (s.node[i].dead)
			continue;
		printf("node %u: view %u%s%s, come %u times;", i, coh_view(s.node[i].coh),
		       s.node[i].late ? ", late" : "", coh_is_rebuilding(s.node[i].coh) ? ", rebuilding" : "",
		       s.node[i].arrived);
		for (unsigned t = 0; t < THREADS; t++)
			printf(" %u (mutex %u)", s.node[i].thread[t].state, s.node[i].thread[t].mutex);
		printf(coh_is_quiet(s.node[i].coh) ? "\n" : ", not quiet\n");
	}
	fail("somebody waits for ever");
}

static void close_cores(void)
{
	for (unsigned i = 0; i < s.nodes; i++) {
		free(s.node[i].coh);
		for (unsigned k = 0; k < s.nodes; k++)
			free(s.wire[i][k].msg);
	}
	free(s.fx.list);
	free(s.fx.self_queue);
}

int main(int argc, char **argv)
{
	uint64_t rounds = 0;

	s.nodes = argc > 1 ? (unsigned)atoi(argv[1]) : 8;
	s.deaths = argc > 2 ? (unsigned)atoi(argv[2]) : 5;
	s.events = argc > 3 ? strtoull(argv[3], NULL, 0) : 300000;
	s.seed = argc > 4 ? strtoull(argv[4], NULL, 0) : 1;
	if (s.nodes < 2 || s.nodes > NODES || s.deaths >= s.nodes)
		return 2;
	alarm(HANG_S * HANG_SLOWER);
	rng_seed(&s.rng, s.seed);
	s.living = s.nodes;
	s.members = ~UINT64_C(0) >> (64 - s.nodes);
	open_cores();
	for (uint64_t i = 0; i < s.events; i++) {
		unsigned node = below(s.nodes);
		if (s.nodes - s.living < s.deaths && !s.node[node].dead &&
		    rng_one_in(&s.rng, (uint32_t)(s.events / (s.deaths + 1) / 2 + 1)))
			die(node);
		else if (s.view && s.nodes - s.living < s.deaths && !s.node[node].dead &&
		         s.node[node].late && rng_one_in(&s.rng, 64))
			die(node); /* before it has heard of the last one */
		one_event();
	}
	for (s.draining = 1; is_busy(); rounds++) {
		if (rounds == 20000000)
			tell_who_waits();
		one_event();
	}
	printf("%u nodes, %u died, %llu events: %llu messages, %llu of them reports; %llu locks, %llu "
	       "tries, %llu conditions, %llu barriers, %llu waits for words; %llu pages touched, %llu lost, %llu renewals of %llu: no violation\n",
	       s.nodes, s.nodes - s.living, (unsigned long long)s.events, (unsigned long long)s.messages,
	       (unsigned long long)s.reports, (unsigned long long)s.count[LOCKS_IT],
	       (unsigned long long)s.count[TRIES], (unsigned long long)s.count[WAITS],
	       (unsigned long long)s.count[COMES], (unsigned long long)s.count[SLEEPS],
	       (unsigned long long)s.count[TOUCHES], (unsigned long long)s.lost,
	       (unsigned long long)s.count[RENEWS], (unsigned long long)s.renewed);
	close_cores();
	return 0;
}
