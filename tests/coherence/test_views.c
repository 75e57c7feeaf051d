/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Views, as one core sees them: what is refused, what is dropped, what is reported, in parts where
 * it is much. That what several make of it is right, tests/explore shows.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "coherence/coh.h"
#include "tests/suite.h"

#define PAGES 2048

static struct coh_config config(void)
{
	return (struct coh_config){
		.nodes = 3,
		.n_zones = 1,
		.zone = { { .count = PAGES, .block_pages = 1024 } },
		.per_home = 4,
		.slots = 8,
		.migratory = 3,
		.survive = 1,
	};
}

static struct coh *core;
static struct coh_effects fx;

static void open_with(struct coh_config cfg)
{
	CU_ASSERT_EQUAL_FATAL(coh_config_check(&cfg), 0);
	core = coh_init(calloc(1, coh_size(&cfg)), &cfg);
	fx = (struct coh_effects){ .cap = coh_effects_max(&cfg) };
	fx.list = calloc(fx.cap, sizeof *fx.list);
	fx.self_queue = calloc(COH_SELF_MAX, sizeof *fx.self_queue);
}

static void open_core(void)
{
	open_with(config());
}

static void close_core(void)
{
	CU_ASSERT_PTR_NULL(coh_invariant(core));
	free(core);
	free(fx.list);
	free(fx.self_queue);
}

static int step(struct coh_event ev)
{
	return coh_step(core, &ev, &fx);
}

static int at_page(uint8_t kind, uint64_t page, uint16_t n)
{
	return step((struct coh_event){ .kind = kind, .page = page, .n = n });
}

static int view(uint32_t number, uint64_t members)
{
	return step((struct coh_event){ .kind = COH_EV_VIEW, .view = number, .members = members });
}

static int fenced(void)
{
	return step((struct coh_event){ .kind = COH_EV_FENCED });
}

static int message(coh_node from, struct coh_msg m)
{
	m.n = 1;
	return step((struct coh_event){ .kind = COH_EV_MSG, .from = from, .msg = m });
}

static int run_of(coh_node from, uint8_t type, uint64_t page, uint16_t n)
{
	return step((struct coh_event){ .kind = COH_EV_MSG,
		                        .from = from,
		                        .msg = { .type = type, .page = page, .n = n } });
}

static int last_report(coh_node from, uint32_t number)
{
	return message(from, (struct coh_msg){ .type = COH_MSG_REPORT, .view = number,
	                                       .flags = COH_F_LAST });
}

static unsigned count(uint8_t kind)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < fx.len; i++)
		n += fx.list[i].kind == kind;
	return n;
}

static unsigned dir_of(uint64_t page)
{
	struct coh_page_info info;

	coh_page_info(core, page, &info);
	return info.dir_state;
}

/* --- configurations and events --- */

static void test_configurations(void)
{
	struct coh_config c = config();

	CU_ASSERT_EQUAL(coh_config_check(&c), 0);
	c.locks = UINT32_MAX / 4;
	CU_ASSERT_EQUAL(coh_config_check(&c), -EINVAL);
	c = config();
	c.nodes = 65;
	CU_ASSERT_EQUAL(coh_config_check(&c), -EINVAL);
	c.survive = 0;
	CU_ASSERT_EQUAL(coh_config_check(&c), 0);
}

