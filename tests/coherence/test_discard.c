/* SPDX-License-Identifier: BSD-2-Clause */
/* Freed memory: pages that are discarded are untouched again, whoever had them. */
#include <string.h>

#include "tests/coherence/scene.h"
#include "tests/suite.h"

enum { HOME = 0, A = 1, B = 2 };

static void begin(uint16_t holds)
{
	struct coh_config cfg = cluster_config(3, 4);

	cfg.zone[0].block_pages = 4;
	cfg.holds = holds;
	c = cluster_new(&cfg);
}

static const struct cluster_call *discard(coh_node who, uint32_t page, uint16_t n)
{
	int cookie = cluster_discard(c, who, page, n);

	CU_ASSERT_FATAL(cookie > 0);
	CU_ASSERT_EQUAL(cluster_run(c), 0);
	return cluster_call_at(c, who, cookie);
}

/* Who reads it finds zero (the fixture looks), and no page comes. */
static void reads_zero(coh_node who, uint32_t page)
{
	cluster_forget(c);
	cluster_read(c, who, page);
	cluster_run(c);
	CU_ASSERT(!strstr(c->text, "page "));
	CU_ASSERT_EQUAL(c->node[who].frame[page].value, 0);
	CU_ASSERT_EQUAL(c->node[who].frame[page].access, COH_READ);
}

static void test_owner(void)
{
	begin(0);
	own(A, 0);
	CU_ASSERT_EQUAL(cluster_info(c, HOME, 0).touched, 1);
	cluster_forget(c);
	CU_ASSERT_PTR_NOT_NULL(discard(B, 0, 1));
	CU_ASSERT(cluster_expect(c, "2 discards: Discard>0\n"
	                            "0 Discard<2: Drop>1\n"
	                            "1 Drop<0: 0=NONE drop 0 Drop-Ack>0\n"
	                            "0 Drop-Ack<1: discard 0 Discarded>2\n"
	                            "2 Discarded<0: done\n"));
	CU_ASSERT_EQUAL(cluster_info(c, HOME, 0).touched, 0);
	CU_ASSERT_EQUAL(cluster_info(c, HOME, 0).dir_state, COH_D_I);
	reads_zero(A, 0);
	reads_zero(HOME, 0);
	finish();
}

/* One message for a node, whatever it has of the run; one for all when there is nothing. */
static void test_run(void)
{
	const struct cluster_call *call;

	begin(0);
	own(A, 0);
	share(B, 1);
	own(HOME, 2);
	share(A, 2);
	cluster_forget(c);
	call = discard(A, 0, 4);
	CU_ASSERT_EQUAL(call->result, 0);
	CU_ASSERT(cluster_expect(c, "1 discards: Discard>0\n"
	                            "0 Discard<1: Drop>1 Drop>2 2=NONE\n"
	                            "1 Drop<0: 0=NONE 2=NONE drop 0 Drop-Ack>0\n"
	                            "2 Drop<0: 1=NONE drop 0 Drop-Ack>0\n"
	                            "0 Drop-Ack<1:\n"
	                            "0 Drop-Ack<2: discard 0 Discarded>1\n"
	                            "1 Discarded<0: done\n"));
	call = discard(A, 0, 4);
	CU_ASSERT(cluster_expect(c, "1 discards: Discard>0\n"
	                            "0 Discard<1: discard 0 Discarded>1\n"
	                            "1 Discarded<0: done\n"));
	for (uint32_t p = 0; p < 4; p++)
		reads_zero(B, p);
	finish();
}

/* A frame that was left behind, and has what the page was, is zero when the page comes again. */
static void test_stale_frame(void)
{
	begin(0);
	own(A, 0);
	own(B, 0);
	CU_ASSERT_NOT_EQUAL(c->node[A].frame[0].value, 0);
	discard(B, 0, 1);
	reads_zero(A, 0);
	discard(HOME, 0, 1);
	own(A, 0); /* and to write: it has no other data */
	finish();
}

/* An upgrade that waits behind the discard is granted without data: of a page that is zero. */
static void test_upgrade(void)
{
	begin(0);
	own(HOME, 0);
	cluster_read(c, A, 0);
	cluster_read(c, B, 0);
	cluster_run(c);
	cluster_discard(c, B, 0, 1);
	CU_ASSERT_EQUAL(cluster_deliver(c, B, HOME), 0);
	cluster_write(c, A, 0);
	CU_ASSERT_EQUAL(cluster_deliver(c, A, HOME), 0);
	CU_ASSERT_EQUAL(cluster_info(c, HOME, 0).queued, 1);
	CU_ASSERT_EQUAL(cluster_run(c), 0);
	CU_ASSERT_EQUAL(c->node[A].frame[0].access, COH_WRITE);
	finish();
}

