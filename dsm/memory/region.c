/* SPDX-License-Identifier: BSD-2-Clause */
/* The region: memfds, windows, aliases, and the frames behind them. */
#include "config.h"

#include "dsm/memory/region.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/memfd.h>
#include <string.h>
#include <sys/stat.h>

#include "dsm/memory/mm.h"

static const size_t zone_page_bytes[REGION_ZONES] = {
	[REGION_PTE] = REGION_PTE_BYTES,
	[REGION_PMD] = REGION_PMD_BYTES,
};

static uint64_t round_up(uint64_t value, uint64_t to)
{
	return (value + to - 1) / to * to;
}

size_t region_window_bytes(const struct region_config *config)
{
	return round_up(config->pte_bytes, REGION_PMD_BYTES) +
	       round_up(config->pmd_bytes, REGION_PMD_BYTES);
}

/* Ends a mapping in the window: its address space is reserved as it was before. */
void region_vacate(void *addr, size_t len)
{
	void *got = NULL;

	mm_map(addr, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0,
	       &got);
	mm_unlock(addr, len);
}

/*
 * Maps fd from offset on, at addr or (NULL) anywhere. In a process that locks its future
 * mappings (mlockall(MCL_FUTURE)) mmap would populate the whole of it: so it is mapped
 * without access, which populates nothing, unlocked, and opened afterwards.
 */
int region_map(void *addr, size_t len, int fd, uint64_t offset, uint8_t **out)
{
	void *got = NULL;
	int r = mm_map(addr, len, PROT_NONE, MAP_SHARED | MAP_NORESERVE | (addr ? MAP_FIXED : 0),
	               fd, offset, &got);

	if (r)
		return r;
	r = mm_unlock(got, len);
	if (!r)
		r = mm_advise(got, len, MADV_DONTFORK);
	if (!r)
		r = mm_advise(got, len, MADV_DONTDUMP);
	if (!r) {
		/* Protecting a page of a transparent huge page splits it; frames are accounted
		 * one by one. -EINVAL where the kernel has none, and on hugetlbfs. */
		mm_advise(got, len, MADV_NOHUGEPAGE);
		r = mm_protect(got, len, PROT_READ | PROT_WRITE);
	}
	if (!r)
		*out = got;
	else if (addr)
		region_vacate(addr, len);
	else
		mm_unmap(got, len);
	return r;
}

static int open_memfd(enum region_zone_kind kind, uint64_t bytes)
{
	unsigned flags = MFD_CLOEXEC | (kind == REGION_PMD ? MFD_HUGETLB | MFD_HUGE_2MB : 0);
	int fd = memfd_create(kind == REGION_PMD ? "dsm-pmd" : "dsm-pte", flags);
	int r;

	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE)
			return -EMFILE;
		return kind == REGION_PMD && errno != ENOMEM ? -ENOSPC : -ENOMEM;
	}
	r = ftruncate(fd, bytes) ? -errno : 0;
	/* An empty pool of huge pages is better found now than at the first fault. */
	if (!r && kind == REGION_PMD && fallocate(fd, 0, 0, REGION_PMD_BYTES))
		r = errno == ENOMEM ? -ENOMEM : -ENOSPC;
	if (!r && kind == REGION_PMD &&
	    fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, REGION_PMD_BYTES))
		r = -errno;
	if (r) {
		close(fd);
		return r;
	}
	return fd;
}

static void close_zone(struct region_zone *zone)
{
	size_t len = zone->count * zone->page_bytes;

	if (zone->window)
		region_vacate(zone->window, len);
	if (zone->alias)
		mm_unmap(zone->alias, len);
	if (zone->memfd >= 0)
		close(zone->memfd);
	zone->window = zone->alias = NULL;
	zone->memfd = -1;
}

/* Whether fallocate() takes a small page at a time. Where shmem_enabled says so, it takes 2 MiB. */
static int takes_single(int fd)
{
	struct stat st = { .st_blocks = 0 };
	int single = fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, REGION_PTE_BYTES) == 0 &&
	             fstat(fd, &st) == 0 && st.st_blocks * 512 == REGION_PTE_BYTES;

	fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, REGION_PMD_BYTES);
	return single;
}

static int open_zone(enum region_zone_kind kind, struct region_zone *zone, void *addr)
{
	size_t len = zone->count * zone->page_bytes;
	int r = open_memfd(kind, len);

	if (r < 0)
		return r;
	zone->memfd = r;
	zone->single = kind == REGION_PTE && takes_single(r);
	r = region_map(NULL, len, zone->memfd, 0, &zone->alias);
	if (!r)
		r = region_map(addr, len, zone->memfd, 0, &zone->window);
	if (r)
		close_zone(zone);
	return r;
}

int region_create(const struct region_config *config, void *addr, struct region *out)
{
	const uint64_t bytes[REGION_ZONES] = { config->pte_bytes, config->pmd_bytes };
	struct region region = { .window = addr, .window_bytes = region_window_bytes(config) };
	uint8_t *at = addr;
	int kind, r = 0;

	if (!region.window_bytes)
		return -EINVAL;
	for (kind = 0; kind < REGION_ZONES; kind++) {
		if (bytes[kind] % zone_page_bytes[kind])
			return -EINVAL;
		region.zone[kind].memfd = -1;
	}
	for (kind = 0; kind < REGION_ZONES; kind++) {
		struct region_zone *zone = &region.zone[kind];

		zone->page_bytes = zone_page_bytes[kind];
		zone->first = region.pages;
		zone->count = bytes[kind] / zone->page_bytes;
		region.pages += zone->count;
		if (zone->count)
			r = open_zone(kind, zone, at);
		if (r)
			goto err_close;
		at += round_up(bytes[kind], REGION_PMD_BYTES);
	}
	*out = region;
	return 0;

err_close:
	while (kind--)
		close_zone(&region.zone[kind]);
	return r;
}

