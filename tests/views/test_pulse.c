/* SPDX-License-Identifier: BSD-2-Clause */
/* Leases, silence and views in virtual time: single stories, then thousands at random. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsm/views/wire.h"
#include "tests/suite.h"
#include "tests/views/net.h"

#include <CUnit/CUnit.h>

static struct net net;

static const struct net_options calm = { .nodes = 3, .loss_ms = 1000, .drift = 0.02,
	                                 .lost_percent = 2, .late_percent = 5, .late_ms = 60 };

static void open_net(unsigned nodes, enum views_rule rule)
{
	struct net_options o = calm;

	o.nodes = nodes;
	o.rule = rule;
	net_open(&net, &o);
	net_run(&net, 1000);
	CU_ASSERT_EQUAL(net_settled(&net), (int)nodes);
}

static void close_net(void)
{
	if (net.wrong[0])
		fprintf(stderr, "%s\n", net.wrong);
	CU_ASSERT_EQUAL(net.wrong[0], '\0');
	net_close(&net);
}

/* Settled with so many, of whom is_in is one, within ms. */
static void expect(int living, unsigned is_in, double ms)
{
	double end = net.now + ms;

	while (net.now < end && net_settled(&net) != living)
		net_run(&net, 10);
	CU_ASSERT_EQUAL(net_settled(&net), living);
	CU_ASSERT(net_lives(&net, is_in));
}

static void test_no_false_alarm(void)
{
	struct net_options o = calm;

	o.nodes = 8;
	o.lost_percent = 20;
	o.late_percent = 20;
	o.late_ms = 300;
	net_open(&net, &o);
	net_run(&net, 600000);
	CU_ASSERT_EQUAL(net_settled(&net), 8);
	CU_ASSERT_EQUAL(net.node[0].view, 1);
	close_net();
}

static void test_death_that_is_told(void)
{
	open_net(3, VIEWS_MAJORITY);
	net_kill(&net, 2, 1);
	expect(2, 0, 1200);
	CU_ASSERT_EQUAL(net.node[0].view, 2);
	close_net();
}

static void test_death_in_silence(void)
{
	open_net(3, VIEWS_MAJORITY);
	net_kill(&net, 0, 0);
	expect(2, 1, 1500);
	close_net();
}

static void test_down_to_one(void)
{
	open_net(4, VIEWS_STARTER);
	for (unsigned i = 0; i < 3; i++) {
		net_kill(&net, i, 1);
		expect(3 - (int)i, 3, 300);
	}
	CU_ASSERT_EQUAL(net.node[3].view, 4);
	close_net();
	open_net(4, VIEWS_STARTER);
	for (unsigned i = 0; i < 3; i++)
		net_kill(&net, i, 1);
	expect(1, 3, 500);
	close_net();
}

static void test_stopped_for_long(void)
{
	open_net(3, VIEWS_MAJORITY);
	net_stand(&net, 0, 3000);
	expect(3, 1, 0);
	net_run(&net, 2000);
	CU_ASSERT_EQUAL(net.node[1].view, 2);
	CU_ASSERT(net_lives(&net, 0));
	net_run(&net, 2000);
	CU_ASSERT(!net_lives(&net, 0));
	CU_ASSERT_PTR_NOT_NULL(strstr(net.node[0].why, "without this node"));
	CU_ASSERT_EQUAL(net_settled(&net), 2);
	close_net();
}

static void test_stopped_for_a_moment(void)
{
	open_net(3, VIEWS_MAJORITY);
	for (int i = 0; i < 20; i++) {
		net_stand(&net, (unsigned)i % 3, 500);
		net_run(&net, 900);
	}
	CU_ASSERT_EQUAL(net_settled(&net), 3);
	CU_ASSERT_EQUAL(net.node[0].view, 1);
	close_net();
}

static void test_minority_ends(void)
{
	open_net(5, VIEWS_MAJORITY);
	for (unsigned a = 0; a < 2; a++)
		for (unsigned b = 2; b < 5; b++)
			net_cut(&net, a, b, 1);
	net_run(&net, 4000);
	CU_ASSERT_EQUAL(net_settled(&net), 3);
	CU_ASSERT(net.node[0].ended && net.node[1].ended);
	CU_ASSERT_PTR_NOT_NULL(strstr(net.node[0].why, "of the 5 nodes of view 1 this one reaches 2"));
	close_net();
}

static void test_half_with_the_lowest_goes_on(void)
{
	open_net(2, VIEWS_MAJORITY);
	net_cut(&net, 0, 1, 1);
	net_run(&net, 4000);
	CU_ASSERT_EQUAL(net_settled(&net), 1);
	CU_ASSERT(net_lives(&net, 0));
	close_net();
}

