/* SPDX-License-Identifier: BSD-2-Clause */
/* Committing memory to a zone, so that no later fault finds the pool empty. */
#include "config.h"

#include <errno.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dsm/memory/mm.h"
#include "dsm/memory/region.h"

/* On hugetlbfs a shared mapping without MAP_NORESERVE reserves its pages for the file,
 * and the file keeps the reservation (Documentation/mm/hugetlbfs_reserv.rst). */
static int reserve(int fd, uint64_t offset, uint64_t len)
{
	void *at = NULL;
	int r = mm_map(NULL, len, PROT_NONE, MAP_SHARED, fd, offset, &at);

	if (r)
		return r == -ENOMEM ? -ENOSPC : r;
	mm_unmap(at, len);
	return 0;
}

int region_commit(const struct region *region, enum region_zone_kind kind)
{
	const struct region_zone *zone = &region->zone[kind];

	return zone->count ? reserve(zone->memfd, 0, zone->count * zone->page_bytes) : 0;
}

/*
 * The pool is a file that is never touched, with a reservation for each of its pages. The
 * kernel ties reservations to places in files, and frames come and go: so the file is cut
 * by a page just before a frame is allocated, and grows by one when a frame was dropped.
 */
int region_pool_open(struct region *region, uint64_t pages)
{
	size_t page_bytes = region->zone[REGION_PMD].page_bytes;
	int fd = memfd_create("dsm-pool", MFD_CLOEXEC | MFD_HUGETLB | MFD_HUGE_2MB);
	int r;

	if (fd < 0)
		return -errno;
	r = ftruncate(fd, pages * page_bytes) ? -errno : reserve(fd, 0, pages * page_bytes);
	if (r) {
		close(fd);
		return r;
	}
	region->pooled = 1;
	region->pool_fd = fd;
	region->pool_pages = pages;
	return 0;
}

void region_pool_close(struct region *region)
{
	if (region->pooled)
		close(region->pool_fd);
	region->pooled = 0;
}

void region_pool_take(struct region *region)
{
	size_t page_bytes = region->zone[REGION_PMD].page_bytes;

	if (region->pooled && region->pool_pages &&
	    !ftruncate(region->pool_fd, (region->pool_pages - 1) * page_bytes))
		region->pool_pages--;
}

void region_pool_give(struct region *region)
{
	size_t page_bytes = region->zone[REGION_PMD].page_bytes;
	uint64_t end = region->pool_pages * page_bytes;

	/* Somebody else may have been faster: then it is gone. */
	if (region->pooled && !ftruncate(region->pool_fd, end + page_bytes) &&
	    !reserve(region->pool_fd, end, page_bytes))
		region->pool_pages++;
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