/* An eviction that is under way ends as one of a page that is not here any more. */
static void test_eviction(void)
{
	begin(0);
	own(A, 0);
	cluster_discard(c, B, 0, 1);
	CU_ASSERT_EQUAL(cluster_deliver(c, B, HOME), 0);
	cluster_evict(c, A, 0);
	CU_ASSERT_EQUAL(cluster_run(c), 0);
	CU_ASSERT_EQUAL(cluster_info(c, A, 0).cache_state, COH_C_I);
	CU_ASSERT_EQUAL(cluster_info(c, HOME, 0).touched, 0);
	finish();
}

static void deliver(coh_node from, coh_node to)
{
	CU_ASSERT_EQUAL(cluster_deliver(c, from, to), 0);
}

/* What a node holds it keeps; nobody waits. The rest of the run goes. */
static void test_held(void)
{
	const struct cluster_call *call;
	int cookie;

	begin(4);
	cluster_write(c, A, 1);
	cluster_prefetch(c, A, 2, 1);
	for (unsigned i = 0; i < 6; i++) /* requests, grants, Done */
		deliver(i / 2 % 2 ? HOME : A, i / 2 % 2 ? A : HOME);
	CU_ASSERT_EQUAL(cluster_info(c, A, 1).held, 1);
	cookie = cluster_discard(c, B, 0, 3);
	deliver(B, HOME);
	deliver(HOME, A);
	deliver(A, HOME);
	deliver(HOME, B);
	call = cluster_call_at(c, B, cookie);
	CU_ASSERT_PTR_NOT_NULL_FATAL(call);
	CU_ASSERT_EQUAL(call->result, 1 << 1);
	CU_ASSERT_EQUAL(state(A, 1), COH_C_M);
	CU_ASSERT_EQUAL(cluster_info(c, HOME, 1).dir_state, COH_D_M);
	CU_ASSERT_EQUAL(cluster_info(c, HOME, 1).touched, 1);
	CU_ASSERT_EQUAL(state(A, 2), COH_C_I);
	settle(); /* the tenure ends */
	call = discard(B, 0, 3);
	CU_ASSERT_EQUAL(call->result, 0);
	finish();
}

/* A run ends before a page that is busy; a busy first page is waited for. */
static void test_busy(void)
{
	const struct cluster_call *call;
	int cookie;

	begin(0);
	own(B, 1);
	cluster_read(c, A, 1);
	deliver(A, HOME);
	cookie = cluster_discard(c, B, 0, 4);
	deliver(B, HOME);
	deliver(HOME, B); /* Fwd-GetS */
	deliver(HOME, B); /* Discarded */
	call = cluster_call_at(c, B, cookie);
	CU_ASSERT_PTR_NOT_NULL_FATAL(call);
	CU_ASSERT_EQUAL(call->n, 1);
	cookie = cluster_discard(c, B, 1, 3);
	deliver(B, HOME);
	CU_ASSERT_PTR_NULL(cluster_call_at(c, B, cookie));
	cluster_run(c);
	call = cluster_call_at(c, B, cookie);
	CU_ASSERT_PTR_NOT_NULL_FATAL(call);
	CU_ASSERT_EQUAL(call->n, 3);
	CU_ASSERT_EQUAL(cluster_info(c, HOME, 1).touched, 0);
	finish();
}

/* A home whose sets of sharers are inexact asks more nodes than there are copies. */
static void test_inexact(void)
{
	struct coh_config cfg = cluster_config(3, 1);

	cfg.sharer_pointers = 1;
	cfg.sharer_group = 3;
	c = cluster_new(&cfg);
	own(HOME, 0);
	cluster_read(c, A, 0);
	cluster_read(c, B, 0);
	cluster_run(c);
	CU_ASSERT_EQUAL(cluster_info(c, HOME, 0).sharers_inexact, 1);
	discard(B, 0, 1);
	CU_ASSERT_EQUAL(cluster_info(c, HOME, 0).dir_state, COH_D_I);
	reads_zero(A, 0);
	finish();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "of an owner", test_owner },
		{ "runs", test_run },
		{ "stale frames", test_stale_frame },
		{ "an upgrade", test_upgrade },
		{ "an eviction", test_eviction },
		{ "what is held", test_held },
		{ "what is busy", test_busy },
		{ "inexact sets", test_inexact },
		CU_TEST_INFO_NULL,
	};

	return suite_run("freed memory", NULL, NULL, tests, 60);
}
