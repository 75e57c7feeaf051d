/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages that nodes read and then write, each in its turn: the reads are granted as writes. */
#include <unistd.h>

#include "tests/coherence/scene.h"
#include "tests/suite.h"

static void start_migratory(coh_node nodes, uint8_t grants)
{
	struct coh_config config = cluster_config(nodes, 2);

	config.migratory = grants;
	c = cluster_new(&config);
}

/* The node reads page 0 and writes it. Returns what the write did beyond that: 0 nothing. */
static int turn(coh_node node)
{
	int upgraded;

	share(node, 0);
	upgraded = state(node, 0) != COH_C_M;
	own(node, 0);
	return upgraded;
}

static unsigned grants_left(void)
{
	return cluster_info(c, 0, 0).migratory;
}

static void test_learned(void)
{
	start_migratory(3, 2);
	own(1, 0);
	CU_ASSERT_EQUAL(turn(2), 1); /* read and written by another one: so will the next do */
	CU_ASSERT_EQUAL(grants_left(), 2);
	cluster_read(c, 1, 0);
	cluster_deliver(c, 1, 0);
	cluster_deliver(c, 0, 2);
	cluster_land(c, 2, 1);
	EXPECT("1 reads 0: GetS>0\n"
	       "0 GetS<1: Fwd-GetM>2\n"
	       "2 Fwd-GetM<0: 0=NONE page 0>1\n"
	       "1 landed 0: 0=WRITE wake Done>0\n");
	settle();
	CU_ASSERT_EQUAL(cluster_info(c, 0, 0).owner, 1);
	CU_ASSERT_EQUAL(turn(2), 0);
	CU_ASSERT_EQUAL(grants_left(), 0);
	CU_ASSERT_EQUAL(turn(1), 1); /* a sample: the node still writes */
	CU_ASSERT_EQUAL(grants_left(), 2);
	finish();
}

static void test_home_takes_part(void)
{
	start_migratory(2, 3);
	own(0, 0);
	CU_ASSERT_EQUAL(turn(1), 1);
	CU_ASSERT_EQUAL(turn(0), 0);
	CU_ASSERT_EQUAL(turn(1), 0);
	CU_ASSERT_EQUAL(turn(0), 0);
	CU_ASSERT_EQUAL(turn(1), 1);
	finish();
}

static void test_misses_per_turn(void)
{
	int upgrades = 0;

	start_migratory(4, 15);
	own(0, 0);
	for (int i = 1; i <= 320; i++)
		upgrades += turn((coh_node)(i % 4));
	CU_ASSERT_EQUAL(upgrades, 320 / 16);
	finish();
}

/* A reader that does not write: the sample tells. */
static void test_unlearned(void)
{
	start_migratory(3, 1);
	own(1, 0);
	CU_ASSERT_EQUAL(turn(2), 1);
	share(1, 0);
	CU_ASSERT_EQUAL(state(1, 0), COH_C_M); /* in vain */
	share(2, 0);
	CU_ASSERT_EQUAL(state(2, 0), COH_C_S);
	own(1, 0); /* by who had it before: not a turn of node 2 */
	CU_ASSERT_EQUAL(grants_left(), 0);
	share(2, 0);
	CU_ASSERT_EQUAL(state(2, 0), COH_C_S);
	CU_ASSERT_EQUAL(state(1, 0), COH_C_S);
	finish();
}

static void test_not_learned(void)
{
	start_migratory(4, 3);
	own(1, 0);
	share(2, 0);
	share(3, 0);
	own(2, 0); /* there are more readers */
	CU_ASSERT_EQUAL(grants_left(), 0);
	share(3, 0);
	own(2, 0); /* producer and consumer */
	CU_ASSERT_EQUAL(grants_left(), 0);
	share(1, 0);
	cluster_evict(c, 2, 0);
	settle();
	own(1, 0); /* nobody else has it any more */
	CU_ASSERT_EQUAL(grants_left(), 0);
	finish();
}

/* What is read as part of a run is being read, and hardly to be written. */
static void test_runs(void)
{
	struct coh_config config = cluster_config(3, 2);

	config.migratory = 3;
	config.zone[0].block_pages = 2;
	c = cluster_new(&config);
	own(1, 0);
	own(1, 1);
	CU_ASSERT_EQUAL(turn(2), 1);
	CU_ASSERT_EQUAL(grants_left(), 3);
	cluster_prefetch(c, 1, 0, 2);
	settle();
	CU_ASSERT_EQUAL(grants_left(), 2); /* the node has page 1: a run of one page */
	cluster_evict(c, 1, 0);
	cluster_evict(c, 1, 1);
	settle();
	cluster_prefetch(c, 2, 0, 2);
	settle();
	CU_ASSERT_EQUAL(state(2, 0), COH_C_S);
	CU_ASSERT_EQUAL(state(2, 1), COH_C_S);
	CU_ASSERT_EQUAL(grants_left(), 0);
	finish();
}

static void test_after_eviction(void)
{
	start_migratory(3, 3);
	own(1, 0);
	CU_ASSERT_EQUAL(turn(2), 1);
	cluster_evict(c, 2, 0);
	settle();
	cluster_read(c, 1, 0);
	cluster_deliver(c, 1, 0);
	cluster_land(c, 0, 1);
	EXPECT("1 reads 0: GetS>0\n"
	       "0 GetS<1: page 0>1\n"
	       "1 landed 0: 0=WRITE wake Done>0\n");
	settle();
	CU_ASSERT_EQUAL(cluster_info(c, 0, 0).owner, 1);
	finish();
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "learned", test_learned },
		{ "the home takes part", test_home_takes_part },
		{ "misses per turn", test_misses_per_turn },
		{ "unlearned", test_unlearned },
		{ "not learned", test_not_learned },
		{ "runs", test_runs },
		{ "after an eviction", test_after_eviction },
		CU_TEST_INFO_NULL,
	};

	return suite_run("migratory pages", NULL, NULL, tests, 60);
}
