/* SPDX-License-Identifier: BSD-2-Clause */
/* The core's pages: reads, writes, races and evictions, message by message. */
#include <errno.h>
#include <unistd.h>

#include "tests/coherence/scene.h"
#include "tests/suite.h"

/* --- reads and writes --- */

static void test_untouched(void)
{
	start(2, 1);
	CU_ASSERT_EQUAL(cluster_read(c, 1, 0), 0);
	EXPECT("1 reads 0: GetS>0\n");
	cluster_deliver(c, 1, 0);
	EXPECT("0 GetS<1: Grant>1\n");
	cluster_deliver(c, 0, 1);
	EXPECT("1 Grant<0: zero 0 0=READ wake Done>0\n");
	cluster_deliver(c, 1, 0);
	EXPECT("0 Done<1:\n");
	CU_ASSERT_EQUAL(cluster_info(c, 0, 0).dir_state, COH_D_S);
	CU_ASSERT_EQUAL(cluster_info(c, 0, 0).sharers, 2);
	finish();
}

static void test_home_uses_its_own(void)
{
	start(2, 1);
	CU_ASSERT_EQUAL(cluster_read(c, 0, 0), 1);
	EXPECT("0 reads 0: 0=READ wake\n");
	CU_ASSERT_EQUAL(cluster_write(c, 0, 0), 1);
	EXPECT("0 writes 0: 0=WRITE wake\n");
	CU_ASSERT_EQUAL(cluster_info(c, 0, 0).owner, 0);
	finish();
}

static void test_home_supplies(void)
{
	start(2, 1);
	own(0, 0);
	cluster_read(c, 1, 0);
	cluster_deliver(c, 1, 0);
	EXPECT("1 reads 0: GetS>0\n"
	       "0 GetS<1: 0=READ page 0>1\n"); /* lowered first */
	cluster_land(c, 0, 1);
	EXPECT("1 landed 0: 0=READ wake Done>0\n");
	finish();
}

static void test_invalidation(void)
{
	start(3, 1);
	own(0, 0);
	share(1, 0);
	share(2, 0);
	cluster_write(c, 1, 0);
	EXPECT("1 writes 0: GetM>0\n");
	cluster_deliver(c, 1, 0);
	EXPECT("0 GetM<1: Inv>2 0=NONE\n"); /* home's own copy too */
	cluster_deliver(c, 0, 2);
	EXPECT("2 Inv<0: 0=NONE Inv-Ack>0\n");
	cluster_deliver(c, 2, 0);
	EXPECT("0 Inv-Ack<2: Grant>1\n"); /* an upgrade needs no data */
	cluster_deliver(c, 0, 1);
	EXPECT("1 Grant<0: 0=WRITE wake Done>0\n");
	finish();
}

static void test_three_hops(void)
{
	start(3, 1);
	own(1, 0);
	cluster_read(c, 2, 0);
	cluster_deliver(c, 2, 0);
	cluster_deliver(c, 0, 1);
	EXPECT("2 reads 0: GetS>0\n"
	       "0 GetS<2: Fwd-GetS>1\n"
	       "1 Fwd-GetS<0: 0=READ page 0>2 page 0>0\n");
	cluster_land(c, 1, 2);
	cluster_deliver(c, 2, 0);
	EXPECT("2 landed 0: 0=READ wake Done>0\n"
	       "0 Done<2:\n");
	/* The home's frame is not current yet: whoever asks now waits. */
	cluster_read(c, 0, 0);
	EXPECT("0 reads 0:\n");
	CU_ASSERT(cluster_is_blocked(c, 0, 0));
	cluster_land(c, 1, 0);
	EXPECT("0 landed 0: 0=READ wake\n");
	CU_ASSERT_EQUAL(cluster_info(c, 0, 0).sharers, 7);
	finish();
}

static void test_refresh_before_done(void)
{
	start(3, 1);
	own(1, 0);
	cluster_read(c, 2, 0);
	cluster_deliver(c, 2, 0);
	cluster_deliver(c, 0, 1);
	cluster_land(c, 1, 0);
	cluster_forget(c);
	cluster_read(c, 0, 0);
	CU_ASSERT(cluster_is_blocked(c, 0, 0));
	cluster_land(c, 1, 2);
	cluster_deliver(c, 2, 0);
	EXPECT("0 reads 0:\n"
	       "2 landed 0: 0=READ wake Done>0\n"
	       "0 Done<2: 0=READ wake\n");
	finish();
}

