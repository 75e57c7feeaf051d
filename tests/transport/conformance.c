/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The conformance suite: messages in order, page writes whole, nothing lost under
 * saturation, no lost wake-up, no CPU used by an idle node, errors where promised.
 */
#include <CUnit/Basic.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/hang.h"
#include "tests/transport/conformance.h"
#include "tests/transport/parts.h"

static const struct world_config *shape_base;

struct world_config conformance_shape(uint16_t nodes)
{
	struct world_config config = *shape_base;

	config.nodes = nodes;
	return config;
}

void conformance_run(const struct world_config *config, const char *name, world_fn fn)
{
	CU_ASSERT_EQUAL(world_run(config, name, fn), 0);
}

static void run(uint16_t nodes, const char *name, world_fn fn)
{
	struct world_config config = conformance_shape(nodes);

	conformance_run(&config, name, fn);
}

static void test_order_two(void)
{
	run(2, "order, 2 nodes", part_order);
}

static void test_order_all_to_all(void)
{
	run(4, "order, all to all", part_order);
}

static void test_reach(void)
{
	run(4, "no descriptor left", part_reach);
}

static void test_writes_small(void)
{
	run(4, "4 KiB writes", part_writes_4k);
}

static void test_writes_large(void)
{
	run(3, "2 MiB writes", part_writes_2m);
}

static void test_arguments(void)
{
	run(2, "arguments", part_arguments);
}

static void test_saturation(void)
{
	struct world_config config = conformance_shape(2);

	config.sends_max = 512;
	config.writes_max = 64;
	conformance_run(&config, "saturation", part_saturation);
}

static void test_sparse(void)
{
	run(2, "sparse memory", part_sparse);
}

static void test_sleep(void)
{
	struct world_config config = conformance_shape(2);

	conformance_run(&config, "sleeping ping-pong", part_sleep_pingpong);
	config.cpus = 1;
	conformance_run(&config, "sleeping ping-pong, 1 CPU", part_sleep_pingpong);
	config.private_bell = 1;
	config.cpus = 2;
	conformance_run(&config, "sleeping ping-pong, no runtime directory", part_sleep_pingpong);
}

static void test_sleep_crowd(void)
{
	struct world_config config = conformance_shape(4);

	conformance_run(&config, "sleeping crowd", part_sleep_crowd);
	config.cpus = 1;
	conformance_run(&config, "sleeping crowd, 1 CPU", part_sleep_crowd);
}

static void test_sleep_written(void)
{
	run(2, "asleep until written", part_sleep_written);
}

static void test_quiet(void)
{
	run(2, "quiet when not armed", part_quiet);
}

static void test_idle(void)
{
	run(3, "idle", part_idle);
}

static void test_death(void)
{
	run(3, "death of a peer", part_death);
}

static void test_cut(void)
{
	run(3, "a peer is cut off", part_cut);
}

static CU_TestInfo conformance_tests[] = {
	{"order of a pair", test_order_two},
	{"all to all", test_order_all_to_all},
	{"all peers reached", test_reach},
	{"4 KiB writes, many writers", test_writes_small},
	{"2 MiB writes, many writers", test_writes_large},
	{"bad arguments", test_arguments},
	{"saturation", test_saturation},
	{"sparse memory", test_sparse},
	{"sleep and wake", test_sleep},
	{"sleep and wake, many", test_sleep_crowd},
	{"sleep until written", test_sleep_written},
	{"quiet when not armed", test_quiet},
	{"idle uses no CPU", test_idle},
	{"death of a peer", test_death},
	{"a peer is cut off", test_cut},
	CU_TEST_INFO_NULL,
};

/* --- what is special to networks --- */

#ifdef __SANITIZE_THREAD__ /* as slow as that */
#define SILENT_MS 10000
#else
#define SILENT_MS 2000
#endif

static void run_breaking(const char *name, unsigned silent_max_ms, world_fn fn)
{
	struct world_config config = conformance_shape(2);

	config.silent_max_ms = silent_max_ms;
	conformance_run(&config, name, fn);
}

static void test_break_message(void)
{
	run_breaking("a connection breaks, with a message", 0, part_break_message);
}

static void test_break_write(void)
{
	run_breaking("a connection breaks, with a page write", 0, part_break_write);
}

static void test_silent(void)
{
	run_breaking("a peer does not look", SILENT_MS, part_silent);
}

static void test_listens(void)
{
	run_breaking("a peer that only listens", SILENT_MS, part_listens);
}

static void test_strangers(void)
{
	run_breaking("strangers", 0, part_strangers);
}

/* Only there we know how to. */
static int is_tcp(void)
{
	return !strcmp(shape_base->provider, "tcp");
}

static void test_posed(void)
{
	if (is_tcp())
		run_breaking("somebody in a peer's place", SILENT_MS, part_posed);
}

static void test_posed_for(void)
{
	if (is_tcp())
		run_breaking("what somebody in a peer's place gets", SILENT_MS, part_posed_for);
}

CU_TestInfo conformance_breaks[] = {
	{"a connection breaks, with a message", test_break_message},
	{"a connection breaks, with a page write", test_break_write},
	{"a peer does not look", test_silent},
	{"a peer only listens", test_listens},
	{"strangers", test_strangers},
	{"a stranger in a peer's place", test_posed},
	{"a stranger in a peer's place gets a message", test_posed_for},
	CU_TEST_INFO_NULL,
};

/* Leaves only the tests whose name contains part active; all when it is NULL. */
static void conformance_select(const char *part)
{
	CU_pSuite suite;
	CU_pTest test;

	CU_set_fail_on_inactive(CU_FALSE);
	for (suite = CU_get_registry()->pSuite; part && suite; suite = suite->pNext)
		for (test = suite->pTest; test; test = test->pNext)
			if (!strstr(test->pName, part))
				CU_set_test_active(test, CU_FALSE);
}

int conformance_main(const struct world_config *base, CU_TestInfo *extra)
{
	CU_SuiteInfo suites[] = {
		{"transport conformance", NULL, NULL, NULL, NULL, conformance_tests},
		{"of this transport", NULL, NULL, NULL, NULL, extra},
		CU_SUITE_INFO_NULL,
	};
	unsigned failures;

	if (!extra)
		suites[1] = (CU_SuiteInfo)CU_SUITE_INFO_NULL;
	shape_base = base;
	setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(HANG_S * HANG_TIMES);
	if (!world_probe(base)) {
		printf("SKIP: provider \"%s\" is not usable here (see the log line above)\n",
		       base->provider);
		return 77;
	}
	if (CU_initialize_registry() || CU_register_suites(suites))
		return 1;
	CU_basic_set_mode(CU_BRM_VERBOSE);
	conformance_select(getenv("TR_TEST_ONLY"));
	CU_basic_run_tests();
	failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failures != 0;
}
