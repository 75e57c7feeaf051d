/* SPDX-License-Identifier: BSD-2-Clause */
/* Counts the processors that this process may use (processors.h). */
#include "dsm/base/processors.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE 512
#define CPUS_MAX (1 << 16)

static unsigned min_unsigned(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

unsigned processors_by_affinity(void)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	/* The kernel refuses a set that is smaller than its own. */
	for (int cpus = 1024; cpus <= CPUS_MAX; cpus *= 2) {
		size_t bytes = CPU_ALLOC_SIZE(cpus);
		cpu_set_t *set = CPU_ALLOC(cpus);
		int rc, n;

		if (!set)
			break;
		rc = sched_getaffinity(0, bytes, set) ? errno : 0;
		n = rc ? 0 : CPU_COUNT_S(bytes, set);
		CPU_FREE(set);
		if (n > 0)
			return n;
		if (rc != EINVAL)
			break;
	}
	return online > 0 ? online : 1;
}

/* Whole processors of so much time in each period; what is no limit is negative. */
static unsigned whole(long long quota, long long period)
{
	if (quota <= 0 || period <= 0 || quota / period >= UINT_MAX)
		return UINT_MAX;
	return quota < period ? 1 : quota / period;
}

/* Numbers in a file: how many of at most two. */
static int numbers_in(const char *dir, const char *name, long long out[2])
{
	char path[2 * LINE];
	FILE *f;
	int n;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "re");
	if (!f)
		return 0;
	n = fscanf(f, "%lld %lld", &out[0], &out[1]);
	fclose(f);
	return n;
}

/* Version 2 has "QUOTA PERIOD", with "max" for none. */
static unsigned allowed_by_2(const char *dir)
{
	long long n[2];

	return numbers_in(dir, "cpu.max", n) == 2 ? whole(n[0], n[1]) : UINT_MAX;
}

static unsigned allowed_by_1(const char *dir)
{
	long long quota[2], period[2];

	if (numbers_in(dir, "cpu.cfs_quota_us", quota) < 1 ||
	    numbers_in(dir, "cpu.cfs_period_us", period) < 1)
		return UINT_MAX;
	return whole(quota[0], period[0]);
}

/* By the group and all that it lies in. One that is a container's root is seen at the mount's
 * top, whatever its path. */
static unsigned allowed_by_all(const char *root, const char *mount, char *group,
                               unsigned (*allowed_by)(const char *dir))
{
	char dir[LINE + LINE / 2];
	unsigned least = UINT_MAX;
	char *slash;

	do {
		snprintf(dir, sizeof dir, "%s%s%s", root, mount, group);
		least = min_unsigned(least, allowed_by(dir));
		slash = strrchr(group, '/');
		if (slash)
			*slash = 0;
	} while (slash);
	return least;
}

/* One of the names, which commas separate. */
static int has_name(const char *names, const char *name)
{
	size_t len = strlen(name);

	for (; names; names = strchr(names, ',') ? strchr(names, ',') + 1 : NULL)
		if (!strncmp(names, name, len) && (!names[len] || names[len] == ','))
			return 1;
	return 0;
}

unsigned processors_by_groups(const char *root)
{
	char path[LINE], line[LINE], *group, *controllers;
	unsigned least = UINT_MAX;
	FILE *f;

	snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
	f = fopen(path, "re");
	if (!f)
		return least;
	while (fgets(line, sizeof line, f)) { /* number:controllers:/group */
		line[strcspn(line, "\n")] = 0;
		controllers = strchr(line, ':');
		group = controllers ? strchr(++controllers, ':') : NULL;
		if (!group)
			continue;
		*group++ = 0;
		if (!*controllers)
			least = min_unsigned(least, allowed_by_all(root, "/sys/fs/cgroup", group,
			                                           allowed_by_2));
		else if (has_name(controllers, "cpu"))
			least = min_unsigned(least, allowed_by_all(root, "/sys/fs/cgroup/cpu", group,
			                                           allowed_by_1));
	}
	fclose(f);
	return least;
}

unsigned processors_available(void)
{
	return min_unsigned(processors_by_affinity(), processors_by_groups(""));
}