static void test_ownership_moves(void)
{
	start(3, 1);
	own(1, 0);
	cluster_write(c, 2, 0);
	cluster_deliver(c, 2, 0);
	cluster_deliver(c, 0, 1);
	cluster_land(c, 1, 2);
	EXPECT("2 writes 0: GetM>0\n"
	       "0 GetM<2: Fwd-GetM>1\n"
	       "1 Fwd-GetM<0: 0=NONE page 0>2\n"
	       "2 landed 0: 0=WRITE wake Done>0\n");
	settle();
	CU_ASSERT_EQUAL(cluster_info(c, 0, 0).owner, 2);
	cluster_write(c, 0, 0); /* the home takes it back into its own frame */
	cluster_deliver(c, 0, 2);
	cluster_land(c, 2, 0);
	EXPECT("0 writes 0: Fwd-GetM>2\n"
	       "2 Fwd-GetM<0: 0=NONE page 0>0\n"
	       "0 landed 0: 0=WRITE wake\n");
	finish();
}

/* --- races --- */

static void test_upgrade_loses_the_race(void)
{
	start(3, 1);
	own(0, 0);
	share(1, 0);
	share(2, 0);
	cluster_write(c, 1, 0);
	cluster_write(c, 2, 0);
	cluster_deliver(c, 2, 0); /* node 2 is first */
	cluster_deliver(c, 1, 0);
	cluster_forget(c);
	cluster_deliver(c, 0, 1);
	EXPECT("1 Inv<0: 0=NONE Inv-Ack>0\n");
	CU_ASSERT_EQUAL(state(1, 0), COH_C_IM_D);
	cluster_deliver(c, 1, 0);
	cluster_deliver(c, 0, 2);
	cluster_deliver(c, 2, 0); /* Done: node 1's upgrade is now a plain GetM */
	EXPECT("0 Inv-Ack<1: Grant>2\n"
	       "2 Grant<0: 0=WRITE wake Done>0\n"
	       "0 Done<2: Fwd-GetM>2\n");
	finish();
}

static void test_busy_page_queues(void)
{
	start(3, 1);
	own(0, 0);
	cluster_write(c, 1, 0);
	cluster_deliver(c, 1, 0);
	cluster_write(c, 2, 0);
	cluster_deliver(c, 2, 0);
	cluster_read(c, 0, 0);
	EXPECT("1 writes 0: GetM>0\n"
	       "0 GetM<1: 0=NONE page 0>1\n"
	       "2 writes 0: GetM>0\n"
	       "0 GetM<2:\n"
	       "0 reads 0:\n");
	CU_ASSERT_EQUAL(cluster_info(c, 0, 0).queued, 2);
	settle();
	CU_ASSERT_EQUAL(state(2, 0), COH_C_S);
	CU_ASSERT_EQUAL(cluster_info(c, 0, 0).sharers, 5);
	finish();
}

static void test_stale_fault(void)
{
	start(2, 1);
	share(1, 0);
	struct coh_event ev = { .kind = COH_EV_READ };
	CU_ASSERT_EQUAL(cluster_step(c, 1, &ev), 0);
	EXPECT(": 0=READ wake\n");
	own(1, 0);
	CU_ASSERT_EQUAL(cluster_step(c, 1, &ev), 0);
	EXPECT(": 0=WRITE wake\n");
	ev.kind = COH_EV_WRITE;
	CU_ASSERT_EQUAL(cluster_step(c, 1, &ev), 0);
	EXPECT(": 0=WRITE wake\n");
	finish();
}

static void test_write_while_reading(void)
{
	start(2, 1);
	cluster_read(c, 1, 0);
	cluster_write(c, 1, 0); /* one request a page: it asks again after the grant */
	EXPECT("1 reads 0: GetS>0\n"
	       "1 writes 0:\n");
	cluster_deliver(c, 1, 0);
	cluster_deliver(c, 0, 1);
	EXPECT("0 GetS<1: Grant>1\n"
	       "1 Grant<0: zero 0 0=READ wake Done>0\n"
	       "1 writes 0: GetM>0\n");
	finish();
}

/* --- evictions --- */

static void test_evict_shared(void)
{
	start(2, 1);
	own(0, 0);
	share(1, 0);
	cluster_evict(c, 1, 0);
	cluster_deliver(c, 1, 0);
	cluster_deliver(c, 0, 1);
	EXPECT("1 evicts 0: 0=NONE PutS>0\n"
	       "0 PutS<1: Put-Ack>1\n"
	       "1 Put-Ack<0: drop 0\n");
	CU_ASSERT_EQUAL(cluster_info(c, 0, 0).sharers, 1);
	finish();
}

