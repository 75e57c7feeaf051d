/* SPDX-License-Identifier: BSD-2-Clause */
/* Sets of sharers against a plain model, in every form, and who may ack an Inv. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "coherence/sharers.h"
#include "tests/suite.h"

#define SETS 24

struct form {
	coh_node nodes;
	uint8_t pointers;
	uint16_t group;
	uint32_t maps;
};

static const struct form forms[] = {
	{ 64, 0, 0, 0 },   { 3, 0, 0, 0 },      { 65, 0, 0, 4 },     { 100, 0, 0, 0 },
	{ 1000, 0, 0, 8 }, { 1024, 0, 0, 2 },   { 1024, 0, 0, 200 }, { 8, 1, 1, 1 },
	{ 8, 2, 3, 0 },    { 60, 3, 1, 3 },     { 5, 1, 2, 2 },      { 64, 6, 0, 70 },
	{ 128, 4, 64, 1 }, { 1024, 6, 100, 3 },
};
#define FORMS (sizeof forms / sizeof *forms)

struct fixture {
	struct coh *c;
	struct coh_effects fx;
	uint64_t set[SETS];
	uint8_t model[SETS][COH_MAX_NODES];
	int was_full[SETS]; /* may have become coarse since it was last cleared */
	uint32_t random;
};

static struct coh_config config_of(const struct form *f)
{
	return (struct coh_config){
		.nodes = f->nodes,
		.n_zones = 1,
		.zone = { { 0, 16, 4 } },
		.per_home = 2,
		.slots = 4,
		.holds = 2,
		.sharer_maps = f->maps,
		.sharer_pointers = f->pointers,
		.sharer_group = f->group,
	};
}

static void setup(struct fixture *x, const struct form *f)
{
	struct coh_config config = config_of(f);

	memset(x, 0, sizeof *x);
	x->random = 12345;
	CU_ASSERT_EQUAL_FATAL(coh_config_check(&config), 0);
	x->c = coh_init(calloc(1, coh_size(&config)), &config);
}

static uint32_t below(struct fixture *x, uint32_t n)
{
	x->random = x->random * 1664525 + 1013904223;
	return (uint64_t)(x->random >> 1) * n >> 31;
}

/* Every question about a set, answered by the model. */
static void check_set(struct fixture *x, unsigned i)
{
	struct coh *c = x->c;
	int exact = coh_sharers_exact(c, x->set[i]);
	unsigned model_count = 0, seen = 0, bad = 0;
	coh_node next = coh_sharers_next(c, x->set[i], 0);

	CU_ASSERT_TRUE(exact || x->was_full[i]);
	for (coh_node n = 0; n < c->cfg.nodes; n++) {
		int has = coh_sharers_has(c, x->set[i], n);
		bad += exact ? has != x->model[i][n] : has < x->model[i][n];
		model_count += x->model[i][n];
		bad += has != (next == n);
		if (next == n) {
			seen++;
			next = coh_sharers_next(c, x->set[i], n + 1u);
		}
	}
	CU_ASSERT_EQUAL(bad, 0);
	CU_ASSERT_EQUAL(next, COH_NO_NODE);
	CU_ASSERT_EQUAL(coh_sharers_count(c, x->set[i]), seen);
	CU_ASSERT_TRUE(exact ? seen == model_count : seen >= model_count);
}

static void change(struct fixture *x, unsigned i, unsigned what, coh_node node)
{
	uint32_t coarse = x->fx.count[COH_N_COARSE];

	if (what < 60) {
		coh_sharers_add(x->c, &x->set[i], node, &x->fx);
		x->model[i][node] = 1;
	} else if (what < 98) {
		coh_sharers_remove(x->c, &x->set[i], node);
		x->model[i][node] = 0;
	} else {
		coh_sharers_clear(x->c, &x->set[i]);
		memset(x->model[i], 0, sizeof x->model[i]);
		x->was_full[i] = 0;
		CU_ASSERT_EQUAL(x->set[i], 0);
	}
	if (x->fx.count[COH_N_COARSE] != coarse)
		x->was_full[i] = 1;
}

