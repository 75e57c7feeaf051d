/* SPDX-License-Identifier: BSD-2-Clause */
/* Budgets: what is available, who gets what, and what it is enough for. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dsm/memory/budget.h"
#include "tests/suite.h"

#define MIB (UINT64_C(1) << 20)

static char root[] = "/tmp/test-budget-XXXXXX";

/* A file below root, its directories made. */
static void write_file(const char *path, const char *format, ...)
{
	char full[256];
	va_list args;
	FILE *f;

	snprintf(full, sizeof full, "%s%s", root, path);
	for (char *at = full + strlen(root) + 1; (at = strchr(at, '/')); at++) {
		*at = 0;
		mkdir(full, 0700);
		*at = '/';
	}
	f = fopen(full, "we");
	CU_ASSERT_FATAL(f != NULL);
	va_start(args, format);
	vfprintf(f, format, args);
	va_end(args);
	fclose(f);
}

static void sweep(void)
{
	char command[128];

	snprintf(command, sizeof command, "rm -rf '%s'", root);
	if (system(command))
		fprintf(stderr, "cannot remove %s\n", root);
}

static void begin(const char *groups)
{
	sweep();
	CU_ASSERT_EQUAL_FATAL(mkdir(root, 0700), 0);
	write_file("/proc/meminfo", "MemTotal: 9000000 kB\nMemAvailable:  4096000 kB\n");
	write_file("/proc/self/cgroup", "%s", groups);
}

static void test_no_groups(void)
{
	begin("0::/\n");
	CU_ASSERT_EQUAL(budget_available(root), 4000 * MIB);
}

static void test_groups_of_version_2(void)
{
	begin("0::/a/b\n");
	write_file("/sys/fs/cgroup/a/b/memory.max", "max\n");
	write_file("/sys/fs/cgroup/a/b/memory.current", "1000\n");
	CU_ASSERT_EQUAL(budget_available(root), 4000 * MIB);
	write_file("/sys/fs/cgroup/a/memory.max", "%llu\n", 1000ull * MIB);
	write_file("/sys/fs/cgroup/a/memory.current", "%llu\n", 300ull * MIB);
	CU_ASSERT_EQUAL(budget_available(root), 700 * MIB); /* of the group above it */
	write_file("/sys/fs/cgroup/a/memory.stat", "anon 5\ninactive_file %llu\n", 100ull * MIB);
	CU_ASSERT_EQUAL(budget_available(root), 800 * MIB);
	write_file("/sys/fs/cgroup/a/b/memory.max", "999\n"); /* it has more already */
	CU_ASSERT_EQUAL(budget_available(root), 0);
}

static void test_groups_of_version_1(void)
{
	begin("5:cpu,cpuacct:/x\n4:memory:/x\n");
	write_file("/sys/fs/cgroup/memory/x/memory.limit_in_bytes", "%llu\n", 512ull * MIB);
	write_file("/sys/fs/cgroup/memory/x/memory.usage_in_bytes", "%llu\n", 12ull * MIB);
	CU_ASSERT_EQUAL(budget_available(root), 500 * MIB);
}

/* In a container the group is named as outside, and its files are at the top. */
static void test_container(void)
{
	begin("0::/outside/name\n");
	write_file("/sys/fs/cgroup/memory.max", "%llu\n", 256ull * MIB);
	write_file("/sys/fs/cgroup/memory.current", "%llu\n", 56ull * MIB);
	CU_ASSERT_EQUAL(budget_available(root), 200 * MIB);
}

static void test_this_machine(void)
{
	uint64_t bytes = budget_available("");

	CU_ASSERT(bytes > MIB && bytes < UINT64_C(1) << 50);
	CU_ASSERT_EQUAL(budget_machine(), budget_machine());
}

static void test_shares(void)
{
	const struct budget_claim claim[] = {
		{ .machine = 1, .available = 800 * MIB },
		{ .machine = 2, .available = 300 * MIB },
		{ .machine = 1, .available = 790 * MIB },
		{ .machine = 2, .available = 300 * MIB, .memory = 64 * MIB },
		{ .machine = 3, .available = 10 },
	};
	struct budget out[5];

	budget_agree(claim, 5, out);
	CU_ASSERT_EQUAL(out[0].bytes, 790 * MIB / 4);
	CU_ASSERT_EQUAL(out[2].bytes, 790 * MIB / 4);
	CU_ASSERT_EQUAL(out[1].bytes, 75 * MIB);
	CU_ASSERT_EQUAL(out[3].bytes, 64 * MIB);
	CU_ASSERT(!out[1].both && out[3].both);
	CU_ASSERT_EQUAL(out[4].bytes, BUDGET_MIN);
}

