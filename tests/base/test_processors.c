/* SPDX-License-Identifier: BSD-2-Clause */
/* How many processors there are: by affinity, and by the groups of either version. */
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dsm/base/processors.h"
#include "tests/suite.h"

static char root[] = "/tmp/test-processors-XXXXXX";

/* A file below root, its directories made. */
static void write_file(const char *path, const char *text)
{
	char full[256];
	FILE *f;

	snprintf(full, sizeof full, "%s%s", root, path);
	for (char *at = full + strlen(root) + 1; (at = strchr(at, '/')); at++) {
		*at = 0;
		mkdir(full, 0700);
		*at = '/';
	}
	f = fopen(full, "we");
	CU_ASSERT_FATAL(f != NULL);
	fputs(text, f);
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
	write_file("/proc/self/cgroup", groups);
}

static void test_no_limit(void)
{
	begin("0::/a\n");
	CU_ASSERT_EQUAL(processors_by_groups(root), UINT_MAX);
	write_file("/sys/fs/cgroup/a/cpu.max", "max 100000\n");
	CU_ASSERT_EQUAL(processors_by_groups(root), UINT_MAX);
	write_file("/sys/fs/cgroup/a/cpu.max", "nonsense\n");
	CU_ASSERT_EQUAL(processors_by_groups(root), UINT_MAX);
	sweep();
	CU_ASSERT_EQUAL(processors_by_groups(root), UINT_MAX); /* no /proc */
}

static void test_groups_of_version_2(void)
{
	begin("0::/a/b\n");
	write_file("/sys/fs/cgroup/a/b/cpu.max", "400000 100000\n");
	CU_ASSERT_EQUAL(processors_by_groups(root), 4);
	write_file("/sys/fs/cgroup/a/cpu.max", "250000 100000\n");
	CU_ASSERT_EQUAL(processors_by_groups(root), 2); /* of the group above it, and whole */
	write_file("/sys/fs/cgroup/a/b/cpu.max", "10000 100000\n");
	CU_ASSERT_EQUAL(processors_by_groups(root), 1); /* a tenth is not none */
}

static void test_groups_of_version_1(void)
{
	begin("6:cpuset:/y\n5:cpu,cpuacct:/x\n4:memory:/x\n");
	write_file("/sys/fs/cgroup/cpu/x/cpu.cfs_period_us", "50000\n");
	write_file("/sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "-1\n");
	CU_ASSERT_EQUAL(processors_by_groups(root), UINT_MAX);
	write_file("/sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "150000\n");
	CU_ASSERT_EQUAL(processors_by_groups(root), 3);
	begin("5:cpuacct,cpu:/x\n");
	write_file("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
	write_file("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "100000\n");
	CU_ASSERT_EQUAL(processors_by_groups(root), 1); /* seen from inside of a container */
	begin("5:cpuset:/x\n");
	write_file("/sys/fs/cgroup/cpu/x/cpu.cfs_period_us", "100000\n");
	write_file("/sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "100000\n");
	CU_ASSERT_EQUAL(processors_by_groups(root), UINT_MAX); /* another controller's */
}

static void test_affinity(void)
{
	unsigned here = processors_by_affinity();
	cpu_set_t all, one;
	int first = 0;

	CU_ASSERT_EQUAL_FATAL(sched_getaffinity(0, sizeof all, &all), 0);
	CU_ASSERT_EQUAL(here, (unsigned)CPU_COUNT(&all));
	while (!CPU_ISSET(first, &all))
		first++;
	CPU_ZERO(&one);
	CPU_SET(first, &one);
	CU_ASSERT_EQUAL(sched_setaffinity(0, sizeof one, &one), 0);
	CU_ASSERT_EQUAL(processors_by_affinity(), 1);
	CU_ASSERT_EQUAL(processors_available(), 1);
	CU_ASSERT_EQUAL(sched_setaffinity(0, sizeof all, &all), 0);
	CU_ASSERT(processors_available() >= 1 && processors_available() <= here);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "no limit", test_no_limit },
		{ "groups of version 2", test_groups_of_version_2 },
		{ "groups of version 1", test_groups_of_version_1 },
		{ "affinity", test_affinity },
		CU_TEST_INFO_NULL,
	};
	int status;

	if (!mkdtemp(root))
		return 99;
	status = suite_run("processors", NULL, NULL, tests, 60);
	sweep();
	return status;
}