/* Migratory pages are not to be had with it; of runs, an owner supplies one page. */
static void test_what_is_not_to_be_had(void)
{
	struct coh_msg get = { .type = COH_MSG_GETM };

	open_core();
	CU_ASSERT_EQUAL(coh_config_of(core)->migratory, 0);
	CU_ASSERT_EQUAL(at_page(COH_EV_PREFETCH, 1024, 8), 0);
	CU_ASSERT_EQUAL(fx.consumed, 8);
	CU_ASSERT_EQUAL(fx.list[0].msg.n, 8);
	for (get.page = 0; get.page < 2; get.page++) {
		CU_ASSERT_EQUAL(message(1, get), 0);
		CU_ASSERT_EQUAL(message(1, (struct coh_msg){ .type = COH_MSG_DONE, .page = get.page }), 0);
	}
	CU_ASSERT_EQUAL(run_of(2, COH_MSG_GETS, 0, 2), 0);
	CU_ASSERT_EQUAL(fx.list[0].msg.type, COH_MSG_FWD_GETS);
	CU_ASSERT_EQUAL(fx.list[0].msg.n, 1);
	CU_ASSERT_EQUAL(run_of(2, COH_MSG_GETS, 8, 2), 0); /* from the home's frame: both */
	CU_ASSERT_EQUAL(fx.list[0].msg.type, COH_MSG_GRANT);
	CU_ASSERT_EQUAL(fx.list[0].msg.n, 2);
	close_core();
}

static void test_views_that_cannot_be(void)
{
	open_core();
	CU_ASSERT_EQUAL(fenced(), -EINVAL);
	CU_ASSERT_EQUAL(view(0, 7), -EINVAL);
	CU_ASSERT_EQUAL(view(1, 6), -EINVAL); /* without this node */
	CU_ASSERT_EQUAL(view(1, 15), -EINVAL);
	CU_ASSERT_EQUAL(view(2, 3), 0);
	CU_ASSERT_EQUAL(count(COH_FX_FENCE), 1);
	CU_ASSERT_EQUAL(view(2, 1), -EINVAL);
	CU_ASSERT_EQUAL(view(3, 1), 0); /* one more has died before the fence is up */
	CU_ASSERT_EQUAL(coh_view(core), 0);
	CU_ASSERT_EQUAL(fenced(), 0);
	CU_ASSERT_EQUAL(coh_view(core), 3);
	CU_ASSERT_EQUAL(view(4, 3), -EINVAL); /* nobody comes back */
	close_core();
}

static void test_messages_of_other_views(void)
{
	struct coh_msg get = { .type = COH_MSG_GETS, .view = 1, .serial = 1 };

	open_core();
	CU_ASSERT_EQUAL(message(1, get), -EAGAIN);
	CU_ASSERT_EQUAL(view(1, 3), 0);
	CU_ASSERT_EQUAL(message(1, get), -EAGAIN);
	CU_ASSERT_EQUAL(at_page(COH_EV_READ, 0, 0), -EAGAIN);
	CU_ASSERT_EQUAL(fenced(), 0);
	get.view = 0;
	CU_ASSERT_EQUAL(message(1, get), 0);
	CU_ASSERT_EQUAL(fx.len, 0);
	CU_ASSERT_FALSE(coh_has_transactions(core));
	get.view = 1;
	CU_ASSERT_EQUAL(message(2, get), -EPROTO); /* of the dead */
	CU_ASSERT_EQUAL(message(1, get), 0);
	CU_ASSERT_EQUAL(fx.len, 0); /* waits for the reports */
	CU_ASSERT(coh_is_rebuilding(core));
	CU_ASSERT_EQUAL(last_report(1, 1), 0);
	CU_ASSERT_FALSE(coh_is_rebuilding(core));
	CU_ASSERT_EQUAL(count(COH_FX_SEND), 1);
	CU_ASSERT_EQUAL(fx.list[0].msg.type, COH_MSG_GRANT);
	CU_ASSERT_EQUAL(last_report(1, 1), -EPROTO); /* once is enough */
	close_core();
}

/* --- much to report, much to start --- */