static void test_against_model(void)
{
	static struct fixture x;

	for (unsigned f = 0; f < FORMS; f++) {
		setup(&x, &forms[f]);
		for (unsigned step = 0; step < 6000; step++) {
			unsigned i = below(&x, SETS);
			/* few different nodes, else no set ever shrinks */
			coh_node node = below(&x, 12) * (uint32_t)forms[f].nodes / 12;
			if (below(&x, 8) == 0)
				node = below(&x, forms[f].nodes);
			change(&x, i, below(&x, 100), node);
			if (step % 16 == 0)
				check_set(&x, i);
		}
		for (unsigned i = 0; i < SETS; i++)
			check_set(&x, i);
		free(x.c);
	}
}

/* When all sets are empty again, nothing is left: equal states have equal bytes. */
static void test_nothing_left(void)
{
	static struct fixture x;

	for (unsigned f = 0; f < FORMS; f++) {
		setup(&x, &forms[f]);
		void *fresh = malloc(x.c->size);
		memcpy(fresh, x.c, x.c->size);
		for (unsigned step = 0; step < 4000; step++)
			change(&x, below(&x, SETS), below(&x, 60), below(&x, forms[f].nodes));
		if (x.c->wide)
			CU_ASSERT_TRUE(coh_wide_maps_used(x.c) <= forms[f].maps);
		for (unsigned i = 0; i < SETS; i++)
			coh_sharers_clear(x.c, &x.set[i]);
		CU_ASSERT_EQUAL(memcmp(fresh, x.c, x.c->size), 0);
		free(fresh);
		free(x.c);
	}
}

/* The order in which sharers come does not show, as long as the pool is not asked. */
static void test_order_of_numbers(void)
{
	static const coh_node node[] = { 700, 3, 1023, 0, 64, 63 };
	static struct fixture x;

	setup(&x, &(struct form){ 1024, 0, 0, 4 });
	for (unsigned i = 0; i < 6; i++) {
		coh_sharers_add(x.c, &x.set[0], node[i], &x.fx);
		coh_sharers_add(x.c, &x.set[1], node[5 - i], &x.fx);
	}
	CU_ASSERT_EQUAL(x.set[0], x.set[1]);
	CU_ASSERT_EQUAL(coh_wide_maps_used(x.c), 0);
	coh_sharers_add(x.c, &x.set[0], 64, &x.fx);
	CU_ASSERT_EQUAL(x.set[0], x.set[1]);
	coh_sharers_add(x.c, &x.set[0], 5, &x.fx);
	CU_ASSERT_EQUAL(coh_wide_maps_used(x.c), 1);
	free(x.c);
}

static void test_full_pool(void)
{
	static struct fixture x;

	setup(&x, &(struct form){ 1024, 0, 0, 2 });
	for (unsigned i = 0; i < 3; i++)
		for (coh_node n = 0; n < 7; n++)
			coh_sharers_add(x.c, &x.set[i], n * 100, &x.fx);
	CU_ASSERT_EQUAL(x.fx.count[COH_N_COARSE], 1);
	CU_ASSERT_TRUE(coh_sharers_exact(x.c, x.set[0]) && coh_sharers_exact(x.c, x.set[1]));
	CU_ASSERT_FALSE(coh_sharers_exact(x.c, x.set[2]));
	CU_ASSERT_TRUE(coh_sharers_has(x.c, x.set[2], 101)); /* it stands behind 100's bit */
	coh_sharers_remove(x.c, &x.set[2], 100);
	CU_ASSERT_TRUE(coh_sharers_has(x.c, x.set[2], 100));
	coh_sharers_clear(x.c, &x.set[0]);
	for (coh_node n = 0; n < 7; n++)
		coh_sharers_add(x.c, &x.set[3], n, &x.fx);
	CU_ASSERT_TRUE(coh_sharers_exact(x.c, x.set[3]));
	CU_ASSERT_EQUAL(x.set[3] << 32, 0); /* the map that was freed, the lowest */
	free(x.c);
}

