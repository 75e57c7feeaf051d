/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who serves memory and names, and who follows: nodes that die at any point of it, at random, and what
 * must hold then (mirror_model.h). SEED=n repeats a run, ROUNDS=n does so many.
 */
#include "tests/heap/mirror_model.h"
#include "tests/seed.h"
#include "tests/suite.h"

#include <errno.h>

#define STEPS 2000
#define MANY 500 /* requests before anybody dies: a copy is of many messages then */

static uint64_t run_seed;

uint64_t mirror_rng(void)
{
	return rng();
}

_Noreturn void world_fail(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: %s does not hold in the run of SEED=%llu, view %u, step %llu\n", file, line,
	        what, (unsigned long long)run_seed, world.view, (unsigned long long)world.now);
	exit(1);
}

static unsigned below(unsigned n)
{
	return (unsigned)(rng() % n);
}

static int rounds(void)
{
	return getenv("ROUNDS") ? atoi(getenv("ROUNDS")) : 400;
}

/* Whoever serves dies, and what it has is elsewhere. */
static int is_copied(void)
{
	const struct node *n = world_server();
	const struct mirror *m = &n->mirror;

	return m->serves && !n->has_view && !m->copying && n->view == world.view &&
	       (m->deputy == MIRROR_NOBODY || (world.node[m->deputy].mirror.source == m->self &&
	                                       world.node[m->deputy].mirror.whole));
}

static void maybe_lose(int anytime)
{
	const int n = __builtin_popcountll(world.members);
	int node = (int)below(NODES);

	if (n == 1 || (!anytime && !is_copied()))
		return;
	if (below(2))
		node = __builtin_ctzll(world.members); /* who serves */
	else if (below(2))
		node = __builtin_ctzll(world.members & (world.members - 1)); /* or its deputy */
	if (!(world.members >> node & 1))
		return;
	/* It may have been about to do what it is asked for. */
	for (int i = 0; i < NODES; i++)
		while (below(2) && world_deliver(i, node))
			;
	if (below(2))
		world_serve(node);
	world_lose(node, below(4) == 0);
	model_lose(node);
}

static void deliver(void)
{
	const unsigned first = below(NODES * NODES);

	for (unsigned i = 0; i < NODES * NODES; i++) {
		const unsigned at = (first + i) % (NODES * NODES);

		if (world_deliver((int)(at / NODES), (int)(at % NODES)))
			return;
	}
}

static void step(int anytime)
{
	const int i = (int)below(NODES);

	switch (below(16)) {
	case 0:
	case 1:
	case 2:
	case 3: world_serve(i); break;
	case 4:
	case 5:
	case 6: if (world.node[i].lives)
			model_ask(&world.node[i].thread[below(THREADS)]);
		break;
	case 7: if (below(4) == 0)
			world_enter(i);
		break;
	case 8: if (below(24) == 0)
			maybe_lose(anytime);
		if (!(world.members >> i & 1) && below(4) == 0 && world.node[i].lives)
			world_end(i);
		break;
	default: deliver(); break;
	}
}

static void run(int anytime)
{
	run_seed = seed_state;
	world_open(model_ended);
	model_open(anytime);
	for (unsigned i = below(2) * MANY; i > 0; i--) {
		model_ask(&world.node[0].thread[0]);
		world_settle();
	}
	for (int i = 0; i < STEPS; i++)
		step(anytime);
	model_rest();
	model_compare();
	world_close();
}

static void run_all(int anytime)
{
	model_counts = (struct model_counts){0};
	for (int i = 0; i < rounds(); i++)
		run(anytime);
	printf("%u answers, %u of them that all is lost; %u blocks, %u names, %u claims, %u lookups over ",
	       model_counts.ended, model_counts.lost, model_counts.blocks, model_counts.names,
	       model_counts.claims, model_counts.cancelled);
	CU_ASSERT(model_counts.blocks && model_counts.names && model_counts.claims && model_counts.cancelled);
}

/* One after the other, each when the next deputy has all: down to one node, nothing is lost. */
static void test_one_after_the_other(void)
{
	run_all(0);
	CU_ASSERT_EQUAL(model_counts.lost, 0);
}

/* At any time: who serves and its deputy may die together, and then that is said. */
static void test_at_any_time(void)
{
	run_all(1);
	CU_ASSERT(model_counts.lost > 0);
	CU_ASSERT(model_counts.lost < model_counts.ended / 2);
}

static uint64_t messages_of(int node, int op)
{
	const struct coh_svc take = {.op = SVC_ALLOC, .arg = {64}}, free_it = {.op = SVC_FREE};
	struct thread *t = &world.node[node].thread[0];
	const uint64_t before = world.sent;

	world_ask(t, op == SVC_ALLOC ? &take : &free_it);
	world_settle();
	CU_ASSERT(!t->busy);
	return world.sent - before;
}

static void count_ended(struct thread *t, int status, uint64_t a, uint64_t b)
{
	(void)t, (void)a, (void)b;
	CU_ASSERT_EQUAL(status, 0);
}

