/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lost pages that are made anew, as one home sees it: who is told, who waits, what stays. That what
 * several make of it is right, tests/explore shows.
 */
#include <errno.h>
#include <stdlib.h>

#include "coherence/coh.h"
#include "tests/suite.h"

/* Enough for only those to be looked at that somebody has named: 512 go by one bit. */
#define PAGES 9216
#define BLOCK 1024
#define LOST (3 * BLOCK) /* of node 3, whose heir is node 0 */

static struct coh *core;
static struct coh_effects fx;

static void open_as(coh_node nodes, int survive, uint64_t secure_pages)
{
	struct coh_config cfg = {
		.nodes = nodes,
		.n_zones = 1,
		.zone = { { .count = PAGES, .block_pages = BLOCK } },
		.per_home = 4,
		.slots = 8,
		.survive = (uint8_t)survive,
		.secure_first = secure_pages ? LOST : 0,
		.secure_pages = secure_pages,
	};

	CU_ASSERT_EQUAL_FATAL(coh_config_check(&cfg), 0);
	core = coh_init(calloc(1, coh_size(&cfg)), &cfg);
	fx = (struct coh_effects){ .cap = coh_effects_max(&cfg) };
	fx.list = calloc(fx.cap, sizeof *fx.list);
	fx.self_queue = calloc(COH_SELF_MAX, sizeof *fx.self_queue);
}

