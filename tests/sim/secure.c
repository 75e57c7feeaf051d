/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Many nodes that read and write pages of which two nodes hold what anybody may have seen, and others, and
 * that die: real cores, a random order of everything that may happen next, values in the frames.
 *
 *	secure [NODES DEATHS EVENTS SEED [ANY]]
 *	MUTANT=NAME secure_mutants ...     the same with a planted bug (coherence/mutant.h)
 *
 * A value is the number of the write that it is of. Who reads one that another node has written sees with it
 * what that had written before to secure pages: from then on these may never be older. Nor older than what
 * a node was told is on two nodes. Without ANY a node dies only when all has been put on two nodes since the
 * last death, and no secure page may be lost; with it at any time, and what is not lost may not be older. But a
 * node and its stand-in do not die both before one has pushed what they had: that may leave a part of it.
 * Lost pages are made anew now and then: they are zero then, for all, and nothing older comes back.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "coherence/mutant.h"
#include "tests/hang.h"
#include "tests/sim/secure.h"

struct secure_job s;

__attribute__((format(printf, 1, 2), noreturn)) void fail(const char *fmt, ...)
{
	va_list ap;

	printf("VIOLATED: secure %u %u %llu %llu%s, view %u: ", s.nodes, s.deaths,
	       (unsigned long long)s.events, (unsigned long long)s.seed, s.any ? " any" : "", s.view);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	exit(1);
}

/* --- what may happen next --- */

static void deliver(unsigned from, unsigned to)
{
	struct queue *q = &s.wire[from][to];
	struct coh_event ev = { .kind = COH_EV_MSG, .from = (coh_node)from };
	int rc;

	ev.msg = q->msg[q->head];
	rc = step(to, &ev);
	if (rc == -EAGAIN)
		return; /* of a view to come */
	if (rc)
		fail("node %u refuses %s of node %u: %d", to, coh_msg_name(ev.msg.type), from, rc);
	q->head++;
	q->len--;
}

/* A page lands as a whole, and in the view that it was written in, or not at all. */
static void land(void)
{
	unsigned i = s.n_moves ? below(s.n_moves) : 0;
	struct coh_event ev = { .kind = COH_EV_LANDED };
	struct move m;

	if (!s.n_moves)
		return;
	m = s.move[i];
	s.move[i] = s.move[--s.n_moves];
	if (s.node[m.to].dead || coh_view(s.node[m.to].coh) != m.view)
		return;
	ev.tag = m.tag;
	if (coh_tag_decode(m.tag).home_index >= PAGES && coh_tag_decode(m.tag).to_home) {
		s.node[m.to].stage[m.page] = s.node[m.from].frame[m.page];
		if (step(m.to, &ev))
			fail("node %u does not want page %llu of who it stands in for", m.to, (unsigned long long)m.page);
		return;
	}
	if (s.node[m.to].access[m.page])
		fail("page %llu lands at node %u, which may read it", (unsigned long long)m.page, m.to);
	s.node[m.to].frame[m.page] = s.node[m.from].frame[m.page];
	if (step(m.to, &ev))
		fail("node %u does not want page %llu", m.to, (unsigned long long)m.page);
}

static void use(unsigned node, unsigned thread)
{
	struct node *n = &s.node[node];
	unsigned page = n->thread[thread].page, writes = n->thread[thread].writes;
	struct coh_event ev = { .kind = writes ? COH_EV_WRITE : COH_EV_READ, .page = page };

	if (n->access[page] < (writes ? COH_WRITE : COH_READ)) {
		if (n->thread[thread].waits)
			return;
		n->thread[thread].waits = 1; /* before its wake */
		if (step(node, &ev))
			n->thread[thread].waits = 0;
		return;
	}
	look(node, page);
	if (writes)
		write_page(node, page);
	n->thread[thread].waits = 0;
	if (s.draining)
		return;
	n->thread[thread].page = (uint8_t)below(PAGES);
	n->thread[thread].writes = below(3) > 0;
}

static void call(unsigned node)
{
	struct coh_event ev = { .kind = COH_EV_SECURE, .cookie = CALL_COOKIE };
	struct node *n = &s.node[node];

	if (n->calls)
		return;
	memcpy(n->told, n->wrote, sizeof n->told);
	n->calls = 1;
	if (step(node, &ev))
		n->calls = 0;
}