static void test_in_parts(void)
{
	unsigned parts = 1;

	open_core();
	for (uint64_t p = 0; p < 900; p++)
		CU_ASSERT_EQUAL(at_page(COH_EV_WRITE, p, 0), 0);
	CU_ASSERT_EQUAL(view(1, 1), 0);
	CU_ASSERT_EQUAL(fenced(), 0);
	CU_ASSERT(coh_is_rebuilding(core));
	CU_ASSERT_FALSE(coh_is_quiet(core));
	for (; coh_has_more(core); parts++) {
		CU_ASSERT_EQUAL(at_page(COH_EV_READ, 5, 0), -EAGAIN);
		CU_ASSERT_EQUAL(step((struct coh_event){ .kind = COH_EV_RECOVER }), 0);
	}
	CU_ASSERT(parts > 1);
	CU_ASSERT_FALSE(coh_is_rebuilding(core));
	CU_ASSERT_EQUAL(dir_of(5), COH_D_M);
	CU_ASSERT_EQUAL(dir_of(899), COH_D_M);
	CU_ASSERT_EQUAL(dir_of(900), COH_D_I); /* untouched, and its home lives */
	CU_ASSERT_EQUAL(dir_of(1024), COH_D_LOST);
	CU_ASSERT_EQUAL(at_page(COH_EV_WRITE, 900, 0), 0);
	CU_ASSERT_EQUAL(coh_cache_state_of(core, 900), COH_C_M);
	close_core();
}

/* A region so large that only what was named is looked at: node 2 dies, and its pages come here. */
static void open_large_and_lose_one(void)
{
	struct coh_config c = config();

	c.zone[0].count = 64 * 1024;
	open_with(c);
	CU_ASSERT_EQUAL(at_page(COH_EV_WRITE, 0, 0), 0);
	CU_ASSERT_EQUAL(at_page(COH_EV_READ, 2048 + 700, 0), 0);
	CU_ASSERT_EQUAL(view(1, 3), 0);
	CU_ASSERT_EQUAL(fenced(), 0);
	CU_ASSERT(coh_is_rebuilding(core));
}

static void check_large(void)
{
	CU_ASSERT_FALSE(coh_is_rebuilding(core));
	CU_ASSERT_EQUAL(dir_of(0), COH_D_M);
	CU_ASSERT_EQUAL(dir_of(3), COH_D_I);    /* named by a neighbour; untouched, and ours */
	CU_ASSERT_EQUAL(dir_of(3072), COH_D_I); /* never named */
	CU_ASSERT_EQUAL(at_page(COH_EV_WRITE, 3072, 0), 0);
	CU_ASSERT_EQUAL(coh_cache_state_of(core, 3072), COH_C_M);
	CU_ASSERT_EQUAL(dir_of(2048 + 700), COH_D_LOST);
	CU_ASSERT_EQUAL(dir_of(5120 + 700), COH_D_LOST); /* never named, and told when it is asked for */
	CU_ASSERT_EQUAL(at_page(COH_EV_READ, 5120, 0), 0);
	CU_ASSERT_EQUAL(count(COH_FX_LOST), 1);
	CU_ASSERT_EQUAL(dir_of(5120 + 511), COH_D_LOST);
}

static void test_much_that_was_never_named(void)
{
	struct coh_msg has = { .type = COH_MSG_REPORT, .view = 1, .page = 2048 + 1, .access = COH_READ };

	open_large_and_lose_one();
	CU_ASSERT_EQUAL(message(1, has), 0);
	has.page = 3072 + 9; /* ours from the start, and never named here */
	CU_ASSERT_EQUAL(message(1, has), 0);
	CU_ASSERT_EQUAL(last_report(1, 1), 0);
	CU_ASSERT_EQUAL(dir_of(2048 + 1), COH_D_AWAY);
	CU_ASSERT_EQUAL(dir_of(2048 + 2), COH_D_LOST);
	CU_ASSERT_EQUAL(dir_of(3072 + 9), COH_D_S);
	check_large();
	close_core();
}

static void test_much_and_another_death(void)
{
	struct coh_msg has = { .type = COH_MSG_REPORT, .view = 1, .page = 6144 + 1, .access = COH_WRITE };

	open_large_and_lose_one();
	CU_ASSERT_EQUAL(message(1, has), 0);
	CU_ASSERT_EQUAL(view(2, 1), 0);
	CU_ASSERT_EQUAL(fenced(), 0);
	CU_ASSERT_EQUAL(dir_of(6144 + 1), COH_D_I); /* ours; what node 1 has said of it does not count */
	CU_ASSERT_EQUAL(dir_of(1024), COH_D_LOST);
	check_large();
	close_core();
}

