/* SPDX-License-Identifier: BSD-2-Clause */
/* The core beyond plain coherence: tenure, atomics, runs, bounds, and what it refuses. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tests/coherence/scene.h"
#include "tests/suite.h"

/* --- tenure --- */

static void test_tenure_defers(void)
{
	start_with_tenure(2);
	own(0, 0);
	cluster_write(c, 1, 0);
	cluster_deliver(c, 1, 0);
	cluster_land(c, 0, 1);
	EXPECT("1 writes 0: GetM>0\n"
	       "0 GetM<1: 0=NONE page 0>1\n"
	       "1 landed 0: 0=WRITE wake timer 0 Done>0\n");
	cluster_deliver(c, 1, 0);
	cluster_read(c, 0, 0);
	cluster_deliver(c, 0, 1);
	EXPECT("0 Done<1:\n"
	       "0 reads 0: Fwd-GetS>1\n"
	       "1 Fwd-GetS<0:\n");
	CU_ASSERT_EQUAL(cluster_write(c, 1, 0), 1);
	cluster_timer(c, 1, 0);
	EXPECT("1 timer 0: 0=READ page 0>0\n");
	finish();
}

static void test_own_request_ends_tenure(void)
{
	start_with_tenure(2);
	own(0, 0);
	cluster_read(c, 1, 0);
	cluster_deliver(c, 1, 0);
	cluster_land(c, 0, 1);
	cluster_deliver(c, 1, 0);
	cluster_write(c, 0, 0);
	cluster_deliver(c, 0, 1);
	cluster_forget(c);
	cluster_write(c, 1, 0); /* the Inv that waited comes first */
	EXPECT("1 writes 0: 0=NONE Inv-Ack>0 GetM>0\n");
	cluster_timer(c, 1, 0);
	EXPECT("1 timer 0:\n");
	finish();
}

static void test_eviction_ends_tenure(void)
{
	start_with_tenure(2);
	own(0, 0);
	cluster_write(c, 1, 0);
	cluster_deliver(c, 1, 0);
	cluster_land(c, 0, 1);
	cluster_deliver(c, 1, 0);
	cluster_read(c, 0, 0);
	cluster_deliver(c, 0, 1);
	cluster_forget(c);
	cluster_evict(c, 1, 0);
	EXPECT("1 evicts 0: 0=READ page 0>0 0=NONE PutS>0\n");
	finish();
}

/* --- atomics --- */

static void test_atomic_at_home(void)
{
	int call;

	start(3, 1);
	own(0, 0);
	share(1, 0);
	settle();
	call = cluster_add(c, 2, 0, 5);
	cluster_deliver(c, 2, 0);
	EXPECT("2 adds: Atomic>0\n"
	       "0 Atomic<2: Inv>1 0=NONE\n");
	cluster_deliver(c, 0, 1);
	cluster_deliver(c, 1, 0);
	EXPECT("1 Inv<0: 0=NONE Inv-Ack>0\n"
	       "0 Inv-Ack<1: atomic 0 Atomic-Resp>2\n");
	CU_ASSERT_PTR_NULL(cluster_call_at(c, 2, call));
	cluster_deliver(c, 0, 2);
	CU_ASSERT_PTR_NOT_NULL_FATAL(cluster_call_at(c, 2, call));
	CU_ASSERT_EQUAL(cluster_call_at(c, 2, call)->result + 5, c->truth[0]);
	finish();
}

static void test_atomic_at_owner(void)
{
	int call;

	start(3, 1);
	own(1, 0);
	call = cluster_add(c, 2, 0, 1);
	cluster_deliver(c, 2, 0);
	cluster_deliver(c, 0, 1);
	EXPECT("2 adds: Atomic>0\n"
	       "0 Atomic<2: Fwd-Atomic>1\n"
	       "1 Fwd-Atomic<0: atomic 0 Atomic-Resp>2\n"); /* the page stays */
	CU_ASSERT_EQUAL(state(1, 0), COH_C_M);
	cluster_deliver(c, 1, 2);
	CU_ASSERT_PTR_NOT_NULL(cluster_call_at(c, 2, call));
	cluster_forget(c);
	call = cluster_add(c, 1, 0, 1); /* the owner needs nobody */
	EXPECT("1 adds: atomic 0 done\n");
	CU_ASSERT_PTR_NOT_NULL(cluster_call_at(c, 1, call));
	finish();
}