/* Of a page that it was told is lost, by a node that may not be the only one to do so. */
static void renew(unsigned node)
{
	struct coh_event ev = { .kind = COH_EV_RENEW, .n = 1, .cookie = RENEW_COOKIE };
	struct node *n = &s.node[node];

	ev.page = below(PAGES);
	if (n->renews || !n->refused[ev.page])
		return;
	n->renews = 1; /* before it is over */
	if (step(node, &ev))
		n->renews = 0;
}

static void enter(unsigned node)
{
	struct coh_event ev = { .kind = COH_EV_VIEW, .view = s.view, .members = s.members };
	struct coh_event fenced = { .kind = COH_EV_FENCED };

	s.node[node].late = 0;
	if (step(node, &ev) || step(node, &fenced))
		fail("node %u cannot enter a view", node);
}

static void one_event(void)
{
	unsigned node = below(s.nodes), from = below(s.nodes);
	struct coh_event more = { .kind = COH_EV_RECOVER }, evict = { .kind = COH_EV_EVICT };

	land();
	if (s.node[node].dead)
		return;
	if (s.node[node].late && below(4) == 0)
		enter(node);
	if (coh_has_more(s.node[node].coh))
		step(node, &more);
	for (unsigned i = 0; i < s.nodes; i++)
		if (s.wire[(from + i) % s.nodes][node].len) {
			deliver((from + i) % s.nodes, node);
			break;
		}
	evict.page = below(PAGES);
	if (!s.draining && below(16) == 0)
		step(node, &evict);
	if (!s.draining && below(64) == 0)
		call(node);
	if (!s.draining)
		renew(node);
	if (!s.draining || s.node[node].thread[0].waits)
		use(node, 0);
	if (!s.draining || s.node[node].thread[1].waits)
		use(node, 1);
}

/* --- deaths --- */

/* It pushes anew what it had pushed by way of who has died, or what that one had. */
static int is_alone(unsigned node)
{
	struct node *n = &s.node[node];

	if (!n->alone)
		return 0;
	if (n->late)
		return 1;
	for (unsigned p = 0; p < SECURE; p++)
		if (coh_cache_state_of(n->coh, p) == COH_C_MS_A)
			return 1;
	n->alone = 0;
	return 0;
}

static int may_die(unsigned node)
{
	if (s.node[node].dead || s.nodes - s.living >= s.deaths || is_alone(node))
		return 0;
	for (unsigned i = 0; i < s.nodes && !s.any; i++)
		if (!s.node[i].dead && (s.node[i].late || coh_has_more(s.node[i].coh) ||
		                        coh_is_rebuilding(s.node[i].coh) ||
		                        !coh_is_restored(s.node[i].coh)))
			return 0;
	return 1;
}

static unsigned neighbour(unsigned node, unsigned step_by)
{
	unsigned i = node;

	do
		i = (i + step_by) % s.nodes;
	while (s.node[i].dead);
	return i;
}

static void die(unsigned node)
{
	s.node[neighbour(node, 1)].alone = 1;
	s.node[neighbour(node, s.nodes - 1)].alone = 1;
	s.node[node].dead = 1;
	s.living--;
	for (unsigned i = 0; i < s.nodes; i++) {
		struct queue *out = &s.wire[node][i];
		s.wire[i][node].len = 0;
		out->len = out->len ? below(out->len + 1) : 0; /* the rest never left */
	}
	for (unsigned i = 0; i < s.n_moves; i++)
		if (s.move[i].from == node && below(2))
			s.move[i--] = s.move[--s.n_moves];
	s.members &= ~(UINT64_C(1) << node);
	s.view++;
	for (unsigned i = 0; i < s.nodes; i++)
		s.node[i].late = !s.node[i].dead;
}

/* --- the run --- */