/* So many requests have waited for the last report that one step cannot start them. Whoever comes
 * then does not go before them: what they asked for may have been done. */
static void test_first_come(void)
{
	enum { NODES = 64, ASKED = 256 };
	struct coh_config cfg = config();
	struct coh_page_info info;

	cfg.nodes = NODES;
	cfg.slots = ASKED / 2;
	cfg.zone[0].count = NODES * 1024;
	open_with(cfg);
	CU_ASSERT_EQUAL(view(1, ~UINT64_C(0) >> 1), 0);
	CU_ASSERT_EQUAL(fenced(), 0);
	while (coh_has_more(core))
		CU_ASSERT_EQUAL_FATAL(step((struct coh_event){ .kind = COH_EV_RECOVER }), 0);
	for (uint64_t p = 0; p < ASKED; p++) {
		for (coh_node i = 1; i < NODES - 1; i++)
			CU_ASSERT_EQUAL_FATAL(message(i, (struct coh_msg){ .type = COH_MSG_REPORT, .view = 1,
				                                           .page = p, .access = COH_READ }), 0);
		CU_ASSERT_EQUAL_FATAL(message(1 + p % 2, (struct coh_msg){ .type = COH_MSG_GETM, .view = 1,
			                                                   .page = p }), 0);
	}
	for (coh_node i = 1; i < NODES - 1; i++)
		CU_ASSERT_EQUAL(last_report(i, 1), 0);
	CU_ASSERT(coh_has_more(core));
	CU_ASSERT_EQUAL(dir_of(0), COH_D_INV);
	CU_ASSERT_EQUAL(dir_of(ASKED - 1), COH_D_S); /* not yet */
	CU_ASSERT_EQUAL(message(3, (struct coh_msg){ .type = COH_MSG_GETM, .view = 1, .page = ASKED - 1 }), 0);
	CU_ASSERT_EQUAL(dir_of(ASKED - 1), COH_D_S);
	while (coh_has_more(core))
		CU_ASSERT_EQUAL_FATAL(step((struct coh_event){ .kind = COH_EV_RECOVER }), 0);
	coh_page_info(core, ASKED - 1, &info);
	CU_ASSERT_EQUAL(info.dir_state, COH_D_INV);
	CU_ASSERT_EQUAL(info.requestor, 2);
	close_core();
}

static void test_lost(void)
{
	open_core();
	CU_ASSERT_EQUAL(at_page(COH_EV_READ, 1024, 0), 0); /* of node 1, who dies */
	CU_ASSERT_EQUAL(count(COH_FX_SEND), 1);
	CU_ASSERT_EQUAL(view(1, 1), 0);
	CU_ASSERT_EQUAL(fenced(), 0);
	CU_ASSERT_EQUAL(count(COH_FX_WAKE), 1);
	CU_ASSERT_EQUAL(dir_of(1024), COH_D_LOST);
	CU_ASSERT_EQUAL(at_page(COH_EV_READ, 1024, 0), 0);
	CU_ASSERT_EQUAL(count(COH_FX_LOST), 1);
	CU_ASSERT_EQUAL(count(COH_FX_WAKE), 1);
	CU_ASSERT_EQUAL(coh_cache_state_of(core, 1024), COH_C_I);
	CU_ASSERT(coh_is_quiet(core));
	close_core();
}

/* An atomic of node 1's that was done here, and whose answer node 1 has not taken, is answered again
 * with what was there, before anybody else has the page. */