static void test_atomic_finds_its_own_node_the_owner(void)
{
	int call;

	start(2, 1);
	cluster_write(c, 1, 0);
	call = cluster_add(c, 1, 0, 7); /* behind the GetM, on the same way */
	settle();
	CU_ASSERT_PTR_NOT_NULL(cluster_call_at(c, 1, call));
	finish();
}

/* --- runs --- */

static void test_run(void)
{
	start_one_block(2, 4);
	for (uint32_t p = 0; p < 4; p++)
		own(0, p);
	for (uint32_t p = 0; p < 4; p++)
		share(0, p);
	cluster_evict(c, 0, 0);
	cluster_evict(c, 0, 1);
	settle();
	cluster_prefetch(c, 1, 0, 4);
	cluster_deliver(c, 1, 0);
	EXPECT("1 prefetches 0+4: GetS>0\n"
	       "0 GetS<1: page 0>1+2\n"); /* page 2 is owned */
	cluster_read(c, 1, 3);
	cluster_land(c, 0, 1);
	EXPECT("1 reads 3:\n"
	       "1 landed 0: 0=READ wake Done>0\n"
	       "1 reads 3: GetS>0\n");
	CU_ASSERT_EQUAL(state(1, 1), COH_C_S);
	CU_ASSERT_EQUAL(state(1, 2), COH_C_I);
	finish();
}

static void test_run_stops_at_busy_page(void)
{
	start_one_block(3, 3);
	cluster_write(c, 2, 1);
	cluster_deliver(c, 2, 0);
	cluster_prefetch(c, 1, 0, 3);
	cluster_deliver(c, 1, 0);
	cluster_deliver(c, 0, 1);
	EXPECT("2 writes 1: GetM>0\n"
	       "0 GetM<2: Grant>2\n"
	       "1 prefetches 0+3: GetS>0\n"
	       "0 GetS<1: Grant>1\n"
	       "1 Grant<0: zero 0 0=READ Done>0\n");
	CU_ASSERT_EQUAL(state(1, 1), COH_C_I);
	finish();
}

/* Who holds the first page of a run may want the others before it lets go. */
static void test_run_leaves_tenure_alone(void)
{
	struct coh_config config = cluster_config(2, 2);

	config.zone[0].block_pages = CLUSTER_PAGES;
	config.holds = 1;
	c = cluster_new(&config);
	own(1, 0); /* so that home 0 gets it by a request, and so holds it */
	own(0, 1);
	cluster_write(c, 0, 0);
	cluster_deliver(c, 0, 1);
	cluster_land(c, 1, 0);
	EXPECT("0 writes 0: Fwd-GetM>1\n"
	       "1 Fwd-GetM<0: 0=NONE page 0>0\n"
	       "0 landed 0: 0=WRITE wake timer 0\n");
	cluster_prefetch(c, 1, 0, 2);
	cluster_deliver(c, 1, 0);
	cluster_deliver(c, 0, 1);
	EXPECT("1 prefetches 0+2: GetS>0\n"
	       "0 GetS<1: Grant>1\n"
	       "1 Grant<0:\n");
	CU_ASSERT_EQUAL(state(1, 0), COH_C_I);
	CU_ASSERT_EQUAL(state(1, 1), COH_C_I);
	CU_ASSERT_TRUE(cluster_info(c, 0, 0).held);
	finish();
}

