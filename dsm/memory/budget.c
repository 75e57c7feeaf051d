/* SPDX-License-Identifier: BSD-2-Clause */
/* How much memory there is, what each node gets of it, and what that is enough for. */
#include "dsm/memory/budget.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LINE 512

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* --- what is available --- */

/* The number in a file, or UINT64_MAX: there is none, or it says "max". */
static uint64_t number_in(const char *path)
{
	FILE *f = fopen(path, "re");
	uint64_t n = UINT64_MAX;

	if (!f)
		return n;
	if (fscanf(f, "%" SCNu64, &n) != 1)
		n = UINT64_MAX;
	fclose(f);
	return n;
}

static uint64_t mem_available(const char *root)
{
	char path[LINE], line[LINE];
	uint64_t kib = UINT64_MAX >> 10;
	FILE *f;

	snprintf(path, sizeof path, "%s/proc/meminfo", root);
	f = fopen(path, "re");
	if (!f)
		return UINT64_MAX;
	while (fgets(line, sizeof line, f))
		if (sscanf(line, "MemAvailable: %" SCNu64 " kB", &kib) == 1)
			break;
	fclose(f);
	return kib << 10;
}

/* Files are cached in a group's memory too, and go when it is needed. */
static uint64_t reclaimable(const char *dir)
{
	char path[2 * LINE], line[LINE];
	uint64_t bytes = 0;
	FILE *f;

	snprintf(path, sizeof path, "%s/memory.stat", dir);
	f = fopen(path, "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof line, f))
		if (sscanf(line, "inactive_file %" SCNu64, &bytes) == 1)
			break;
	fclose(f);
	return bytes;
}

/* What one control group has left. */
static uint64_t left_in(const char *dir, const char *limit_file, const char *usage_file)
{
	char path[2 * LINE];
	uint64_t limit, usage, cached;

	snprintf(path, sizeof path, "%s/%s", dir, limit_file);
	limit = number_in(path);
	snprintf(path, sizeof path, "%s/%s", dir, usage_file);
	usage = number_in(path);
	if (limit == UINT64_MAX || usage == UINT64_MAX)
		return UINT64_MAX;
	cached = min_u64(reclaimable(dir), usage);
	usage -= cached;
	return limit > usage ? limit - usage : 0;
}

/* The group's limits and those of all that it lies in. A group that is a container's root
 * is seen at the mount's top, whatever its path. */
static uint64_t left_in_all(const char *root, const char *mount, char *group, const char *limit_file,
                            const char *usage_file)
{
	char dir[LINE + LINE / 2];
	uint64_t left = UINT64_MAX;
	char *slash;

	do {
		snprintf(dir, sizeof dir, "%s%s%s", root, mount, group);
		left = min_u64(left, left_in(dir, limit_file, usage_file));
		slash = strrchr(group, '/');
		if (slash)
			*slash = 0;
	} while (slash);
	return left;
}

static uint64_t left_in_groups(const char *root)
{
	char path[LINE], line[LINE], *group, *controllers;
	uint64_t left = UINT64_MAX;
	FILE *f;

	snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
	f = fopen(path, "re");
	if (!f)
		return left;
	while (fgets(line, sizeof line, f)) { /* number:controllers:/group */
		line[strcspn(line, "\n")] = 0;
		controllers = strchr(line, ':');
		group = controllers ? strchr(++controllers, ':') : NULL;
		if (!group)
			continue;
		*group++ = 0;
		if (!*controllers)
			left = min_u64(left, left_in_all(root, "/sys/fs/cgroup", group,
			                                 "memory.max", "memory.current"));
		else if (strstr(controllers, "memory"))
			left = min_u64(left, left_in_all(root, "/sys/fs/cgroup/memory", group,
			                                 "memory.limit_in_bytes",
			                                 "memory.usage_in_bytes"));
	}
	fclose(f);
	return left;
}

uint64_t budget_available(const char *root)
{
	return min_u64(mem_available(root), left_in_groups(root));
}

uint64_t budget_machine(void)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
	int c;

	if (!f)
		return 0;
	while ((c = getc(f)) != EOF)
		hash = (hash ^ (unsigned)c) * UINT64_C(0x100000001b3);
	fclose(f);
	return hash;
}

/* --- who gets what --- */

static uint64_t share_of(const struct budget_claim *claim, unsigned nodes, unsigned node)
{
	uint64_t least = UINT64_MAX, sharing = 0;

	for (unsigned i = 0; i < nodes; i++) {
		if (claim[i].machine != claim[node].machine)
			continue;
		sharing++;
		least = min_u64(least, claim[i].available);
	}
	least = least / BUDGET_SHARE / sharing;
	return least > BUDGET_MIN ? least : BUDGET_MIN;
}

void budget_agree(const struct budget_claim *claim, unsigned nodes, struct budget *out)
{
	for (unsigned i = 0; i < nodes; i++)
		out[i] = (struct budget){.bytes = claim[i].memory ? claim[i].memory
		                                                   : share_of(claim, nodes, i),
		                         .both = claim[i].memory != 0};
}

/* --- what it is enough for --- */

uint64_t budget_home_bytes(const struct coh_config *config, const struct budget *b,
                           const uint64_t *page_bytes)
{
	uint64_t spare = BUDGET_FLOOR_PAGES * page_bytes[0];

	/* One instruction may touch as many chunks as pages: what they take beyond that is
	 * bounded all the same, see node_frame_for(). */
	if (b->chunk)
		spare = max_u64(spare, min_u64(BUDGET_FLOOR_PAGES * (uint64_t)b->chunk, b->bytes / 8));
	if (b->both && config->n_zones > 1)
		spare += min_u64(BUDGET_FLOOR_PAGES * page_bytes[1], b->bytes / 8);
	return b->bytes > spare ? b->bytes - spare : 0;
}

static int fits(const struct coh_config *config, const struct budget *by_node,
                const uint64_t *page_bytes, unsigned zone, uint64_t pages, uint64_t other_pages)
{
	for (unsigned i = 0; i < config->nodes; i++) {
		const struct budget *b = &by_node[i];
		uint64_t bytes = coh_home_pages(config, zone, pages, i) * page_bytes[zone];

		if (zone > 0 && !b->both)
			continue; /* all of it is set aside */
		if (b->both && config->n_zones > 1)
			bytes += coh_home_pages(config, !zone, other_pages, i) * page_bytes[!zone];
		if (bytes > budget_home_bytes(config, b, page_bytes))
			return 0;
	}
	return 1;
}

uint64_t budget_limit(const struct coh_config *config, const struct budget *by_node,
                      const uint64_t *page_bytes, unsigned zone, uint64_t other_pages)
{
	uint64_t low = 0, high = config->zone[zone].count;

	if (fits(config, by_node, page_bytes, zone, high, other_pages))
		return high;
	while (low + 1 < high) { /* low fits, high does not */
		uint64_t middle = low + (high - low) / 2;

		if (fits(config, by_node, page_bytes, zone, middle, other_pages))
			low = middle;
		else
			high = middle;
	}
	return low;
}
