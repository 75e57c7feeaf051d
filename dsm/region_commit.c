/* SPDX-License-Identifier: BSD-2-Clause */
/* Committing memory to a zone, so that no later fault finds the pool empty. */
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>

#include "dsm/mm.h"
#include "dsm/region.h"

int region_commit(const struct region *region, enum region_zone_kind kind)
{
	const struct region_zone *zone = &region->zone[kind];
	void *at = NULL;
	int r;

	if (!zone->count)
		return 0;
	/* On hugetlbfs a shared mapping without MAP_NORESERVE reserves its pages for the file,
	 * and the file keeps the reservation (Documentation/mm/hugetlbfs_reserv.rst). */
	r = mm_map(NULL, zone->count * zone->page_bytes, PROT_NONE, MAP_SHARED, zone->memfd, 0, &at);
	if (r)
		return r == -ENOMEM ? -ENOSPC : r;
	mm_unmap(at, zone->count * zone->page_bytes);
	return 0;
}

long region_huge_pages(const char *what)
{
	char path[96];
	long n = -1;
	FILE *f;

	snprintf(path, sizeof path, "/sys/kernel/mm/hugepages/hugepages-2048kB/%s", what);
	f = fopen(path, "re");
	if (!f)
		return -1;
	if (fscanf(f, "%ld", &n) != 1)
		n = -1;
	fclose(f);
	return n;
}