/* Node 1 owns page 0 of home 0 and holds it. */
static void start_with_owner_in_tenure(coh_node nodes)
{
	struct coh_config config = cluster_config(nodes, 2);

	config.zone[0].block_pages = CLUSTER_PAGES;
	config.holds = 1;
	c = cluster_new(&config);
	cluster_write(c, 1, 0);
	cluster_deliver(c, 1, 0);
	cluster_deliver(c, 0, 1);
	cluster_deliver(c, 1, 0);
	CU_ASSERT_TRUE(cluster_info(c, 1, 0).held);
	cluster_forget(c);
}

static void test_owner_refuses_run(void)
{
	start_with_owner_in_tenure(3);
	cluster_prefetch(c, 2, 0, 2);
	cluster_deliver(c, 2, 0);
	cluster_deliver(c, 0, 1);
	cluster_deliver(c, 1, 0);
	cluster_deliver(c, 0, 2);
	EXPECT("2 prefetches 0+2: GetS>0\n"
	       "0 GetS<2: Fwd-GetS>1\n"
	       "1 Fwd-GetS<0: Done>0\n"
	       "0 Done<1: Grant>2\n"
	       "2 Grant<0:\n");
	CU_ASSERT_TRUE(cluster_info(c, 1, 0).held);
	CU_ASSERT_EQUAL(state(1, 0), COH_C_M);
	CU_ASSERT_EQUAL(state(2, 1), COH_C_I);
	finish();
}

static void test_run_does_not_queue_behind_tenure(void)
{
	start_with_owner_in_tenure(4);
	cluster_read(c, 2, 0);
	cluster_deliver(c, 2, 0);
	cluster_deliver(c, 0, 1); /* and there it waits */
	cluster_prefetch(c, 3, 0, 2);
	cluster_deliver(c, 3, 0);
	cluster_deliver(c, 0, 3);
	EXPECT("2 reads 0: GetS>0\n"
	       "0 GetS<2: Fwd-GetS>1\n"
	       "1 Fwd-GetS<0:\n"
	       "3 prefetches 0+2: GetS>0\n"
	       "0 GetS<3: Grant>3\n"
	       "3 Grant<0:\n");
	finish();
}

/* Readers of what the home has are not in each other's way. */
static void test_run_queues_behind_reads(void)
{
	start_one_block(3, 2);
	own(0, 0);
	own(0, 1);
	share(0, 0);
	cluster_evict(c, 0, 0);
	cluster_evict(c, 0, 1);
	settle();
	cluster_prefetch(c, 1, 0, 2);
	cluster_deliver(c, 1, 0);
	cluster_prefetch(c, 2, 0, 2);
	cluster_deliver(c, 2, 0);
	settle();
	CU_ASSERT_EQUAL(state(2, 0), COH_C_S);
	CU_ASSERT_EQUAL(state(2, 1), COH_C_S);
	finish();
}

/* A fault asks for a run; its thread goes on when all of that is there. */
static void test_fault_asks_for_run(void)
{
	start_one_block(2, 4);
	own(0, 0);
	own(0, 1);
	share(1, 3);
	cluster_read_run(c, 1, 0, 4);
	CU_ASSERT_EQUAL(state(1, 2), COH_C_IS_D); /* as far as there is something to ask for */
	CU_ASSERT_EQUAL(state(1, 3), COH_C_S);
	CU_ASSERT_EQUAL(cluster_read(c, 1, 1), 0);
	cluster_deliver(c, 1, 0);
	cluster_land(c, 0, 1);
	EXPECT("1 reads 0: GetS>0\n"
	       "1 reads 1:\n"
	       "0 GetS<1: 0=READ page 0>1+2\n"
	       "1 landed 0: 0=READ wake Done>0\n");
	CU_ASSERT_EQUAL(state(1, 1), COH_C_S);
	CU_ASSERT_EQUAL(state(1, 2), COH_C_I); /* nobody has written that one: another kind */
	CU_ASSERT_FALSE(cluster_is_blocked(c, 1, 1));
	finish();
}

/* --- bounds --- */