static void test_config(void)
{
	struct coh_config c = config_of(&(struct form){ 1024, 0, 0, 0 });

	CU_ASSERT_EQUAL(coh_config_check(&c), 0);
	c.sharer_group = 17; /* 60 bits do not reach 1,024 nodes */
	CU_ASSERT_EQUAL(coh_config_check(&c), -EINVAL);
	c.sharer_group = 0;
	c.sharer_pointers = 7;
	CU_ASSERT_EQUAL(coh_config_check(&c), -EINVAL);
	c.sharer_pointers = 0;
	c.nodes = 1025;
	CU_ASSERT_EQUAL(coh_config_check(&c), -EINVAL);
}

/* --- a home with many sharers --- */

static int message(struct fixture *x, coh_node from, struct coh_msg m)
{
	struct coh_event ev = { .kind = COH_EV_MSG, .from = from };

	m.n = 1;
	ev.msg = m;
	return coh_step(x->c, &ev, &x->fx);
}

static void read_by(struct fixture *x, coh_node node)
{
	CU_ASSERT_EQUAL(message(x, node, (struct coh_msg){ .type = COH_MSG_GETS }), 0);
	CU_ASSERT_EQUAL(message(x, node, (struct coh_msg){ .type = COH_MSG_DONE }), 0);
}

static void setup_home(struct fixture *x, const struct form *f)
{
	struct coh_config config = config_of(f);

	setup(x, f);
	x->fx.cap = coh_effects_max(&config);
	x->fx.list = calloc(x->fx.cap, sizeof *x->fx.list);
	x->fx.self_queue = calloc(COH_SELF_MAX, sizeof *x->fx.self_queue);
}

static void teardown_home(struct fixture *x)
{
	free(x->fx.list);
	free(x->fx.self_queue);
	free(x->c);
}

static unsigned invs(const struct fixture *x, uint8_t *to)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < x->fx.len; i++)
		if (x->fx.list[i].kind == COH_FX_SEND && x->fx.list[i].msg.type == COH_MSG_INV) {
			CU_ASSERT_EQUAL(to[x->fx.list[i].node], 0);
			to[x->fx.list[i].node] = 1;
			n++;
		}
	return n;
}

/* All who were asked must ack, each once, and nobody else counts. */
static void invalidate(const struct form *f, unsigned step, int upgrade, unsigned want)
{
	static struct fixture x;
	uint8_t asked[COH_MAX_NODES] = { 0 };
	coh_node writer = 10 * step, stranger = f->nodes - 1;
	unsigned left;

	setup_home(&x, f);
	for (coh_node n = step; n < f->nodes - 1; n += step)
		read_by(&x, n);
	CU_ASSERT_EQUAL(message(&x, writer,
	                        (struct coh_msg){ .type = COH_MSG_GETM,
	                                          .flags = upgrade ? COH_F_UPGRADE : 0 }),
	                0);
	left = invs(&x, asked);
	CU_ASSERT_EQUAL(left, want);
	for (coh_node n = 1; n < f->nodes; n++) {
		struct coh_msg ack = { .type = COH_MSG_INV_ACK };
		if (!asked[n]) {
			CU_ASSERT_EQUAL(message(&x, n, ack), -EPROTO);
			continue;
		}
		CU_ASSERT_EQUAL(message(&x, n, ack), 0);
		CU_ASSERT_EQUAL(x.fx.len != 0, --left == 0); /* the grant leaves with the last */
		CU_ASSERT_EQUAL(message(&x, n, ack), -EPROTO);
	}
	CU_ASSERT_FALSE(asked[stranger] && want < f->nodes / 2u);
	CU_ASSERT_EQUAL(message(&x, writer, (struct coh_msg){ .type = COH_MSG_DONE }), 0);
	CU_ASSERT_TRUE(coh_is_quiet(x.c));
	teardown_home(&x);
}

