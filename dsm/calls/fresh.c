/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory that the allocator has given is made zero. No page has to come for that, unless it is shared
 * with other blocks, or somebody holds it.
 *
 * Where nodes may die it may be lost, too: what an earlier owner has left, and what nobody has touched,
 * with its home. Pages of a block's own are made anew, in which nobody else has anything to lose. Others may
 * be lost at any moment, with a node that uses what else is in them: so they are not touched, but by atomics.
 */
#include "dsm/calls/fresh.h"

#include <string.h>

#include "dsm/calls/discard.h"
#include "dsm/calls/keep2.h"
#include "dsm/calls/pin.h"
#include "dsm/calls/words.h"
#include "dsm/dsm_survive.h"
#include "dsm/node/node.h"

static size_t page_bytes_at(const struct dsm *d, const uint8_t *at)
{
	const struct region *region = &d->memory.region;

	return region_zone_of(region, region_page_of(region, at))->page_bytes;
}

/* The block's pages, or those of its first so many bytes. */
static uint64_t pages_of(const struct dsm *d, const struct fresh *f, size_t bytes, uint64_t *first)
{
	const size_t page_bytes = page_bytes_at(d, f->at);

	*first = region_page_of(&d->memory.region, f->at);
	return ((uintptr_t)f->at % page_bytes + bytes + page_bytes - 1) / page_bytes;
}

/* By storing to it. */
static int clear_here(struct dsm *d, uint8_t *at, size_t bytes)
{
	size_t done;
	int rc = pin_and_clear(d, at, bytes, &done);

	if (rc == 0 || rc == DSM_ERR_LOST)
		return rc;
	/* A page that cannot be held, there being pins enough, can be stored to. */
	memset(at + done, 0, bytes - done);
	return 0;
}

/* Words of one page. DSM_ERR_LOST_DATA: it is lost. */
static int clear_words(struct dsm *d, uint8_t *at, size_t bytes)
{
	int rc = 0;

	if (word_clear_here(d, at, (unsigned)bytes))
		return 0;
	for (size_t i = 0; i < bytes && rc == 0; i += sizeof(uint64_t)) /* blocks are of 16 and more */
		rc = dsm_swap64(d, (uint64_t *)(at + i), 0, NULL);
	return rc;
}

/* Looks at all of the pages, too, where nodes may die; there no page is held. */
static int clear_and_look(struct dsm *d, uint8_t *at, size_t bytes, size_t dirty)
{
	const size_t page_bytes = page_bytes_at(d, at);
	uint8_t *end = at + bytes, *dirty_end = at + dirty;
	int rc = 0;

	while (at < end && rc == 0) {
		uint8_t *next = (uint8_t *)(((uintptr_t)at / page_bytes + 1) * page_bytes);
		uint8_t *clean = next < dirty_end ? next : dirty_end; /* what is behind it is */
		size_t n = at < clean ? (size_t)(clean - at) : 0;

		next = next < end ? next : end;
		if (keep2_has(d, at))
			rc = keep2_clear(d, at, (unsigned)n);
		else
			rc = n ? clear_words(d, at, n)
			       : dsm_fetch_add64(d, (uint64_t *)((uintptr_t)at & ~(uintptr_t)7), 0, NULL);
		at = next;
	}
	return rc;
}

/* What is dirty of whole pages. */
static int discard(struct dsm *d, const struct fresh *f)
{
	const size_t page_bytes = page_bytes_at(d, f->at);
	struct discarded left;
	uint8_t *lo, *hi;
	uint64_t first, n = pages_of(d, f, f->dirty, &first);
	int rc = discard_pages(d, first, n, "dsm_alloc", &left);

	if (rc || left.lo == left.hi)
		return rc;
	lo = f->at + (left.lo - first) * page_bytes;
	hi = f->at + (left.hi - first) * page_bytes;
	hi = hi < f->at + f->dirty ? hi : f->at + f->dirty;
	return d->view.on ? clear_and_look(d, lo, (size_t)(hi - lo), (size_t)(hi - lo))
	                  : clear_here(d, lo, (size_t)(hi - lo));
}

/* Of whole pages those that nobody has touched are lost with their home: whose first one has died. */
static int renew(struct dsm *d, const struct fresh *f)
{
	struct dsm_view now;
	uint64_t first, end, next, n = pages_of(d, f, f->bytes, &first);
	int rc = dsm_view(d, &now);

	for (end = first + n; first < end && rc == 0; first = next) {
		next = coh_block_end(&d->engine.cfg, first);
		next = next < end ? next : end;
		if (!f->whole_pages || !(now.members >> coh_home_of(&d->engine.cfg, first) & 1))
			rc = renew_pages(d, f->view, first, next - first, "dsm_alloc");
	}
	return rc;
}

/* In the view f->view, as far as it is not over: then DSM_ERR_VIEW, or what comes of it. */
static int make_in_view(struct dsm *d, const struct fresh *f)
{
	int rc = f->view > 1 && f->alone ? renew(d, f) : 0;

	if (rc)
		return rc;
	if (f->whole_pages)
		return f->dirty ? discard(d, f) : 0;
	return clear_and_look(d, f->at, f->view > 1 ? f->bytes : f->dirty, f->dirty);
}

int fresh_make(struct dsm *d, struct fresh *f)
{
	uint32_t now;
	int rc;

	if (!d->view.on) {
		if (f->dirty == 0)
			return 0;
		return f->whole_pages ? discard(d, f) : clear_here(d, f->at, f->dirty);
	}
	/* What a view has ended, or made lost again. A small block may have got neighbours in it, who are
	 * to hear that their page is lost. */
	for (;;) {
		rc = make_in_view(d, f);
		now = view_number(d);
		if (now == f->view || (rc && rc != DSM_ERR_VIEW && rc != DSM_ERR_LOST_DATA))
			return rc;
		f->view = now;
		f->alone = f->whole_pages;
	}
}