void region_destroy(struct region *region)
{
	if (!region)
		return;
	region_pool_close(region);
	for (int kind = 0; kind < REGION_ZONES; kind++) {
		if (region->zone[kind].count)
			close_zone(&region->zone[kind]);
	}
	if (region->window)
		mm_unmap(region->window, region->window_bytes);
	memset(region, 0, sizeof *region);
}

const struct region_zone *region_zone_of(const struct region *region, uint64_t page)
{
	assert(page < region->pages);
	return &region->zone[page >= region->zone[REGION_PMD].first ? REGION_PMD : REGION_PTE];
}

void *region_frame_at(const struct region *region, uint64_t page)
{
	const struct region_zone *zone = region_zone_of(region, page);

	return zone->alias + (page - zone->first) * zone->page_bytes;
}

enum how { AS_IT_IS, NEW, FOR_WINDOW };

#define ZEROS_PAGES 64u
#define AROUND_PAGES 16u /* that a read fault maps beside its own, where they are: 64 KiB */
#define FEW_PAGES 4u     /* are not worth a call more */

/* As it is in every process, only ever read: there is one page of memory behind it. */
static uint8_t zeros[ZEROS_PAGES * REGION_PTE_BYTES];

static int write_at(const struct region_zone *zone, uint64_t at, uint64_t len, const uint8_t *bytes)
{
	while (len) {
		const ssize_t k = pwrite(zone->memfd, bytes, len, (off_t)at);

		if (k < 0 && errno != EINTR)
			return -errno;
		if (k > 0) {
			at += (uint64_t)k;
			bytes += k;
			len -= (uint64_t)k;
		}
	}
	return 0;
}

/* Writes zeros, which allocates, and reads them by way of the alias, which maps many at once. */
static int allocate_new(const struct region_zone *zone, uint64_t page, uint64_t n)
{
	const volatile uint8_t *alias = zone->alias;
	uint64_t at = page * REGION_PTE_BYTES, end = at + n * REGION_PTE_BYTES;
	int r = 0;

	for (uint64_t k = at; k < end && r == 0; k += sizeof zeros)
		r = write_at(zone, k, end - k < sizeof zeros ? end - k : sizeof zeros, zeros);
	if (r)
		return r;
	for (; at < end; at = (at | (AROUND_PAGES * REGION_PTE_BYTES - 1)) + 1)
		(void)alias[at];
	return 0;
}

/*
 * Small frames by way of the alias: whoever fills them next finds them mapped; and for
 * fallocate() the kernel takes 2 MiB at once where shmem_enabled says so, which MADV_NOHUGEPAGE
 * forbids for a mapping alone. Huge ones are reserved for the file. Where it takes a page at a time
 * what is written is mapped in two thirds of the time that populating it takes.
 */
static int allocate(const struct region_zone *zone, uint64_t page, uint64_t n, enum how how)
{
	uint64_t at = page * zone->page_bytes, len = n * zone->page_bytes;

	if (zone->page_bytes != REGION_PTE_BYTES || (how == FOR_WINDOW && zone->single))
		return fallocate(zone->memfd, FALLOC_FL_KEEP_SIZE, at, len) ? -errno : 0;
	if (how == NEW && zone->single && n >= FEW_PAGES)
		return allocate_new(zone, page, n);
	return mm_advise(zone->alias + at, len, MADV_POPULATE_WRITE);
}

static int prepare(struct region *region, uint64_t first, uint32_t n, enum how how)
{
	const struct region_zone *zone = region_zone_of(region, first);
	uint64_t page = first - zone->first, end = page + n;
	uint32_t chunk = n;

	assert(end <= zone->count);
	/* When a signal interrupts it, shmem gives back all that the call has allocated: a
	 * long one might never finish where signals are frequent, so it is cut. */
	while (page < end) {
		uint64_t len = end - page < chunk ? end - page : chunk;
		int r = allocate(zone, page, len, how);

		if (!r)
			page += len;
		else if (r == -EINTR)
			chunk = chunk > 1 ? chunk / 2 : 1;
		else
			return -ENOSPC;
	}
	return 0;
}

int region_frame_prepare(struct region *region, uint64_t first, uint32_t n)
{
	return prepare(region, first, n, AS_IT_IS);
}

int region_frame_prepare_new(struct region *region, uint64_t first, uint32_t n)
{
	return prepare(region, first, n, NEW);
}

int region_frame_prepare_fresh(struct region *region, uint64_t first, uint32_t n)
{
	return prepare(region, first, n, FOR_WINDOW);
}

int region_frame_prepare_filled(struct region *region, uint64_t first, uint32_t n)
{
	return region_zone_of(region, first)->single ? 0 : prepare(region, first, n, FOR_WINDOW);
}

int region_frame_fill(const struct region *region, uint64_t first, uint32_t n, const uint8_t *bytes)
{
	const struct region_zone *zone = region_zone_of(region, first);

	return write_at(zone, (first - zone->first) * zone->page_bytes, n * zone->page_bytes, bytes);
}

int region_map_again(const struct region *region, uint64_t first, uint64_t n, void **out)
{
	const struct region_zone *zone = region_zone_of(region, first);
	uint8_t *at = NULL;
	int r = region_map(NULL, n * zone->page_bytes, zone->memfd,
	                 (first - zone->first) * zone->page_bytes, &at);

	if (!r)
		*out = at;
	return r;
}

int region_frame_drop(struct region *region, uint64_t first, uint32_t n)
{
	const struct region_zone *zone = region_zone_of(region, first);

	while (fallocate(zone->memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
	                 (first - zone->first) * zone->page_bytes, n * zone->page_bytes)) {
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}