static void test_evict_owned(void)
{
	start(2, 1);
	own(1, 0);
	cluster_evict(c, 1, 0);
	EXPECT("1 evicts 0: PutM>0\n"); /* keeps the page until the home pulls it */
	CU_ASSERT_EQUAL(cluster_write(c, 1, 0), 1);
	cluster_deliver(c, 1, 0);
	cluster_deliver(c, 0, 1);
	EXPECT("0 PutM<1: Fwd-GetM>1\n"
	       "1 Fwd-GetM<0: 0=NONE page 0>0\n");
	cluster_read(c, 1, 0);
	EXPECT("1 reads 0:\n");
	cluster_land(c, 1, 0);
	cluster_deliver(c, 0, 1);
	EXPECT("0 landed 0: Put-Ack>1\n"
	       "1 Put-Ack<0: drop 0 wake\n"
	       "1 reads 0: GetS>0\n");
	finish();
}

static void test_evict_crosses_forward(void)
{
	start(3, 1);
	own(1, 0);
	cluster_write(c, 2, 0);
	cluster_deliver(c, 2, 0);
	cluster_evict(c, 1, 0);
	cluster_deliver(c, 1, 0); /* PutM queues behind the GetM */
	cluster_forget(c);
	cluster_deliver(c, 0, 1);
	EXPECT("1 Fwd-GetM<0: 0=NONE page 0>2\n");
	CU_ASSERT_EQUAL(state(1, 0), COH_C_II_A);
	cluster_land(c, 1, 2);
	cluster_deliver(c, 2, 0);
	EXPECT("2 landed 0: 0=WRITE wake Done>0\n"
	       "0 Done<2: Put-Ack>1\n"); /* node 1 owns it no more */
	settle();
	CU_ASSERT_EQUAL(cluster_info(c, 0, 0).owner, 2);
	CU_ASSERT_EQUAL(state(1, 0), COH_C_I);
	finish();
}

static void test_evict_crosses_share(void)
{
	start(3, 1);
	own(1, 0);
	cluster_read(c, 2, 0);
	cluster_deliver(c, 2, 0);
	cluster_evict(c, 1, 0);
	cluster_deliver(c, 1, 0);
	cluster_forget(c);
	cluster_deliver(c, 0, 1);
	EXPECT("1 Fwd-GetS<0: 0=NONE page 0>2 page 0>0\n");
	settle();
	CU_ASSERT_EQUAL(cluster_info(c, 0, 0).sharers, 4);
	CU_ASSERT_EQUAL(state(1, 0), COH_C_I);
	finish();
}

static void test_evict_crosses_invalidation(void)
{
	start(3, 1);
	own(0, 0);
	share(1, 0);
	cluster_write(c, 2, 0);
	cluster_deliver(c, 2, 0);
	cluster_evict(c, 1, 0);
	cluster_deliver(c, 1, 0);
	cluster_forget(c);
	cluster_deliver(c, 0, 1);
	EXPECT("1 Inv<0: Inv-Ack>0\n");
	finish();
}

static void test_evict_busy(void)
{
	start(2, 1);
	cluster_read(c, 1, 0);
	CU_ASSERT_EQUAL(cluster_evict(c, 1, 0), -EBUSY);
	settle();
	CU_ASSERT_EQUAL(cluster_evict(c, 1, 0), 0);
	CU_ASSERT_EQUAL(cluster_evict(c, 1, 0), -EBUSY);
	settle();
	CU_ASSERT_EQUAL(cluster_evict(c, 1, 0), 0); /* only the frame is left */
	EXPECT("1 evicts 0: drop 0\n");
	finish();
}

static void test_evict_at_home(void)
{
	start(2, 1);
	own(0, 0);
	cluster_evict(c, 0, 0); /* never gives up the home's frame */
	EXPECT("0 evicts 0: 0=NONE\n");
	CU_ASSERT_EQUAL(cluster_info(c, 0, 0).dir_state, COH_D_I);
	share(1, 0);
	finish();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "an untouched page moves no data", test_untouched },
		{ "the home uses its own page", test_home_uses_its_own },
		{ "the home supplies", test_home_supplies },
		{ "a write invalidates", test_invalidation },
		{ "three hops and a refresh", test_three_hops },
		{ "the refresh lands before Done", test_refresh_before_done },
		{ "ownership moves", test_ownership_moves },
		{ "an upgrade loses the race", test_upgrade_loses_the_race },
		{ "a busy page queues", test_busy_page_queues },
		{ "a fault older than the grant", test_stale_fault },
		{ "a write while a read is under way", test_write_while_reading },
		{ "eviction of S", test_evict_shared },
		{ "eviction of M", test_evict_owned },
		{ "eviction crosses Fwd-GetM", test_evict_crosses_forward },
		{ "eviction crosses Fwd-GetS", test_evict_crosses_share },
		{ "eviction crosses Inv", test_evict_crosses_invalidation },
		{ "eviction of a busy page", test_evict_busy },
		{ "eviction at the home", test_evict_at_home },
		CU_TEST_INFO_NULL,
	};

	return suite_run("pages", NULL, NULL, tests, 60);
}