static void test_acks(void)
{
	invalidate(&(struct form){ 64, 0, 0, 0 }, 1, 1, 61);
	invalidate(&(struct form){ 1024, 0, 0, 1 }, 1, 0, 1021);
	invalidate(&(struct form){ 1024, 0, 0, 1 }, 1, 1, 1021);
	invalidate(&(struct form){ 1024, 0, 0, 1 }, 50, 0, 19);
	/* coarse: whole groups of 18 but for the home, and the upgrader is asked too */
	invalidate(&(struct form){ 1024, 0, 0, 0 }, 1, 0, 1022);
	invalidate(&(struct form){ 1024, 0, 0, 0 }, 1, 1, 1023);
	invalidate(&(struct form){ 1024, 0, 0, 0 }, 90, 0, 11 * 18 - 1);
}

/* What the grant of an upgrade says: -1 data, else the number of pages without. */
static int upgrade_grant(const struct form *f, int touched)
{
	static struct fixture x;
	int got = -2;

	setup_home(&x, f);
	if (touched) {
		message(&x, 1,
		        (struct coh_msg){ .type = COH_MSG_ATOMIC,
		                          .atomic = { .op = COH_OP_SWAP, .width = 8 } });
	}
	for (coh_node n = 1; n < f->nodes; n++)
		read_by(&x, n);
	message(&x, 2, (struct coh_msg){ .type = COH_MSG_GETM, .flags = COH_F_UPGRADE });
	for (coh_node n = 1; n < f->nodes; n++) {
		message(&x, n, (struct coh_msg){ .type = COH_MSG_INV_ACK });
		for (uint32_t i = 0; i < x.fx.len; i++) {
			if (x.fx.list[i].kind == COH_FX_MOVE)
				got = -1;
			else if (x.fx.list[i].kind == COH_FX_SEND)
				got = x.fx.list[i].msg.n;
		}
	}
	teardown_home(&x);
	return got;
}

static void test_empty_grant(void)
{
	CU_ASSERT_EQUAL(upgrade_grant(&(struct form){ 1024, 0, 0, 1 }, 1), 1);
	CU_ASSERT_EQUAL(upgrade_grant(&(struct form){ 64, 0, 0, 0 }, 1), 1);
	CU_ASSERT_EQUAL(upgrade_grant(&(struct form){ 1024, 0, 0, 0 }, 1), -1);
	CU_ASSERT_EQUAL(upgrade_grant(&(struct form){ 5, 1, 1, 0 }, 1), -1);
	CU_ASSERT_EQUAL(upgrade_grant(&(struct form){ 1024, 0, 0, 0 }, 0), 1); /* zero everywhere */
}

static void test_barrier(void)
{
	static struct fixture x;
	struct coh_event ev = { .kind = COH_EV_BARRIER, .cookie = 7 };

	setup_home(&x, &(struct form){ 1024, 0, 0, 0 });
	CU_ASSERT_EQUAL(coh_step(x.c, &ev, &x.fx), 0);
	for (coh_node n = 1; n < 1024; n++) {
		CU_ASSERT_EQUAL(x.fx.len, 0);
		CU_ASSERT_FALSE(coh_is_quiet(x.c));
		CU_ASSERT_EQUAL(message(&x, n, (struct coh_msg){ .type = COH_MSG_BARRIER_ARRIVE }),
		                0);
		if (n < 1023)
			CU_ASSERT_EQUAL(message(&x, n,
			                        (struct coh_msg){ .type = COH_MSG_BARRIER_ARRIVE }),
			                -EPROTO);
	}
	CU_ASSERT_EQUAL(x.fx.len, 1024); /* 1,023 releases and the call here */
	CU_ASSERT_TRUE(coh_is_quiet(x.c));
	teardown_home(&x);
}