static void test_atomic_again(void)
{
	struct coh_msg ask = { .type = COH_MSG_ATOMIC, .slot = 3, .serial = 9,
		               .atomic = { .op = COH_OP_FETCH_ADD, .width = 8, .operand = 1 } };
	const struct coh_msg *m;

	open_core();
	CU_ASSERT_EQUAL(message(1, ask), 0);
	CU_ASSERT_EQUAL(count(COH_FX_ATOMIC), 1);
	coh_keep_result(core, 0, 77);
	CU_ASSERT_EQUAL(message(1, (struct coh_msg){ .type = COH_MSG_GETS, .serial = 10 }), 0);
	CU_ASSERT_EQUAL(fx.len, 0); /* busy until Done */
	CU_ASSERT_EQUAL(view(1, 3), 0);
	CU_ASSERT_EQUAL(fenced(), 0);
	CU_ASSERT_EQUAL(message(1, (struct coh_msg){ .type = COH_MSG_GETS, .serial = 11, .view = 1 }), 0);
	ask.view = 1;
	CU_ASSERT_EQUAL(message(1, ask), 0);
	CU_ASSERT_EQUAL(fx.len, 0);
	CU_ASSERT_EQUAL(last_report(1, 1), 0);
	CU_ASSERT_EQUAL(fx.len, 1);
	m = &fx.list[0].msg;
	CU_ASSERT_EQUAL(m->type, COH_MSG_ATOMIC_RESP);
	CU_ASSERT_EQUAL(m->slot, 3);
	CU_ASSERT_EQUAL(m->result, 77);
	CU_ASSERT_EQUAL(message(1, (struct coh_msg){ .type = COH_MSG_DONE, .view = 1 }), 0);
	CU_ASSERT_EQUAL(count(COH_FX_MOVE), 1); /* the read */
	close_core();
}

static void test_homes(void)
{
	struct coh_config c = config();

	c.zone[0].block_pages = 1;
	for (uint64_t p = 0; p < 9; p++) {
		coh_node first = coh_home_of(&c, p), next = (coh_node)((first + 1) % 3);
		CU_ASSERT_EQUAL(coh_home_among(&c, 7, p), first);
		CU_ASSERT_EQUAL(coh_home_among(&c, 7u & ~(1u << first), p), next);
		CU_ASSERT_EQUAL(coh_home_among(&c, 7u & ~(1u << next), p), first);
		CU_ASSERT_EQUAL(coh_home_among(&c, 1u << next, p), next);
	}
}

/* A tag of such a job has room for the view, and is the same again without it. */
static void test_marks(void)
{
	const struct coh_tag tag[] = {
		{ .to_home = 1 }, { .to_home = 1, .home_index = COH_TAG_PAGES - 1 },
		{ .access = COH_READ, .n = 1 }, { .access = COH_WRITE, .n = 1, .slot = COH_SELF_MAX - 1 },
	};

	for (unsigned i = 0; i < sizeof tag / sizeof *tag; i++) {
		const uint32_t bits = coh_tag_encode(tag[i]);
		uint32_t view;

		for (uint32_t number = 0; number < 200; number++) {
			CU_ASSERT_EQUAL(coh_tag_unmark(coh_tag_mark(bits, number), &view), bits);
			CU_ASSERT_EQUAL(view, number % COH_TAG_VIEWS);
			CU_ASSERT_EQUAL(coh_tag_mark(bits, number) >> 31, bits >> 31);
		}
	}
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "configurations", test_configurations },
		{ "what is not to be had", test_what_is_not_to_be_had },
		{ "views that cannot be", test_views_that_cannot_be },
		{ "messages of other views", test_messages_of_other_views },
		{ "in parts", test_in_parts },
		{ "much that was never named", test_much_that_was_never_named },
		{ "much, and another death", test_much_and_another_death },
		{ "first come, first served", test_first_come },
		{ "lost pages", test_lost },
		{ "an atomic is answered again", test_atomic_again },
		{ "homes", test_homes },
		{ "marks", test_marks },
		CU_TEST_INFO_NULL,
	};

	return suite_run("views", NULL, NULL, tests, 60);
}