static void test_slots_run_out(void)
{
	struct coh_config config = cluster_config(2, 4);

	config.per_home = 1;
	c = cluster_new(&config);
	CU_ASSERT_EQUAL(cluster_read(c, 1, 0), 0);
	CU_ASSERT_EQUAL(cluster_read(c, 1, 2), -EAGAIN);
	CU_ASSERT_EQUAL(cluster_add(c, 1, 2, 1), -EAGAIN);
	CU_ASSERT_EQUAL(cluster_read(c, 1, 1), 1); /* another home */
	settle();
	CU_ASSERT_EQUAL(cluster_read(c, 1, 2), 0);
	finish();
}

/* Home 0 and its page 0, busy with node 1's write; the home's own write waits, and behind it
 * more atomics than anything else could bring about, from all nodes. */
static void start_with_many_atomics(void)
{
	struct coh_config config = cluster_config(8, 1);

	config.per_home = config.slots = 120;
	c = cluster_new(&config);
	cluster_write(c, 1, 0);
	cluster_deliver(c, 1, 0);
	cluster_write(c, 0, 0);
	for (coh_node i = 1; i < 8; i++)
		for (unsigned k = 0; k < 100; k++) {
			cluster_add(c, i, 0, 1);
			cluster_deliver(c, i, 0);
		}
	cluster_forget(c);
}

static void test_many_atomics_at_once(void)
{
	uint64_t before;

	start_with_many_atomics();
	before = c->truth[0];
	settle();
	CU_ASSERT_EQUAL(state(0, 0), COH_C_M);
	CU_ASSERT(c->truth[0] >= before + 700);
	finish();
}

/* The same at a remote owner: one Done makes the home send them all. */
static void test_many_forwards_at_once(void)
{
	struct coh_config config = cluster_config(2, 1);

	config.per_home = config.slots = 1000;
	c = cluster_new(&config);
	cluster_write(c, 1, 0);
	cluster_deliver(c, 1, 0);
	cluster_forget(c);
	for (unsigned k = 0; k < 900; k++)
		cluster_add(c, 0, 0, 1);
	cluster_forget(c);
	cluster_deliver(c, 0, 1);
	cluster_deliver(c, 1, 0);
	CU_ASSERT_EQUAL(c->node[0].fx.len, 900);
	settle();
	finish();
}

static void test_bad_events(void)
{
	struct coh_event ev = { .kind = COH_EV_READ, .page = 1 };

	start(2, 1);
	CU_ASSERT_EQUAL(cluster_step(c, 0, &ev), -EINVAL);
	ev = (struct coh_event){ .kind = COH_EV_PREFETCH };
	CU_ASSERT_EQUAL(cluster_step(c, 0, &ev), -EINVAL);
	ev = (struct coh_event){ .kind = COH_EV_TIMER };
	CU_ASSERT_EQUAL(cluster_step(c, 0, &ev), -EINVAL);
	ev = (struct coh_event){ .kind = 99 };
	CU_ASSERT_EQUAL(cluster_step(c, 0, &ev), -EINVAL);
	finish();
}

/* Every kind of answer, to every node from every other, where nobody waits for one:
 * refused, and nothing changes (the fixture looks). Only an Inv and a Drop are always answered. */
static void test_unexpected_messages(void)
{
	for (unsigned k = 0; k < 3 * COH_MSG_TYPES; k++) {
		struct coh_msg m = { .type = (uint8_t)(k / 3), .n = 1, .access = COH_READ };
		if (m.type < COH_MSG_INV_ACK || m.type == COH_MSG_INV ||
		    (m.type > COH_MSG_ATOMIC_RESP && m.type != COH_MSG_DISCARDED &&
		     m.type != COH_MSG_DROP_ACK))
			continue;
		start(3, 1);
		own(k % 3, 0);
		for (coh_node i = 0; i < 9; i++) {
			m.requestor = i / 3;
			CU_ASSERT_EQUAL(cluster_forge(c, i % 3, i / 3, &m), -EPROTO);
		}
		finish();
	}
}

