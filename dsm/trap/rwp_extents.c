/* SPDX-License-Identifier: BSD-2-Clause */
/* Extents: their table, and runs of them in one mode. */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "dsm/memory/memory.h"
#include "dsm/trap/rwp.h"

#define MAPS_DEFAULT 65530

struct run rwp_same_mode(const struct rwp *rwp, struct run run)
{
	uint64_t e = rwp_index_of(rwp, run.first), last = rwp_index_of(rwp, run.first + run.n - 1);
	uint64_t to = e + 1, end;

	while (to <= last && rwp->extent[to].wp == rwp->extent[e].wp)
		to++;
	if (to <= last) {
		end = rwp_first_page(rwp, to);
		run.n = end - run.first;
	}
	return run;
}

static uint64_t read_max_map_count(void)
{
	char text[24] = "";
	int fd = open("/proc/sys/vm/max_map_count", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

	if (fd >= 0)
		close(fd);
	return n > 0 ? strtoull(text, NULL, 10) : MAPS_DEFAULT;
}

/* A quarter of what a process may have: locked ones may treble it (sweep_locked), and the
 * rest is the application's. */
int rwp_extents_open(struct rwp *rwp)
{
	const struct region_zone *zone = rwp->base.region->zone;
	void *got = NULL;
	int r;

	rwp->pte_extents = (zone[REGION_PTE].count + REGION_EXTENT_PAGES - 1) / REGION_EXTENT_PAGES;
	rwp->extents = rwp->pte_extents + zone[REGION_PMD].count;
	rwp->mappings = (zone[REGION_PTE].count > 0) + (zone[REGION_PMD].count > 0);
	rwp->mappings_max = read_max_map_count() / 4;
	r = mm_map(NULL, rwp->extents * sizeof *rwp->extent, PROT_READ | PROT_WRITE,
	           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0, &got);
	if (r)
		return -ENOMEM;
	mm_advise(got, rwp->extents * sizeof *rwp->extent, MADV_DONTDUMP);
	rwp->extent = got;
	return 0;
}

void rwp_extents_close(struct rwp *rwp)
{
	if (rwp->extent)
		mm_unmap(rwp->extent, rwp->extents * sizeof *rwp->extent);
	rwp->extent = NULL;
}
