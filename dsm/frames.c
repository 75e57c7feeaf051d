/* SPDX-License-Identifier: BSD-2-Clause */
/* States of frames: allocated, pinned, to be dropped. */
#include "dsm/frames.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dsm/chunks.h"
#include "dsm/region.h"

int frames_open(struct frames *f, struct region *region, const struct chunks *chunks)
{
	size_t bytes = region->pages * sizeof(struct frame_state);
	void *at = (void *)syscall(SYS_mmap, NULL, bytes, PROT_READ | PROT_WRITE,
	                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return -ENOMEM;
	*f = (struct frames){.region = region, .chunks = chunks, .state = at, .bytes = bytes};
	return 0;
}

void frames_close(struct frames *f)
{
	if (f->state)
		syscall(SYS_munmap, f->state, f->bytes);
	*f = (struct frames){0};
}

int frames_prepare(struct frames *f, uint64_t first, uint32_t n)
{
	int rc = 0;

	for (uint64_t page = first; page < first + n && rc == 0; page++) {
		f->state[page].drop = 0;
		if (f->state[page].ready)
			continue;
		rc = region_frame_prepare(f->region, page, 1);
		if (rc == 0)
			f->state[page].ready = 1;
	}
	return rc;
}

void frames_pin(struct frames *f, uint64_t first, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		f->state[first + i].pins++;
}

static void give_back(struct frames *f, uint64_t page)
{
	f->state[page].drop = 0;
	if (chunks_pins(f->chunks, page))
		memset(region_frame_at(f->region, page), 0,
		       region_zone_of(f->region, page)->page_bytes);
	else if (region_frame_drop(f->region, page) == 0)
		f->state[page].ready = 0;
}

void frames_unpin(struct frames *f, uint64_t first, uint32_t n)
{
	for (uint64_t page = first; page < first + n; page++)
		if (--f->state[page].pins == 0 && f->state[page].drop)
			give_back(f, page);
}

void frames_drop(struct frames *f, uint64_t page)
{
	if (f->state[page].pins)
		f->state[page].drop = 1;
	else
		give_back(f, page);
}
