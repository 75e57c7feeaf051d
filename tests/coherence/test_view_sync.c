/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks, words, the barrier and freed pages in a new view, as one core sees them, message by message.
 * That what several make of it is right, tests/explore shows.
 */
#include <errno.h>
#include <stdlib.h>

#include "coherence/coh.h"
#include "tests/suite.h"

#define LOCKS 4

static struct coh *core;
static struct coh_effects fx;

/* Node self of three. */
static void open_core(coh_node self)
{
	struct coh_config cfg = {
		.nodes = 3,
		.self = self,
		.n_zones = 1,
		.zone = { { .count = 12, .block_pages = 4 } },
		.per_home = 4,
		.slots = 8,
		.locks = LOCKS,
		.sync_slots = 4,
		.futex_slots = 2,
		.survive = 1,
	};

	CU_ASSERT_EQUAL_FATAL(coh_config_check(&cfg), 0);
	core = coh_init(calloc(1, coh_size(&cfg)), &cfg);
	fx = (struct coh_effects){ .cap = coh_effects_max(&cfg) };
	fx.list = calloc(fx.cap, sizeof *fx.list);
	fx.self_queue = calloc(COH_SELF_MAX, sizeof *fx.self_queue);
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

static void enter(uint32_t number, uint64_t members)
{
	CU_ASSERT_EQUAL(step((struct coh_event){ .kind = COH_EV_VIEW, .view = number, .members = members }), 0);
	CU_ASSERT_EQUAL(step((struct coh_event){ .kind = COH_EV_FENCED }), 0);
	CU_ASSERT_FALSE(coh_has_more(core) && !coh_is_rebuilding(core));
}

static int message(coh_node from, struct coh_msg m)
{
	m.n = 1;
	m.view = coh_view(core);
	return step((struct coh_event){ .kind = COH_EV_MSG, .from = from, .msg = m });
}

static int report(coh_node from, uint8_t flags, uint64_t result)
{
	return message(from, (struct coh_msg){ .type = COH_MSG_REPORT, .flags = flags, .result = result });
}

static int lock(coh_node from, uint16_t slot, uint32_t object, uint32_t thread, uint8_t flags)
{
	return message(from, (struct coh_msg){ .type = COH_MSG_LOCK,
		                               .flags = flags,
		                               .slot = slot,
		                               .sync = { .object = object, .mutex = object, .thread = thread } });
}

static int call(uint8_t kind, coh_node home, uint32_t object, uint32_t thread, uint64_t cookie)
{
	return step((struct coh_event){ .kind = kind,
		                        .home = home,
		                        .cookie = cookie,
		                        .sync = { .object = object, .thread = thread } });
}

static const struct coh_effect *effect(uint8_t kind, unsigned which)
{
	for (uint32_t i = 0; i < fx.len; i++)
		if (fx.list[i].kind == kind && which-- == 0)
			return &fx.list[i];
	return NULL;
}

/* The step sent so many messages, of which this is the first. */
static const struct coh_msg *sent(unsigned n, uint8_t type, coh_node to)
{
	const struct coh_effect *e = effect(COH_FX_SEND, 0);

	CU_ASSERT_PTR_NULL(effect(COH_FX_SEND, n));
	CU_ASSERT_PTR_NOT_NULL_FATAL(effect(COH_FX_SEND, n - 1));
	CU_ASSERT_EQUAL(e->msg.type, type);
	CU_ASSERT_EQUAL(e->node, to);
	return &e->msg;
}

/* --- mutexes --- */

/* Node 0's mutex, which node 2 holds and node 1 waits for; node 2 dies. */
static void test_holder_dies(void)
{
	open_core(0);
	CU_ASSERT_EQUAL(step((struct coh_event){ .kind = COH_EV_MUTEX_CREATE }), 0);
	CU_ASSERT_EQUAL(lock(2, 0, 0, 20, 0), 0);
	CU_ASSERT_EQUAL(sent(1, COH_MSG_SYNC_RESP, 2)->flags, 0);
	CU_ASSERT_EQUAL(lock(1, 3, 0, 10, 0), 0);
	enter(1, 3);
	CU_ASSERT_EQUAL(lock(1, 3, 0, 10, 0), 0); /* asked again */
	CU_ASSERT_EQUAL(fx.len, 0);
	CU_ASSERT_EQUAL(report(1, COH_F_LAST, 0), 0);
	CU_ASSERT_EQUAL(sent(1, COH_MSG_SYNC_RESP, 1)->flags, COH_F_ORPHAN);
	CU_ASSERT_EQUAL(sent(1, COH_MSG_SYNC_RESP, 1)->slot, 3);
	/* Told once: it is in order when it is unlocked. */
	CU_ASSERT_EQUAL(message(1, (struct coh_msg){ .type = COH_MSG_UNLOCK, .sync.thread = 10 }), 0);
	CU_ASSERT_EQUAL(lock(1, 3, 0, 10, 0), 0);
	CU_ASSERT_EQUAL(sent(1, COH_MSG_SYNC_RESP, 1)->flags, 0);
	close_core();
}

/* The order of those who wait is that of the old view, not that in which they ask again; who was
 * granted the mutex and has not heard of it goes first. Node 0's grant to 2's thread 20 is lost. */
static void test_order(void)
{
	open_core(0);
	CU_ASSERT_EQUAL(step((struct coh_event){ .kind = COH_EV_MUTEX_CREATE }), 0);
	CU_ASSERT_EQUAL(lock(2, 0, 0, 20, 0), 0);
	CU_ASSERT_EQUAL(lock(2, 1, 0, 21, 0), 0);
	CU_ASSERT_EQUAL(lock(2, 2, 0, 22, 0), 0);
	enter(1, 5); /* node 1 dies */
	CU_ASSERT_EQUAL(lock(2, 2, 0, 22, 0), 0);
	CU_ASSERT_EQUAL(lock(2, 1, 0, 21, 0), 0);
	CU_ASSERT_EQUAL(lock(2, 3, 0, 23, COH_F_TRY), 0);
	CU_ASSERT_EQUAL(lock(2, 0, 0, 20, 0), 0);
	CU_ASSERT_EQUAL(report(2, COH_F_LAST, 0), 0);
	CU_ASSERT_EQUAL(sent(2, COH_MSG_SYNC_RESP, 2)->slot, 0);
	CU_ASSERT_EQUAL(effect(COH_FX_SEND, 1)->msg.slot, 3); /* tries */
	CU_ASSERT_EQUAL(effect(COH_FX_SEND, 1)->msg.sync.value, -EBUSY);
	for (uint32_t thread = 20; thread < 22; thread++) {
		CU_ASSERT_EQUAL(message(2, (struct coh_msg){ .type = COH_MSG_UNLOCK, .sync.thread = thread }), 0);
		CU_ASSERT_EQUAL(sent(1, COH_MSG_SYNC_RESP, 2)->slot, thread - 19);
	}
	close_core();
}

/* Node 0 dies with its mutex 2, which a thread of this node, 1, holds; its successor is this node. */
static void test_home_dies(void)
{
	open_core(1);
	CU_ASSERT_EQUAL(call(COH_EV_LOCK, 0, 2, 7, 1), 0);
	CU_ASSERT_EQUAL(sent(1, COH_MSG_LOCK, 0)->sync.object, 2);
	CU_ASSERT_EQUAL(message(0, (struct coh_msg){ .type = COH_MSG_SYNC_RESP }), 0);
	CU_ASSERT_EQUAL(effect(COH_FX_COMPLETE, 0)->status, 0);
	enter(1, 6);
	CU_ASSERT_EQUAL(lock(2, 0, 2, 20, 0), 0);
	CU_ASSERT_EQUAL(lock(2, 1, 3, 21, 0), 0); /* nobody knows who held this one */
	CU_ASSERT_EQUAL(report(2, COH_F_LAST, 0), 0);
	CU_ASSERT_EQUAL(sent(1, COH_MSG_SYNC_RESP, 2)->slot, 1);
	CU_ASSERT_EQUAL(sent(1, COH_MSG_SYNC_RESP, 2)->flags, COH_F_ORPHAN);
	CU_ASSERT_EQUAL(call(COH_EV_UNLOCK, 0, 2, 7, 0), 0);
	CU_ASSERT_EQUAL(sent(1, COH_MSG_SYNC_RESP, 2)->slot, 0);
	CU_ASSERT_EQUAL(sent(1, COH_MSG_SYNC_RESP, 2)->flags, 0);
	/* Of the dead one's numbers nobody knows which are taken. */
	CU_ASSERT_EQUAL(step((struct coh_event){ .kind = COH_EV_COND_CREATE, .sync.mutex = 2 }), 0);
	CU_ASSERT_EQUAL(effect(COH_FX_COMPLETE, 0)->status, -ENOSPC);
	CU_ASSERT_EQUAL(call(COH_EV_LOCK, 0, 3, 7, 1), 0);
	CU_ASSERT_EQUAL(call(COH_EV_LOCK, 1, 3, 8, 2), 0); /* of one's own there is none */
	CU_ASSERT_EQUAL(effect(COH_FX_COMPLETE, 0)->status, -EINVAL);
	close_core();
}

/* What this node asks again, and tells, when node 2 dies: who waits for a condition wants the mutex. */
static void test_asked_again(void)
{
	unsigned held = 0, locks = 0, last = 0;

	open_core(1);
	CU_ASSERT_EQUAL(call(COH_EV_LOCK, 0, 0, 5, 1), 0);
	CU_ASSERT_EQUAL(message(0, (struct coh_msg){ .type = COH_MSG_SYNC_RESP, .flags = COH_F_ORPHAN }), 0);
	CU_ASSERT_EQUAL(effect(COH_FX_COMPLETE, 0)->status, -EOWNERDEAD);
	CU_ASSERT_EQUAL(step((struct coh_event){ .kind = COH_EV_COND_WAIT, .cookie = 2,
		                                 .sync = { .object = 1, .thread = 5 } }), 0);
	CU_ASSERT_EQUAL(call(COH_EV_LOCK, 0, 2, 6, 3), 0);
	CU_ASSERT_EQUAL(message(0, (struct coh_msg){ .type = COH_MSG_SYNC_RESP, .slot = 1 }), 0);
	CU_ASSERT_EQUAL(step((struct coh_event){ .kind = COH_EV_SYNC_DESTROY, .cookie = 4,
		                                 .sync = { .object = 3, .thread = 8, .value = 1 } }), 0);
	enter(1, 3);
	CU_ASSERT_EQUAL(effect(COH_FX_COMPLETE, 0)->cookie, 4);
	CU_ASSERT_EQUAL(effect(COH_FX_COMPLETE, 0)->status, -ESTALE);
	for (uint32_t i = 0; i < fx.len; i++) {
		const struct coh_msg *m = &fx.list[i].msg;
		if (fx.list[i].kind != COH_FX_SEND)
			continue;
		CU_ASSERT_FALSE(last); /* behind all that it has to say */
		if (m->type == COH_MSG_LOCK)
			locks += m->sync.object == 0 && m->sync.thread == 5 && m->slot == 0;
		else if (m->flags & COH_F_HOLDS)
			held += m->result == (UINT64_C(2) << 32 | 6);
		last = m->flags & COH_F_LAST;
	}
	CU_ASSERT(held == 1 && locks == 1 && last);
	close_core();
}

/* --- words --- */

static void test_words(void)
{
	open_core(1);
	CU_ASSERT_EQUAL(step((struct coh_event){ .kind = COH_EV_FUTEX_WAIT, .cookie = 1 }), 0);
	CU_ASSERT_EQUAL(message(0, (struct coh_msg){ .type = COH_MSG_FUTEX_RESP, .slot = 7, .futex.value = 1 }), 0);
	CU_ASSERT_EQUAL(step((struct coh_event){ .kind = COH_EV_FUTEX_WAKE, .cookie = 2, .futex.value = 1 }), 0);
	enter(1, 3);
	CU_ASSERT_EQUAL(effect(COH_FX_COMPLETE, 0)->cookie, 1);
	CU_ASSERT_EQUAL(effect(COH_FX_COMPLETE, 0)->status, -ESTALE);
	CU_ASSERT_EQUAL(effect(COH_FX_COMPLETE, 1)->cookie, 2);
	CU_ASSERT_EQUAL(effect(COH_FX_COMPLETE, 1)->status, -ESTALE);
	close_core();
}

/* A comparison of the old view, told of in the new one, is of no wait. */
static void test_old_comparison(void)
{
	struct coh_event told = { .kind = COH_EV_COMPARED, .futex.value = 1 };

	open_core(0);
	CU_ASSERT_EQUAL(message(1, (struct coh_msg){ .type = COH_MSG_FUTEX_WAIT }), 0);
	CU_ASSERT_PTR_NOT_NULL(effect(COH_FX_COMPARE, 0));
	enter(1, 3);
	CU_ASSERT_EQUAL(report(1, COH_F_LAST, 0), 0);
	CU_ASSERT_EQUAL(message(1, (struct coh_msg){ .type = COH_MSG_FUTEX_WAIT, .slot = 2 }), 0);
	CU_ASSERT_EQUAL(step(told), 0);
	CU_ASSERT_EQUAL(fx.len, 0);
	told.view = 1;
	CU_ASSERT_EQUAL(step(told), 0);
	CU_ASSERT_EQUAL(sent(1, COH_MSG_FUTEX_RESP, 1)->slot, 2);
	close_core();
}

/* --- the barrier --- */

/* This node has passed one that node 1 still waits in; then node 1 comes to the next. */
static void test_barrier(void)
{
	open_core(0);
	CU_ASSERT_EQUAL(message(1, (struct coh_msg){ .type = COH_MSG_BARRIER_ARRIVE }), 0);
	CU_ASSERT_EQUAL(message(2, (struct coh_msg){ .type = COH_MSG_BARRIER_ARRIVE }), 0);
	CU_ASSERT_EQUAL(step((struct coh_event){ .kind = COH_EV_BARRIER, .cookie = 1 }), 0);
	CU_ASSERT_PTR_NOT_NULL(effect(COH_FX_COMPLETE, 0));
	CU_ASSERT_EQUAL(step((struct coh_event){ .kind = COH_EV_BARRIER, .cookie = 2 }), 0);
	enter(1, 3);
	CU_ASSERT_EQUAL(report(1, COH_F_BARRIER | COH_F_LAST, 4), 0); /* none passed, and waits */
	(void)sent(1, COH_MSG_BARRIER_RELEASE, 1);
	CU_ASSERT_PTR_NULL(effect(COH_FX_COMPLETE, 0));
	CU_ASSERT_EQUAL(message(1, (struct coh_msg){ .type = COH_MSG_BARRIER_ARRIVE }), 0);
	(void)sent(1, COH_MSG_BARRIER_RELEASE, 1);
	CU_ASSERT_EQUAL(effect(COH_FX_COMPLETE, 0)->cookie, 2); /* node 2 is not waited for */
	close_core();
}

/* --- freed pages --- */

static void test_lost_page_is_freed(void)
{
	struct coh_page_info info;

	open_core(1);
	CU_ASSERT_EQUAL(step((struct coh_event){ .kind = COH_EV_DISCARD, .page = 1, .n = 2, .cookie = 9 }), 0);
	(void)sent(1, COH_MSG_DISCARD, 0);
	enter(1, 6); /* asked again, of itself */
	CU_ASSERT_EQUAL(report(2, COH_F_LAST, 0), 0);
	CU_ASSERT_PTR_NULL(effect(COH_FX_DISCARD_FRAME, 0)); /* node 2 may have been told that they are lost */
	CU_ASSERT_EQUAL(sent(1, COH_MSG_DROP, 2)->n, 2);
	CU_ASSERT_EQUAL(message(2, (struct coh_msg){ .type = COH_MSG_DROP_ACK, .page = 1 }), 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(effect(COH_FX_DISCARD_FRAME, 0));
	CU_ASSERT_EQUAL(effect(COH_FX_DISCARD_FRAME, 0)->n, 2);
	CU_ASSERT_EQUAL(effect(COH_FX_COMPLETE, 0)->cookie, 9);
	CU_ASSERT_EQUAL(effect(COH_FX_COMPLETE, 0)->n, 2);
	coh_page_info(core, 1, &info);
	CU_ASSERT(info.dir_state == COH_D_I && !info.touched);
	coh_page_info(core, 0, &info);
	CU_ASSERT_EQUAL(info.dir_state, COH_D_LOST);
	close_core();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "a holder dies", test_holder_dies },
		{ "the order of those who wait", test_order },
		{ "a mutex's home dies", test_home_dies },
		{ "what is asked again", test_asked_again },
		{ "waits and wakes end", test_words },
		{ "a comparison of an older view", test_old_comparison },
		{ "the barrier of the living", test_barrier },
		{ "a lost page is freed", test_lost_page_is_freed },
		CU_TEST_INFO_NULL,
	};

	return suite_run("view sync", NULL, NULL, tests, 60);
}
