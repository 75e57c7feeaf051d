/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which provider nodes of different libfabrics come to use: each is played by a table of what
 * opens there, as libfabric 1.17 and 2.1 themselves say it.
 */
#include "config.h"

#include <rdma/fabric.h>
#include <stdio.h>
#include <string.h>

#include "dsm/dsm.h"
#include "dsm/start/vote.h"
#include "tests/suite.h"

#define NODES 3
#define ROUNDS 8

struct offer {
	const char *provider;
	struct tr_ofi_make make;
};

/* Best first; on one machine. */
static const struct offer debian_12[] = {
	{"shm", {FI_VERSION(117, 0), FI_PROTO_SHM, 1}},
	{"tcp", {FI_VERSION(117, 0), FI_PROTO_XNET, 0}},
	{"tcp;ofi_rxm", {FI_VERSION(117, 0), FI_PROTO_RXM, 1}},
	{NULL, {0, 0, 0}},
};
static const struct offer debian_13[] = {
	{"shm", {FI_VERSION(201, 0), FI_PROTO_SHM, 1}},
	{"tcp", {FI_VERSION(201, 0), FI_PROTO_XNET, 1}},
	{"tcp;ofi_rxm", {FI_VERSION(201, 0), FI_PROTO_RXM, 1}},
	{NULL, {0, 0, 0}},
};
/* One whose TCP speaks otherwise, one that has none by itself, one that shares nothing. */
static const struct offer later[] = {
	{"tcp", {FI_VERSION(300, 0), FI_PROTO_XNET + 1000, 1}},
	{"tcp;ofi_rxm", {FI_VERSION(300, 0), FI_PROTO_RXM, 1}},
	{NULL, {0, 0, 0}},
};
static const struct offer layered[] = {
	{"tcp;ofi_rxm", {FI_VERSION(117, 0), FI_PROTO_RXM, 1}},
	{NULL, {0, 0, 0}},
};
static const struct offer stranger[] = {
	{"tcp;ofi_rxm", {FI_VERSION(300, 0), FI_PROTO_RXM, 2}},
	{NULL, {0, 0, 0}},
};

struct node {
	const struct offer *has;
	const char *told; /* "": nothing */
};

/* What opens on this node. */
static const struct offer *open_best(const struct node *node, const struct vote_plan *plan)
{
	const struct offer *o = node->has;

	while (o->provider && ((plan->named[0] && !tr_ofi_means(plan->named, o->provider)) ||
	                       tr_ofi_rank(o->provider) < tr_ofi_rank(plan->no_better_than)))
		o++;
	return o->provider ? o : NULL;
}

/* As provider.c does it on each node. What they come to use, or what the first that fails says. */
static const char *meet(struct node a, struct node b, struct node c)
{
	const struct node node[NODES] = {a, b, c};
	const struct offer *open[NODES];
	struct vote_plan plan[NODES];
	struct vote vote[NODES];

	memset(plan, 0, sizeof plan);
	for (int i = 0; i < NODES; i++) {
		snprintf(plan[i].named, sizeof plan[i].named, "%s", tr_ofi_name(node[i].told));
		strcpy(plan[i].no_better_than, "shm");
		open[i] = open_best(&node[i], &plan[i]);
	}
	for (int round = 0; round < ROUNDS; round++) {
		memset(vote, 0, sizeof vote);
		for (int i = 0; i < NODES; i++) {
			if (!open[i])
				return "nothing";
			strcpy(vote[i].named, plan[i].named);
			strcpy(vote[i].provider, open[i]->provider);
			vote[i].make = open[i]->make;
		}
		for (int i = 0; i < NODES; i++)
			if (vote_count(vote, NODES, &plan[i]))
				return dsm_init_error();
		if (plan[0].done)
			return open[0]->provider;
		for (int i = 0; i < NODES; i++)
			if (!vote_follows(&vote[i], &plan[i]))
				open[i] = open_best(&node[i], &plan[i]);
	}
	return "no end";
}