static const uint64_t page_bytes[] = { 4096, 2 * MIB };

static struct coh_config config_of(const struct budget *budgets)
{
	struct coh_config config = {
		.nodes = 2,
		.n_zones = 2,
		.zone = { { .count = 100000, .block_pages = 64 },
		          { .first = 100000, .count = 100, .block_pages = 1 } },
		.per_home = 1,
		.slots = 1,
	};

	coh_config_weigh(&config, (uint64_t[]){ budgets[0].bytes, budgets[1].bytes });
	return config;
}

static void test_what_fits(void)
{
	struct budget budgets[] = { { .bytes = 16 * MIB }, { .bytes = 16 * MIB } };
	struct coh_config config = config_of(budgets);
	uint64_t pages = budget_limit(&config, budgets, page_bytes, 0, 0);

	/* 16 pages of each are for caching; the second node's last block is whole. */
	CU_ASSERT_EQUAL(pages, 2 * 4096 - 64 - 16);
	CU_ASSERT_EQUAL(budget_limit(&config, budgets, page_bytes, 1, 0), 100); /* set aside */
	budgets[0].bytes = UINT64_C(1) << 40;
	budgets[1].bytes = UINT64_C(1) << 40;
	CU_ASSERT_EQUAL(budget_limit(&config, budgets, page_bytes, 0, 0), 100000);
}

/* Where frames come by chunks more is kept for caching: 16 chunks, or an eighth. */
static void test_what_fits_by_chunk(void)
{
	struct budget b = { .bytes = 64 * MIB, .chunk = 64 * 4096 };
	struct coh_config config = config_of((struct budget[]){ b, b });

	CU_ASSERT_EQUAL(budget_home_bytes(&config, &b, page_bytes), 60 * MIB);
	b.bytes = 8 * MIB;
	CU_ASSERT_EQUAL(budget_home_bytes(&config, &b, page_bytes), 7 * MIB);
	b.bytes = BUDGET_MIN;
	CU_ASSERT_EQUAL(budget_home_bytes(&config, &b, page_bytes), BUDGET_MIN - 16 * 4096);
}

static void test_what_fits_of_both(void)
{
	struct budget budgets[] = { { .bytes = 64 * MIB, .both = 1 }, { .bytes = 64 * MIB, .both = 1 } };
	struct coh_config config = config_of(budgets);

	/* An eighth is kept, 8 MiB. */
	CU_ASSERT_EQUAL(budget_limit(&config, budgets, page_bytes, 1, 0), 2 * 27);
	CU_ASSERT_EQUAL(budget_limit(&config, budgets, page_bytes, 1, 5120), 2 * 22);
	CU_ASSERT_EQUAL(budget_limit(&config, budgets, page_bytes, 0, 54) / 512, 1);
}

static void test_what_fits_by_weight(void)
{
	struct budget budgets[] = { { .bytes = 4 * MIB, .both = 1 }, { .bytes = 16 * MIB, .both = 1 } };
	struct coh_config config = config_of(budgets);

	config.n_zones = 1;
	/* Rounds of 1 + 4 blocks; the first node's memory ends in the sixteenth. */
	CU_ASSERT_EQUAL(budget_limit(&config, budgets, page_bytes, 0, 0), 15 * 5 * 64 + 48);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "no groups", test_no_groups },
		{ "groups of version 2", test_groups_of_version_2 },
		{ "groups of version 1", test_groups_of_version_1 },
		{ "container", test_container },
		{ "this machine", test_this_machine },
		{ "shares", test_shares },
		{ "what fits", test_what_fits },
		{ "what fits by chunk", test_what_fits_by_chunk },
		{ "what fits of both zones", test_what_fits_of_both },
		{ "what fits by weight", test_what_fits_by_weight },
		CU_TEST_INFO_NULL,
	};
	int status;

	if (!mkdtemp(root))
		return 99;
	status = suite_run("budget", NULL, NULL, tests, 60);
	sweep();
	return status;
}