static void test_unexpected_landings(void)
{
	struct coh_tag tag = { .n = 1 };

	start(3, 1);
	own(1, 0);
	for (unsigned k = 0; k < 18; k++) {
		tag.to_home = k % 2;
		tag.access = (uint8_t)(k / 2 % 3);
		CU_ASSERT_EQUAL(cluster_forge_landed(c, k / 6, coh_tag_encode(tag)), -EPROTO);
	}
	finish();
}

/* --- names that mean nothing --- */

static int same_core(const struct coh *a, const struct coh *b)
{
	return !memcmp(a, b, coh_size(coh_config_of(a)));
}

/* The home's transactions for pages 0 and 1, begun by node first's request, and one that
 * waits for page 0. */
static struct cluster *two_transactions(coh_node first)
{
	start_one_block(4, 2);
	cluster_read(c, 1, 0);
	cluster_read(c, 2, 1);
	cluster_deliver(c, first, 0);
	cluster_deliver(c, 3 - first, 0);
	cluster_write(c, 3, 0);
	cluster_deliver(c, 3, 0);
	return c;
}

static void test_renumbering(void)
{
	struct cluster *a = two_transactions(1), *b = two_transactions(2);

	CU_ASSERT_FALSE(same_core(a->node[0].coh, b->node[0].coh));
	coh_renumber(a->node[0].coh);
	coh_renumber(b->node[0].coh);
	CU_ASSERT_TRUE(same_core(a->node[0].coh, b->node[0].coh));
	c = a;
	finish(); /* which goes on as if nothing had been renumbered */
	c = b;
	finish();
}

/* Node one owns page 0 and is about to lose it; node two shares page 1. */
static struct cluster *two_roles(coh_node one, coh_node two)
{
	struct coh_config config = cluster_config(3, 4);

	config.zone[0].block_pages = 4;
	config.holds = 2;
	c = cluster_new(&config);
	own(one, 0);
	share(two, 1);
	cluster_evict(c, one, 0);
	cluster_deliver(c, one, 0);
	return c;
}

static void test_renaming(void)
{
	static const coh_node swap[] = { 0, 2, 1 };
	struct cluster *a = two_roles(1, 2), *b = two_roles(2, 1);

	for (coh_node i = 0; i < 3; i++) {
		CU_ASSERT_FALSE(i == 0 && same_core(a->node[0].coh, b->node[0].coh));
		coh_permute(a->node[i].coh, swap);
		CU_ASSERT_TRUE(same_core(a->node[i].coh, b->node[swap[i]].coh));
		coh_permute(a->node[i].coh, swap);
	}
	c = a;
	finish();
	c = b;
	finish();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "tenure defers", test_tenure_defers },
		{ "one's own request ends a tenure", test_own_request_ends_tenure },
		{ "eviction ends a tenure", test_eviction_ends_tenure },
		{ "atomic at the home", test_atomic_at_home },
		{ "a fault asks for a run", test_fault_asks_for_run },
		{ "atomic at the owner", test_atomic_at_owner },
		{ "atomic forwarded to its own node", test_atomic_finds_its_own_node_the_owner },
		{ "a run is granted as far as it goes", test_run },
		{ "a run stops at a busy page", test_run_stops_at_busy_page },
		{ "a run leaves a page in tenure alone", test_run_leaves_tenure_alone },
		{ "an owner refuses a run in tenure", test_owner_refuses_run },
		{ "a run does not queue behind a tenure", test_run_does_not_queue_behind_tenure },
		{ "a run queues behind reads", test_run_queues_behind_reads },
		{ "no slot is free", test_slots_run_out },
		{ "many atomics at once", test_many_atomics_at_once },
		{ "many forwards at once", test_many_forwards_at_once },
		{ "events without sense", test_bad_events },
		{ "messages without sense", test_unexpected_messages },
		{ "landings without sense", test_unexpected_landings },
		{ "transactions renumbered", test_renumbering },
		{ "nodes renamed", test_renaming },
		CU_TEST_INFO_NULL,
	};

	return suite_run("rules", NULL, NULL, tests, 60);
}