/* Renaming twice by a swap is no change; once moves the sharers along. */
static void test_permute(void)
{
	static struct fixture x;
	static const struct form few[] = {
		{ 6, 0, 0, 0 }, { 6, 3, 0, 0 }, { 6, 1, 0, 1 }, { 6, 1, 1, 0 }, { 6, 1, 2, 0 }
	};
	static const coh_node swap[] = { 0, 1, 4, 5, 2, 3 };

	for (unsigned f = 0; f < sizeof few / sizeof *few; f++) {
		setup_home(&x, &few[f]);
		read_by(&x, 2);
		read_by(&x, 3);
		message(&x, 1, (struct coh_msg){ .type = COH_MSG_GETM });
		void *before = malloc(x.c->size);
		memcpy(before, x.c, x.c->size);
		coh_permute(x.c, swap);
		CU_ASSERT_TRUE(coh_is_sharer(x.c, 0, 4) && coh_is_sharer(x.c, 0, 5));
		CU_ASSERT_FALSE(coh_is_sharer(x.c, 0, 2) || coh_is_sharer(x.c, 0, 3));
		CU_ASSERT_EQUAL(message(&x, 4, (struct coh_msg){ .type = COH_MSG_INV_ACK }), 0);
		memcpy(x.c, before, x.c->size);
		coh_permute(x.c, swap);
		coh_permute(x.c, swap);
		CU_ASSERT_EQUAL(memcmp(before, x.c, x.c->size), 0);
		free(before);
		teardown_home(&x);
	}
}

/* All atomics that wait for a page are carried out in the step that frees it. */
static void test_long_queue(void)
{
	static struct fixture x;
	struct coh_config config = {
		.nodes = 2, .n_zones = 1, .zone = { { 0, 2, 1 } }, .per_home = 3000, .slots = 4
	};
	struct coh_msg m = { .type = COH_MSG_ATOMIC, .atomic = { .op = COH_OP_SWAP, .width = 8 } };

	memset(&x, 0, sizeof x);
	x.c = coh_init(calloc(1, coh_size(&config)), &config);
	x.fx.cap = coh_effects_max(&config);
	x.fx.list = calloc(x.fx.cap, sizeof *x.fx.list);
	x.fx.self_queue = calloc(COH_SELF_MAX, sizeof *x.fx.self_queue);
	CU_ASSERT_EQUAL(message(&x, 1, (struct coh_msg){ .type = COH_MSG_GETS }), 0);
	for (m.slot = 1; m.slot < 3000; m.slot++)
		CU_ASSERT_EQUAL(message(&x, 1, m), 0);
	CU_ASSERT_EQUAL(message(&x, 1, m), -EPROTO);
	CU_ASSERT_EQUAL(message(&x, 1, (struct coh_msg){ .type = COH_MSG_DONE }), 0);
	/* the first of them has its requestor's own copy invalidated, and the rest waits */
	CU_ASSERT_EQUAL(x.fx.len, 1);
	CU_ASSERT_EQUAL(message(&x, 1, (struct coh_msg){ .type = COH_MSG_INV_ACK }), 0);
	CU_ASSERT_EQUAL(x.fx.len, 2999);
	CU_ASSERT_TRUE(coh_is_quiet(x.c));
	teardown_home(&x);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "every form against a model", test_against_model },
		{ "nothing is left of empty sets", test_nothing_left },
		{ "order of numbers", test_order_of_numbers },
		{ "full pool", test_full_pool },
		{ "configuration", test_config },
		{ "each sharer acks once", test_acks },
		{ "empty grants need an exact set", test_empty_grant },
		{ "barrier of 1,024 nodes", test_barrier },
		{ "a long queue", test_long_queue },
		{ "renaming nodes", test_permute },
		CU_TEST_INFO_NULL,
	};

	return suite_run("sharers", NULL, NULL, tests, 60);
}