static void open_cores(void)
{
	struct coh_config cfg = { .nodes = (coh_node)s.nodes,
		                  .n_zones = 1,
		                  .zone = { { .count = PAGES, .block_pages = 1 } },
		                  .per_home = 4,
		                  .slots = 8,
		                  .survive = 1,
		                  .secure_pages = SECURE };

	if (coh_config_check(&cfg))
		fail("no such configuration");
	s.fx.cap = coh_effects_max(&cfg);
	s.fx.list = calloc(s.fx.cap, sizeof *s.fx.list);
	s.fx.self_queue = calloc(COH_SELF_MAX, sizeof *s.fx.self_queue);
	s.writer = calloc(WRITES, sizeof *s.writer);
	s.seen = calloc(WRITES, sizeof *s.seen);
	for (unsigned i = 0; i < s.nodes; i++) {
		cfg.self = (coh_node)i;
		s.node[i].coh = coh_init(calloc(1, coh_size(&cfg)), &cfg);
	}
}

static int is_busy(void)
{
	for (unsigned i = 0; i < s.nodes; i++) {
		const struct node *n = &s.node[i];
		if (!n->dead && (n->late || n->calls || n->renews || n->thread[0].waits || n->thread[1].waits ||
		                 !coh_is_quiet(n->coh)))
			return 1;
	}
	return s.n_moves > 0;
}

static void tell_who_waits(void)
{
	for (unsigned i = 0; i < s.nodes; i++) {
		const struct node *n = &s.node[i];
		if (n->dead)
			continue;
		printf("node %u: view %u%s%s%s%s%s%s;", i, coh_view(n->coh), n->late ? ", late" : "",
		       coh_is_rebuilding(n->coh) ? ", rebuilding" : "", n->calls ? ", calls" : "",
		       n->renews ? ", renews" : "",
		       coh_is_restored(n->coh) ? "" : ", not restored",
		       coh_is_quiet(n->coh) ? "" : ", not quiet");
		for (unsigned t = 0; t < THREADS; t++)
			if (n->thread[t].waits)
				printf(" waits for page %u", n->thread[t].page);
		for (unsigned p = 0; p < PAGES; p++) {
			struct coh_page_info info;
			coh_page_info(n->coh, p, &info);
			if (info.cache_state > COH_C_M || info.dir_state > COH_D_AWAY)
				printf(" page %u %s %s", p, coh_cache_state_name(info.cache_state),
				       info.is_home ? coh_dir_state_name(info.dir_state) : "");
		}
		printf("\n");
	}
	fail("somebody waits for ever");
}

int main(int argc, char **argv)
{
	s.nodes = argc > 1 ? (unsigned)atoi(argv[1]) : 8;
	s.deaths = argc > 2 ? (unsigned)atoi(argv[2]) : 5;
	s.events = argc > 3 ? strtoull(argv[3], NULL, 0) : 300000;
	s.seed = argc > 4 ? strtoull(argv[4], NULL, 0) : 1;
	s.any = argc > 5;
	if (s.nodes < 2 || s.nodes > NODES || s.deaths >= s.nodes)
		return 2;
#ifdef COH_MUTANTS
	if (getenv("MUTANT") && (coh_mutant = coh_mutant_by_name(getenv("MUTANT"))) < 0)
		return 2;
#endif
	alarm(HANG_S * HANG_SLOWER);
	rng_seed(&s.rng, s.seed);
	s.living = s.nodes;
	s.members = ~UINT64_C(0) >> (64 - s.nodes);
	open_cores();
	for (uint64_t i = 0; i < s.events; i++) {
		unsigned node = below(s.nodes);
		uint32_t rare = (uint32_t)(s.events / (s.deaths + 1) / 2 + 1);
		if (rng_one_in(&s.rng, s.node[node].late ? 64 : rare) && may_die(node))
			die(node);
		one_event();
	}
	s.draining = 1;
	for (uint64_t i = 0; is_busy(); i++) {
		if (i == 20000000)
			tell_who_waits();
		one_event();
	}
	printf("%u nodes, %u died%s, %llu events: %llu messages, %u writes, %llu reads, %llu second copies, "
	       "%llu calls; %llu times a dead node's own writes went with it, %llu times a page was lost, %llu "
	       "times one was made anew: no violation\n",
	       s.nodes, s.nodes - s.living, s.any ? " at any time" : "", (unsigned long long)s.events,
	       (unsigned long long)s.messages, s.clock, (unsigned long long)s.reads,
	       (unsigned long long)s.copies, (unsigned long long)s.told, (unsigned long long)s.fell,
	       (unsigned long long)s.lost, (unsigned long long)s.renewals);
	return 0;
}
