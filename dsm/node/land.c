/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where pages land: in their frames; or, in a job that goes on when nodes die, in memory of the
 * view's (landings.h), from where they are brought into their frames in the same view. What is cut
 * off by a view, of the dead or of the living, can so be written where it was meant to go, whenever
 * that is: the mark of another view tells, and no frame has changed.
 */
#include <errno.h>
#include <string.h>

#include "dsm/node/node.h"

#define CACHE_LINE 64

static const char too_low[] = "RLIMIT_MEMLOCK (ulimit -l) is too low for what it has to pin";

struct tr_mem *land_mem(struct dsm *d, uint64_t page, uint16_t n)
{
	struct tr_mem *mem = NULL;
	int rc = frames_prepare(&d->memory.frames, page, n);

	if (rc == 0)
		rc = chunks_mem(&d->memory.chunks, page, n, &mem);
	if (rc == 0)
		return mem;
	log_line(&d->log, DSM_LOG_ERROR, "no memory for page %llu: %s", (unsigned long long)page,
	         strerror(-rc));
	node_fail(d, rc == -EAGAIN ? too_low : "no memory for a page that is to be moved");
	return NULL;
}

static void in_frame(struct dsm *d, uint64_t page, uint16_t n, struct coh_landing *out)
{
	struct tr_mem *mem = land_mem(d, page, n);

	moment_change(d, page, n);
	if (mem)
		d->tr->ops->landing(mem, region_frame_at(&d->memory.region, page), out->bytes);
}

/* slot: of the request; LANDINGS_NONE: the page comes home. */
static void in_view(struct dsm *d, uint32_t slot, uint64_t page, struct coh_landing *out)
{
	struct tr_mem *mem;
	void *at;
	int rc = landings_give(&d->view.landings, slot, page, &mem, &at);

	if (d->view.landings.low == LANDINGS_LOW) {
		d->view.landings.low = LANDINGS_TOLD;
		progress_kick(&d->progress);
	}
	if (rc == 0) {
		d->tr->ops->landing(mem, at, out->bytes);
		return;
	}
	log_line(&d->log, DSM_LOG_ERROR, "no memory where page %llu could land: %s",
	         (unsigned long long)page, strerror(-rc));
	node_fail(d, rc == -EAGAIN ? too_low : "no memory for a page that is to come");
}

/* The home's own requests, which it sends on to the owner, are requests. */
static uint32_t slot_of(const struct coh_msg *m)
{
	if (m->type == COH_MSG_LOG_HERE)
		return LANDINGS_LOG;
	if (m->type == COH_MSG_COPY_HERE)
		return LANDINGS_NONE;
	return m->type == COH_MSG_GETS || m->type == COH_MSG_GETM || !(m->flags & COH_F_PULL)
	               ? m->slot
	               : LANDINGS_NONE;
}

int land_fill(struct dsm *d, struct coh_effect *e)
{
	struct coh_msg *m = &e->msg;

	if (__builtin_expect(d->view.on, 0)) {
		if (e->fill & COH_FILL_LANDING)
			in_view(d, slot_of(m), m->page, &m->landing);
		if (e->fill & COH_FILL_REFRESH)
			in_view(d, LANDINGS_NONE, m->page, &m->refresh);
	} else {
		if (e->fill & COH_FILL_LANDING)
			in_frame(d, m->page, m->n, &m->landing);
		if (e->fill & COH_FILL_REFRESH)
			in_frame(d, m->page, m->n, &m->refresh);
	}
	return e->fill ? d->members.lost : 0;
}

/* Mostly it is this processor that will copy it there, from where the transport takes it up. */
void land_warm(struct dsm *d, const struct coh_effect *e)
{
	const uint8_t *at = region_frame_at(&d->memory.region, e->msg.page);

	if (!(e->fill & COH_FILL_LANDING) || e->msg.n != 1 || d->view.on ||
	    region_zone_of(&d->memory.region, e->msg.page) != &d->memory.region.zone[REGION_PTE])
		return;
	for (unsigned i = 0; i < REGION_PTE_BYTES; i += CACHE_LINE)
		__builtin_prefetch(at + i, 1);
}

/* Where a page is to be that has landed. NULL: there is no memory. */
static void *place_of(struct dsm *d, uint32_t slot, uint64_t page)
{
	if (slot == LANDINGS_LOG)
		return stages_put(&d->secures.stages, page);
	return frames_prepare(&d->memory.frames, page, 1) ? NULL
	                                                  : region_frame_at(&d->memory.region, page);
}

static uint32_t slot_landed(const struct dsm *d, struct coh_tag tag)
{
	if (!tag.to_home)
		return tag.slot;
	return tag.home_index >= d->memory.region.pages ? LANDINGS_LOG : LANDINGS_NONE;
}

int land_take(struct dsm *d, uint32_t *bits)
{
	const void *from = NULL;
	struct coh_tag tag;
	uint32_t view, slot;
	int64_t page;
	void *to;

	*bits = coh_tag_unmark(*bits, &view);
	tag = coh_tag_decode(*bits);
	slot = slot_landed(d, tag);
	page = view == coh_view(d->engine.coh) % COH_TAG_VIEWS ? coh_page_awaited(d->engine.coh, tag) : -1;
	if (page >= 0)
		from = landings_take(&d->view.landings, slot, (uint64_t)page);
	if (!from) {
		d->view.n_late++;
		return 0;
	}
	to = place_of(d, slot, (uint64_t)page);
	if (!to) {
		node_fail(d, "no memory for a page that has come");
		return 0;
	}
	memcpy(to, from, region_zone_of(&d->memory.region, (uint64_t)page)->page_bytes);
	return 1;
}