#define OLD(told) ((struct node){debian_12, told})
#define NEW(told) ((struct node){debian_13, told})
#define HAS(table, told) ((struct node){table, told})

static void test_alike(void)
{
	CU_ASSERT_STRING_EQUAL(meet(OLD(""), OLD(""), OLD("")), "shm");
	CU_ASSERT_STRING_EQUAL(meet(NEW(""), NEW("shm"), NEW("")), "shm");
	CU_ASSERT_STRING_EQUAL(meet(NEW("tcp"), NEW(""), NEW("net")), "tcp");
	CU_ASSERT_STRING_EQUAL(meet(OLD(""), OLD(""), OLD("net")), "tcp");
	CU_ASSERT_STRING_EQUAL(meet(OLD(""), OLD("tcp;ofi_rxm"), OLD("")), "tcp;ofi_rxm");
}

/* tcp of both is the same, by whatever name; their shm is not. */
static void test_mixed(void)
{
	CU_ASSERT_STRING_EQUAL(meet(OLD("tcp"), NEW("tcp"), OLD("tcp")), "tcp");
	CU_ASSERT_STRING_EQUAL(meet(NEW("net"), OLD("tcp"), NEW("net")), "tcp");
	CU_ASSERT_STRING_EQUAL(meet(OLD(""), NEW(""), OLD("")), "tcp");
	CU_ASSERT_STRING_EQUAL(meet(NEW(""), OLD("tcp"), NEW("")), "tcp");
	CU_ASSERT_STRING_EQUAL(meet(OLD("tcp;ofi_rxm"), NEW(""), NEW("")), "tcp;ofi_rxm");
}

/* tcp is then the best that all have. */
static void test_less(void)
{
	CU_ASSERT_STRING_EQUAL(meet(OLD("tcp"), NEW("tcp"), HAS(later, "tcp")), "tcp;ofi_rxm");
	CU_ASSERT_STRING_EQUAL(meet(OLD("tcp"), HAS(layered, "tcp"), OLD("tcp")), "tcp;ofi_rxm");
	/* Whoever follows one that was told goes on with it. */
	CU_ASSERT_STRING_EQUAL(meet(NEW("tcp"), HAS(layered, ""), NEW("")), "tcp;ofi_rxm");
	CU_ASSERT_STRING_EQUAL(meet(NEW(""), HAS(later, ""), OLD("")), "tcp;ofi_rxm");
}

static void expect(const char *said, const char *one, const char *other)
{
	CU_ASSERT_PTR_NOT_NULL(strstr(said, one));
	CU_ASSERT_PTR_NOT_NULL(strstr(said, other));
}

/* What cannot be is said with both. */
static void test_apart(void)
{
	expect(meet(OLD("shm"), OLD(""), NEW("")), "shm of node 0 (libfabric 1.17)",
	       "node 2 (libfabric 2.1)");
	expect(meet(NEW("tcp"), NEW(""), HAS(stranger, "")), "tcp;ofi_rxm of node 0 (libfabric 2.1)",
	       "node 2 (libfabric 3.0)");
	expect(meet(NEW("tcp"), NEW("shm"), NEW("")), "node 0 was told to use provider tcp",
	       "node 1 shm");
	expect(meet(NEW(""), NEW("net"), NEW("tcp;ofi_rxm")), "node 1 was told to use provider tcp",
	       "node 2 tcp;ofi_rxm");
	CU_ASSERT_STRING_EQUAL(meet(NEW("shm"), NEW(""), HAS(layered, "")), "nothing");
}

static CU_TestInfo tests[] = {
	{"alike", test_alike},
	{"libfabric 1.17 and 2.1", test_mixed},
	{"the best that all have", test_less},
	{"what does not work together", test_apart},
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return suite_run("choice of a provider", NULL, NULL, tests, 60);
}