static void open_core(int survive)
{
	open_as(4, survive, 0);
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

static int message(coh_node from, struct coh_msg m)
{
	m.view = coh_view(core);
	m.n = m.n ? m.n : 1;
	return step((struct coh_event){ .kind = COH_EV_MSG, .from = from, .msg = m });
}

/* Node 3 dies, and with members those that are not among them. */
static void lose(uint64_t members)
{
	CU_ASSERT_EQUAL(step((struct coh_event){ .kind = COH_EV_VIEW, .view = 1, .members = members }), 0);
	CU_ASSERT_EQUAL(step((struct coh_event){ .kind = COH_EV_FENCED }), 0);
	while (coh_has_more(core))
		CU_ASSERT_EQUAL_FATAL(step((struct coh_event){ .kind = COH_EV_RECOVER }), 0);
	for (coh_node i = 1; i < 3; i++)
		if (members >> i & 1)
			CU_ASSERT_EQUAL(message(i, (struct coh_msg){ .type = COH_MSG_REPORT,
			                                             .flags = COH_F_LAST }), 0);
}

static unsigned dir_of(uint64_t page)
{
	struct coh_page_info info;

	coh_page_info(core, page, &info);
	return info.dir_stable;
}

static const struct coh_effect *effect(uint8_t kind, coh_node node, uint8_t type)
{
	for (uint32_t i = 0; i < fx.len; i++)
		if (fx.list[i].kind == kind &&
		    (kind != COH_FX_SEND || (fx.list[i].node == node && fx.list[i].msg.type == type)))
			return &fx.list[i];
	return NULL;
}

/* Of pages of which some go by another bit than the others, and which nobody has named. */
static void test_alone(void)
{
	const struct coh_effect *e;

	open_core(1);
	lose(1);
	CU_ASSERT_EQUAL(step((struct coh_event){ .kind = COH_EV_READ, .page = LOST + 1 }), 0);
	CU_ASSERT_PTR_NOT_NULL(effect(COH_FX_LOST, 0, 0));
	CU_ASSERT_EQUAL(step((struct coh_event){ .kind = COH_EV_RENEW, .page = LOST + 510, .n = 5 }), 0);
	CU_ASSERT_EQUAL(fx.consumed, 5);
	e = effect(COH_FX_COMPLETE, 0, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(e);
	CU_ASSERT_EQUAL(e->status, 0);
	CU_ASSERT_EQUAL(e->n, 5);
	CU_ASSERT_EQUAL(e->result, 0);
	e = effect(COH_FX_DISCARD_FRAME, 0, 0);
	CU_ASSERT(e && e->page == LOST + 510 && e->n == 5);
	e = effect(COH_FX_RENEWED, 0, 0);
	CU_ASSERT(e && e->page == LOST + 510 && e->n == 5);
	for (uint64_t p = LOST + 510; p < LOST + 515; p++)
		CU_ASSERT_EQUAL(dir_of(p), COH_D_I);
	CU_ASSERT_EQUAL(dir_of(LOST + 509), COH_D_LOST);
	CU_ASSERT_EQUAL(dir_of(LOST + 515), COH_D_LOST);
	CU_ASSERT_EQUAL(step((struct coh_event){ .kind = COH_EV_WRITE, .page = LOST + 512 }), 0);
	CU_ASSERT_EQUAL(coh_cache_state_of(core, LOST + 512), COH_C_M);
	close_core();
}

/* All hear of it, and it is over when all have said so; whoever asks meanwhile waits. */
static void test_all_hear(void)
{
	const struct coh_effect *e;

	open_core(1);
	lose(7);
	CU_ASSERT_EQUAL(message(2, (struct coh_msg){ .type = COH_MSG_DISCARD, .flags = COH_F_RENEW,
	                                             .page = LOST, .n = 2, .slot = 5 }), 0);
	for (coh_node i = 1; i < 3; i++) {
		e = effect(COH_FX_SEND, i, COH_MSG_DROP);
		CU_ASSERT(e && e->msg.flags == COH_F_RENEW && e->msg.n == 2);
	}
	CU_ASSERT_EQUAL(dir_of(LOST), COH_D_LOST);
	CU_ASSERT_EQUAL(message(1, (struct coh_msg){ .type = COH_MSG_GETM, .page = LOST + 1 }), 0);
	CU_ASSERT_EQUAL(fx.len, 0);
	CU_ASSERT_EQUAL(message(1, (struct coh_msg){ .type = COH_MSG_DROP_ACK, .page = LOST }), 0);
	CU_ASSERT_EQUAL(dir_of(LOST), COH_D_LOST);
	CU_ASSERT_EQUAL(message(2, (struct coh_msg){ .type = COH_MSG_DROP_ACK, .page = LOST }), 0);
	e = effect(COH_FX_SEND, 2, COH_MSG_DISCARDED);
	CU_ASSERT(e && e->msg.slot == 5 && e->msg.n == 2 && e->msg.result == 0);
	e = effect(COH_FX_SEND, 1, COH_MSG_GRANT);
	CU_ASSERT(e && e->msg.access == COH_WRITE && !(e->msg.flags & COH_F_LOST));
	CU_ASSERT_EQUAL(dir_of(LOST), COH_D_I);
	CU_ASSERT_EQUAL(message(1, (struct coh_msg){ .type = COH_MSG_DONE, .page = LOST + 1 }), 0);
	close_core();
}

/* Who was told that a page is lost hears of a discard, too. */
static void test_discard(void)
{
	const struct coh_effect *e;

	open_core(1);
	lose(7);
	CU_ASSERT_EQUAL(message(1, (struct coh_msg){ .type = COH_MSG_DISCARD, .page = LOST, .n = 1 }), 0);
	for (coh_node i = 1; i < 3; i++) {
		e = effect(COH_FX_SEND, i, COH_MSG_DROP);
		CU_ASSERT(e && e->msg.flags == COH_F_RENEW);
	}
	for (coh_node i = 1; i < 3; i++)
		CU_ASSERT_EQUAL(message(i, (struct coh_msg){ .type = COH_MSG_DROP_ACK, .page = LOST }), 0);
	CU_ASSERT_PTR_NOT_NULL(effect(COH_FX_SEND, 1, COH_MSG_DISCARDED));
	CU_ASSERT_EQUAL(dir_of(LOST), COH_D_I);
	close_core();
}

/* A run ends where lost pages begin or end; and nobody hears of those that are not. */
static void test_not_lost(void)
{
	const struct coh_effect *e;

	open_core(1);
	lose(3);
	CU_ASSERT_EQUAL(message(1, (struct coh_msg){ .type = COH_MSG_GETM, .page = 8 }), 0);
	CU_ASSERT_EQUAL(message(1, (struct coh_msg){ .type = COH_MSG_DONE, .page = 8 }), 0);
	CU_ASSERT_EQUAL(message(1, (struct coh_msg){ .type = COH_MSG_DISCARD, .flags = COH_F_RENEW,
	                                             .page = 7, .n = 3 }), 0);
	CU_ASSERT_EQUAL(fx.len, 1);
	e = effect(COH_FX_SEND, 1, COH_MSG_DISCARDED);
	CU_ASSERT(e && e->msg.n == 3 && e->msg.result == 7);
	CU_ASSERT_EQUAL(dir_of(8), COH_D_M);
	CU_ASSERT_EQUAL(message(1, (struct coh_msg){ .type = COH_MSG_DISCARD, .flags = COH_F_RENEW,
	                                             .page = LOST + 1, .n = 1 }), 0);
	CU_ASSERT_EQUAL(message(1, (struct coh_msg){ .type = COH_MSG_DROP_ACK, .page = LOST + 1 }), 0);
	CU_ASSERT_EQUAL(message(1, (struct coh_msg){ .type = COH_MSG_DISCARD, .flags = COH_F_RENEW,
	                                             .page = LOST, .n = 3 }), 0);
	CU_ASSERT_EQUAL(message(1, (struct coh_msg){ .type = COH_MSG_DROP_ACK, .page = LOST }), 0);
	e = effect(COH_FX_SEND, 1, COH_MSG_DISCARDED);
	CU_ASSERT(e && e->msg.n == 1 && e->msg.result == 0);
	CU_ASSERT_EQUAL(dir_of(LOST + 2), COH_D_LOST);
	close_core();
}

/* Two nodes die that have a secure page. Made anew it is on two nodes as soon as somebody has written it and
 * others are to see it. */
static void test_secure(void)
{
	const struct coh_tag tag = { .to_home = 1, .home_index = LOST };
	const struct coh_effect *e;

	open_as(5, 1, BLOCK);
	lose(7); /* without node 3 and node 4, which was to have the copies */
	e = effect(COH_FX_SEND, 1, COH_MSG_RESTORED);
	CU_ASSERT(e && e->msg.result == 0); /* of what has no copy this home knows nothing */
	CU_ASSERT_EQUAL(step((struct coh_event){ .kind = COH_EV_READ, .page = LOST }), 0);
	CU_ASSERT_PTR_NOT_NULL(effect(COH_FX_LOST, 0, 0));
	CU_ASSERT_EQUAL(message(2, (struct coh_msg){ .type = COH_MSG_DISCARD, .flags = COH_F_RENEW,
	                                             .page = LOST, .slot = 5 }), 0);
	for (coh_node i = 1; i < 3; i++)
		CU_ASSERT_EQUAL(message(i, (struct coh_msg){ .type = COH_MSG_DROP_ACK, .page = LOST }), 0);
	e = effect(COH_FX_SEND, 2, COH_MSG_DISCARDED);
	CU_ASSERT(e && e->msg.result == 0);
	CU_ASSERT_PTR_NOT_NULL(effect(COH_FX_DISCARD_FRAME, 0, 0));
	CU_ASSERT_EQUAL(message(2, (struct coh_msg){ .type = COH_MSG_GETM, .page = LOST }), 0);
	e = effect(COH_FX_SEND, 2, COH_MSG_GRANT);
	CU_ASSERT(e && e->msg.access == COH_WRITE && !(e->msg.flags & COH_F_LOST));
	CU_ASSERT_EQUAL(message(2, (struct coh_msg){ .type = COH_MSG_DONE, .page = LOST }), 0);
	CU_ASSERT_EQUAL(step((struct coh_event){ .kind = COH_EV_READ, .page = LOST }), 0);
	e = effect(COH_FX_SEND, 2, COH_MSG_FWD_GETS);
	CU_ASSERT(e && e->msg.flags & COH_F_PULL);
	CU_ASSERT_EQUAL(step((struct coh_event){ .kind = COH_EV_LANDED, .tag = coh_tag_encode(tag) }), 0);
	CU_ASSERT_PTR_NOT_NULL(effect(COH_FX_SEND, 1, COH_MSG_COPY));
	CU_ASSERT_EQUAL(message(1, (struct coh_msg){ .type = COH_MSG_COPY_HERE, .page = LOST }), 0);
	CU_ASSERT_PTR_NOT_NULL(effect(COH_FX_MOVE, 0, 0));
	CU_ASSERT_EQUAL(message(1, (struct coh_msg){ .type = COH_MSG_COPIED, .page = LOST }), 0);
	CU_ASSERT_PTR_NOT_NULL(effect(COH_FX_SEND, 2, COH_MSG_SECURED));
	CU_ASSERT_EQUAL(dir_of(LOST), COH_D_HELD);
	CU_ASSERT_EQUAL(coh_cache_state_of(core, LOST), COH_C_IS_D);
	CU_ASSERT_EQUAL(message(2, (struct coh_msg){ .type = COH_MSG_DONE, .page = LOST }), 0);
	CU_ASSERT_EQUAL(coh_cache_state_of(core, LOST), COH_C_S);
	close_core();
}

/* Another node's page, a secure one, that this node is to hold beside its home: it hears of a renewal as all do,
 * and has a copy when it is written again, which it goes by when the home dies, too. */
static void test_second(void)
{
	const struct coh_tag tag = { .to_home = 1, .home_index = LOST };

	open_as(5, 1, BLOCK);
	/* Node 4 becomes the home, as node 3 dies, and this one is the second. */
	CU_ASSERT_EQUAL(step((struct coh_event){ .kind = COH_EV_VIEW, .view = 1, .members = 0x17 }), 0);
	CU_ASSERT_EQUAL(step((struct coh_event){ .kind = COH_EV_FENCED }), 0);
	while (coh_has_more(core))
		CU_ASSERT_EQUAL_FATAL(step((struct coh_event){ .kind = COH_EV_RECOVER }), 0);
	CU_ASSERT_EQUAL(message(4, (struct coh_msg){ .type = COH_MSG_COPY, .page = LOST }), 0);
	CU_ASSERT_EQUAL(step((struct coh_event){ .kind = COH_EV_LANDED, .tag = coh_tag_encode(tag) }), 0);
	CU_ASSERT(coh_is_copy(core, LOST));
	CU_ASSERT_EQUAL(message(4, (struct coh_msg){ .type = COH_MSG_DROP, .flags = COH_F_RENEW,
	                                             .page = LOST }), 0);
	CU_ASSERT(!coh_is_copy(core, LOST));
	CU_ASSERT_PTR_NOT_NULL(effect(COH_FX_RENEWED, 0, 0));
	CU_ASSERT_PTR_NOT_NULL(effect(COH_FX_SEND, 4, COH_MSG_DROP_ACK));
	CU_ASSERT_EQUAL(message(4, (struct coh_msg){ .type = COH_MSG_COPY, .page = LOST }), 0);
	CU_ASSERT_EQUAL(step((struct coh_event){ .kind = COH_EV_LANDED, .tag = coh_tag_encode(tag) }), 0);
	CU_ASSERT_PTR_NOT_NULL(effect(COH_FX_SEND, 4, COH_MSG_COPIED));
	CU_ASSERT_EQUAL(step((struct coh_event){ .kind = COH_EV_VIEW, .view = 2, .members = 7 }), 0);
	CU_ASSERT_EQUAL(step((struct coh_event){ .kind = COH_EV_FENCED }), 0);
	for (coh_node i = 1; i < 3; i++)
		CU_ASSERT_EQUAL(message(i, (struct coh_msg){ .type = COH_MSG_REPORT,
		                                             .flags = COH_F_LAST }), 0);
	CU_ASSERT_EQUAL(dir_of(LOST), COH_D_I);
	CU_ASSERT_EQUAL(dir_of(LOST + 1), COH_D_LOST); /* the home had not said that all copies are made */
	close_core();
}

/* What the home of secure pages sends to node of type in a step */
static unsigned sent(coh_node node, uint8_t type)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < fx.len; i++)
		n += fx.list[i].kind == COH_FX_SEND && fx.list[i].node == node && fx.list[i].msg.type == type;
	return n;
}