static void test_one_link_cut(void)
{
	open_net(4, VIEWS_MAJORITY);
	net_cut(&net, 0, 2, 1);
	expect(3, 0, 3000);
	CU_ASSERT(!net_lives(&net, 2));
	close_net();
	/* As the fabric tells it, while messages go on. */
	open_net(4, VIEWS_MAJORITY);
	for (unsigned i = 1; i < 4; i++)
		net_suspect(&net, 0, i, VIEWS_GONE);
	for (unsigned i = 1; i < 4; i++)
		net_suspect(&net, i, 0, VIEWS_GONE);
	expect(3, 1, 3000);
	CU_ASSERT(!net_lives(&net, 0));
	close_net();
}

static void test_starter_stops_the_silent(void)
{
	open_net(3, VIEWS_STARTER);
	net_stand(&net, 0, 100000);
	expect(2, 1, 1600);
	CU_ASSERT(net.node[0].dead);
	close_net();
}

/* --- at random --- */

static void disturb(void)
{
	unsigned n = net.o.nodes, a = (unsigned)net_random() % n, b = (unsigned)net_random() % n;

	switch (net_random() % 8) {
	case 0: net_kill(&net, a, (int)(net_random() % 2)); break;
	case 1:
	case 2: net_stand(&net, a, (double)(net_random() % 4000)); break;
	case 3:
	case 4: net_cut(&net, a, b, 1); break;
	case 5:
		for (unsigned i = 0; i < n; i++)
			for (unsigned j = 0; j < n; j++)
				net_cut(&net, i, j, i != j && (net_random() % 2));
		break;
	case 6:
		if (a != b && net_lives(&net, a))
			net_suspect(&net, a, b, net_random() % 2 ? VIEWS_GONE : VIEWS_SILENT);
		break;
	default:
		for (unsigned i = 0; i < n; i++)
			for (unsigned j = 0; j < n; j++)
				net_cut(&net, i, j, 0);
		break;
	}
}

static int random_story(uint64_t seed)
{
	struct net_options o;
	int ok;

	net_seed(seed);
	o = (struct net_options){ .nodes = 2 + (unsigned)net_random() % (N_NODES - 1),
		                 .rule = net_random() % 4 ? VIEWS_MAJORITY : VIEWS_STARTER,
		                 .loss_ms = 1000, .drift = 0.02,
		                 .lost_percent = (unsigned)net_random() % 40,
		                 .late_percent = (unsigned)net_random() % 40,
		                 .late_ms = (unsigned)net_random() % 1500 };

	net_open(&net, &o);
	net_run(&net, 1000);
	for (unsigned i = 0; i < 12; i++) {
		disturb();
		net_run(&net, (double)(net_random() % 1500));
	}
	for (unsigned i = 0; i < o.nodes; i++) {
		if (net.node[i].runs_again)
			net.node[i].runs_again = net.now;
		for (unsigned j = 0; j < o.nodes; j++)
			net_cut(&net, i, j, 0);
	}
	net.o.lost_percent = net.o.late_percent = 0;
	net_run(&net, 12000);
	ok = !net.wrong[0] && net_settled(&net) >= 0;
	for (unsigned i = 0; i < o.nodes && !ok; i++)
		fprintf(stderr, "  node %u:%s%s view %u of %llx%s, %s\n", i,
		        net.node[i].dead ? " dead" : "", net.node[i].ended ? " ended" : "",
		        net.node[i].view, (unsigned long long)net.node[i].members.w[0],
		        net.node[i].usable ? "" : ", may not use its window", net.node[i].why);
	if (!ok)
		fprintf(stderr, "SEED=%llu RUNS=1, %u nodes: %s\n", (unsigned long long)seed,
		        o.nodes, net.wrong[0] ? net.wrong : "no rest");
	net_close(&net);
	return ok;
}

static void test_at_random(void)
{
	const char *runs = getenv("RUNS"), *seed = getenv("SEED");
	uint64_t first = seed ? strtoull(seed, NULL, 0) : 1;
	int n = runs ? atoi(runs) : 400, bad = 0;

	for (int i = 0; i < n && bad < 3; i++)
		bad += !random_story(first + (uint64_t)i);
	CU_ASSERT_EQUAL(bad, 0);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "nobody is suspected on a bad network", test_no_false_alarm },
		{ "a death that connections tell of", test_death_that_is_told },
		{ "a leader's death in silence", test_death_in_silence },
		{ "with a starter, down to one", test_down_to_one },
		{ "who stands still for long is out, and learns it", test_stopped_for_long },
		{ "who stands still for a moment is not", test_stopped_for_a_moment },
		{ "a minority ends", test_minority_ends },
		{ "of two the lowest goes on", test_half_with_the_lowest_goes_on },
		{ "of two who cannot reach each other one goes", test_one_link_cut },
		{ "a starter stops who is silent", test_starter_stops_the_silent },
		{ "at random", test_at_random },
		CU_TEST_INFO_NULL,
	};

	net_seed(1);
	return suite_run("pulse", NULL, NULL, tests, 60);
}
