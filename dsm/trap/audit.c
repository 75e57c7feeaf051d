/* SPDX-License-Identifier: BSD-2-Clause */
/* The audit of a trap, by /proc/self/pagemap. */
#include "dsm/trap/audit.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <unistd.h>

#include "dsm/memory/memory.h"

#define SYSTEM_PAGE 4096
#define BATCH 512 /* entries in one read */

static bool agrees(enum trap_access believed, enum trap_mode mode, uint64_t entry)
{
	const bool present = entry & TRAP_AUDIT_PRESENT, protected = entry & TRAP_AUDIT_WP;

	switch (believed) {
	case TRAP_NONE: return !present || (mode == TRAP_MODE_RWP && protected);
	case TRAP_READ: return !present || (mode == TRAP_MODE_WP && protected);
	case TRAP_WRITE: return !protected;
	}
	return false;
}

/* The entries of up to BATCH pages from page on, all of one zone; returns how many, at
 * least 1, or a negative code. A page of 2 MiB is judged by its first entry: all of it
 * is one entry of the page table. */
static int read_entries(int fd, const struct region *region, uint64_t page, uint64_t n,
                        uint64_t *entries)
{
	const struct region_zone *zone = region_zone_of(region, page);
	off_t offset = (uintptr_t)region_window_at(region, page) / SYSTEM_PAGE * sizeof *entries;
	ssize_t got;

	if (zone->page_bytes != SYSTEM_PAGE)
		n = 1;
	n = region_run(region, page, n);
	if (n > BATCH)
		n = BATCH;
	got = pread(fd, entries, n * sizeof *entries, offset);
	if (got < 0)
		return -errno;
	return got < (ssize_t)sizeof *entries ? -EIO : got / (ssize_t)sizeof *entries;
}

int trap_audit(const struct trap *trap, const struct region *region, uint64_t first, uint64_t n,
               trap_audit_fn on_mismatch, void *ctx)
{
	uint64_t entries[BATCH], end = first + n;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	int mismatches = 0, got = 0;

	if (fd < 0)
		return -errno;
	assert(end <= region->pages);
	for (;;) {
		first = trap->ops->next_touched(trap, first);
		if (first >= end)
			break;
		got = read_entries(fd, region, first, end - first, entries);
		if (got < 0)
			break;
		for (int i = 0; i < got; i++, first++) {
			enum trap_access believed = trap->ops->access(trap, first);

			if (agrees(believed, trap->ops->mode(trap, first), entries[i]))
				continue;
			if (mismatches < INT_MAX)
				mismatches++;
			if (on_mismatch)
				on_mismatch(ctx, first, believed, entries[i]);
		}
	}
	close(fd);
	return got < 0 ? got : mismatches;
}