/* This node has the second copies of node 3's pages, and becomes their home: it has others made by node 1, some
 * at a time, each that is there followed by the next one; and says that all are when the last is, not before. */
static void test_second_copies(void)
{
	enum { COPIES = 40, AT_A_TIME = 16 };
	unsigned asked;

	open_as(4, 1, BLOCK);
	for (unsigned i = 0; i < COPIES; i++) {
		const struct coh_tag tag = { .to_home = 1, .home_index = LOST + i };

		CU_ASSERT_EQUAL(message(3, (struct coh_msg){ .type = COH_MSG_COPY, .page = LOST + i }), 0);
		CU_ASSERT_EQUAL(step((struct coh_event){ .kind = COH_EV_LANDED, .tag = coh_tag_encode(tag) }), 0);
	}
	lose(7);
	asked = sent(1, COH_MSG_COPY);
	CU_ASSERT_EQUAL(asked, AT_A_TIME);
	for (unsigned i = 0; i < COPIES; i++) {
		CU_ASSERT_EQUAL(sent(2, COH_MSG_RESTORED), 0);
		CU_ASSERT_EQUAL(message(1, (struct coh_msg){ .type = COH_MSG_COPY_HERE, .page = LOST + i }), 0);
		CU_ASSERT_EQUAL(message(1, (struct coh_msg){ .type = COH_MSG_COPIED, .page = LOST + i }), 0);
		asked += sent(1, COH_MSG_COPY);
		CU_ASSERT_EQUAL(asked, i + AT_A_TIME < COPIES ? i + 1 + AT_A_TIME : COPIES);
	}
	CU_ASSERT_EQUAL(sent(2, COH_MSG_RESTORED), 1);
	close_core();
}

static void test_where_none_dies(void)
{
	open_core(0);
	CU_ASSERT_EQUAL(step((struct coh_event){ .kind = COH_EV_RENEW, .page = 0, .n = 1 }), -EINVAL);
	CU_ASSERT_EQUAL(message(1, (struct coh_msg){ .type = COH_MSG_DISCARD, .flags = COH_F_RENEW,
	                                             .page = 0 }), -EPROTO);
	CU_ASSERT_EQUAL(message(1, (struct coh_msg){ .type = COH_MSG_DROP, .flags = COH_F_RENEW,
	                                             .page = BLOCK }), -EPROTO);
	close_core();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "alone", test_alone },
		{ "all hear of it", test_all_hear },
		{ "a discard", test_discard },
		{ "pages that are not lost", test_not_lost },
		{ "a secure page", test_secure },
		{ "a second copy", test_second },
		{ "second copies after a death", test_second_copies },
		{ "where none dies", test_where_none_dies },
		CU_TEST_INFO_NULL,
	};

	return suite_run("renew", NULL, NULL, tests, 60);
}