/* A request and its answer, where it is not asked here; and a change and its acknowledgement. */
static void test_messages(void)
{
	world_open(count_ended);
	CU_ASSERT_EQUAL(messages_of(0, SVC_ALLOC), 2);
	CU_ASSERT_EQUAL(messages_of(1, SVC_ALLOC), 4);
	CU_ASSERT_EQUAL(messages_of(2, SVC_ALLOC), 4);
	CU_ASSERT_EQUAL(messages_of(2, SVC_FREE), 4);
	for (int i = 0; i < NODES - 1; i++) {
		world_settle();
		world_lose(i, 0);
	}
	world_settle();
	CU_ASSERT_EQUAL(messages_of(NODES - 1, SVC_ALLOC), 0);
	world_close();
}

static int tell(uint8_t kind, uint64_t a, uint64_t b, uint64_t c)
{
	struct served_change change = {.kind = kind, .arg = {a, b, c}, .name = "x"};

	return mirror_follow(&world.node[1].mirror, 0, &change);
}

/* What a deputy is told is looked at before it is done. */
static void test_what_cannot_be(void)
{
	struct served_change strange = {.kind = SERVED_TAKE, .zone = REGION_ZONES};

	world_open(count_ended);
	CU_ASSERT_EQUAL(tell(SERVED_TAKE, 0, 32, ALLOC_LOWEST), 0);
	CU_ASSERT_EQUAL(tell(SERVED_TAKE, 16, 32, ALLOC_LOWEST), -EINVAL);
	CU_ASSERT_EQUAL(tell(SERVED_TAKE, 16, 32, 0), -EINVAL); /* not free */
	CU_ASSERT_EQUAL(tell(SERVED_TAKE, 64, 32, 16), -EINVAL); /* nothing begins there */
	CU_ASSERT_EQUAL(tell(SERVED_TAKE, 64, 0, 0), -EINVAL);
	CU_ASSERT_EQUAL(tell(SERVED_TAKE, 64, 24, 0), -EINVAL);
	CU_ASSERT_EQUAL(tell(SERVED_TAKE, ZONE_BYTES - 16, 32, 0), -EINVAL);
	CU_ASSERT_EQUAL(tell(SERVED_TAKE, 64, UINT64_MAX - 15, 0), -EINVAL);
	CU_ASSERT_EQUAL(tell(SERVED_TAKE, 2 * PAGE, 2 * PAGE, 0), 0);
	CU_ASSERT_EQUAL(tell(SERVED_LEFT, 2 * PAGE, 0, 0), -EINVAL); /* it does not leave */
	CU_ASSERT_EQUAL(tell(SERVED_LEAVE, 2 * PAGE, 0, 0), 0);
	CU_ASSERT_EQUAL(tell(SERVED_GIVE, 2 * PAGE, 0, 0), -EINVAL);
	CU_ASSERT_EQUAL(tell(SERVED_LEFT, 2 * PAGE, PAGE, 3 * PAGE), -EINVAL);
	CU_ASSERT_EQUAL(tell(SERVED_LEFT, 2 * PAGE, 3 * PAGE, 5 * PAGE), -EINVAL);
	CU_ASSERT_EQUAL(tell(SERVED_LEFT, 2 * PAGE, 3 * PAGE, 4 * PAGE), 0);
	CU_ASSERT_EQUAL(tell(SERVED_REMOVE, 0, 0, 0), -EINVAL);
	CU_ASSERT_EQUAL(tell(SERVED_ADD, 7, 0, 0), 0);
	CU_ASSERT_EQUAL(tell(SERVED_ADD, 7, 0, 0), -EINVAL);
	CU_ASSERT_EQUAL(tell(SERVED_KINDS, 0, 0, 0), -EINVAL);
	CU_ASSERT_EQUAL(tell(0, 0, 0, 0), -EINVAL);
	CU_ASSERT_EQUAL(mirror_follow(&world.node[1].mirror, 0, &strange), -EINVAL);
	strange = (struct served_change){.kind = SERVED_DONE, .node = SERVED_NODES, .serial = 1};
	CU_ASSERT_EQUAL(mirror_follow(&world.node[1].mirror, 0, &strange), -EINVAL);
	CU_ASSERT_EQUAL(alloc_check(world.node[1].mirror.served.alloc[0]), 0);
	/* Of who is not followed: nothing is done. */
	CU_ASSERT_EQUAL(mirror_follow(&world.node[3].mirror, 0, &strange), 0);
	CU_ASSERT_EQUAL(mirror_follow(&world.node[0].mirror, 1, &strange), 0);
	world_close();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "one after the other", test_one_after_the_other },
		{ "at any time", test_at_any_time },
		{ "messages of a request", test_messages },
		{ "what cannot be", test_what_cannot_be },
		CU_TEST_INFO_NULL,
	};

	seed_start((uint64_t)getpid());
	return suite_run("mirror", NULL, NULL, tests, 60);
}
