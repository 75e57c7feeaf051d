/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading what has been found of a checkpoint's pages to their frames. What is not compared with its sum
 * yet is in no frame of a small page: it goes to a buffer, which is in the cache when its sum is made, and
 * from there to the frames. A huge page that was small ones is put together of all runs with some of them,
 * the newest layer first; those in none are zero, as its frame is.
 */
#include "dsm/start/restore_read.h"

#include <stdlib.h>
#include <string.h>

#define SMALL_PER_HUGE (REGION_PMD_BYTES / REGION_PTE_BYTES)

int reader_open(struct reader *r)
{
	const int is_split = r->d->restored->place[CKPT_PMD].kind == CKPT_PTE;

	r->buf = aligned_alloc(REGION_PTE_BYTES, is_split ? CKPT_RUN_MAX : CKPT_RUN_PAGES * REGION_PTE_BYTES);
	return r->buf ? 0 : -ENOMEM;
}

void reader_close(struct reader *r)
{
	free(r->buf);
}

uint64_t piece_row(const struct piece *piece, uint64_t *page)
{
	const uint64_t end = piece->found.here.first + piece->found.here.n;
	uint64_t n = 0;

	while (*page < end && !away_piece_has(&piece->away, *page))
		++*page;
	while (*page + n < end && away_piece_has(&piece->away, *page + n))
		n++;
	return n;
}

static int read_run(const struct reader *r, uint64_t layer, uint32_t rank, const struct ckpt_run *run,
                    void *buf, struct ckpt_why *why)
{
	const struct ckpt_index *x = &ckpt_layer(r->d->restored, layer)->index[rank];
	const struct old *old = readers_old(r->d, layer, rank);

	return ckpt_data_run(x, old->fd, old->at[run - x->run], run, buf, why);
}

/* --- a huge page of small ones --- */

struct gathered {
	struct span files; /* the small ones */
	uint8_t *frame;
	uint8_t done[SMALL_PER_HUGE], said[SMALL_PER_HUGE]; /* by newer layers; by this one, too */
};

/* How many of these were not said by a newer layer. They are now. */
static uint64_t take_new(struct gathered *g, struct span part)
{
	uint64_t n = 0;

	for (uint64_t i = part.first - g->files.first, end = i + part.n; i < end; i++) {
		n += !g->done[i];
		g->said[i] = 1;
	}
	return n;
}

static int gather_run(const struct reader *r, struct gathered *g, uint64_t layer, uint32_t rank,
                      const struct ckpt_run *run, struct ckpt_why *why)
{
	const struct span part = span_common(g->files, run->kind, run->first, run->count);
	int rc;

	if (!take_new(g, part))
		return 0;
	rc = read_run(r, layer, rank, run, r->buf, why);
	for (uint64_t i = part.first; rc == 0 && i < part.first + part.n; i++)
		if (!g->done[i - g->files.first])
			memcpy(g->frame + (i - g->files.first) * REGION_PTE_BYTES,
			       r->buf + (i - run->first) * REGION_PTE_BYTES, REGION_PTE_BYTES);
	return rc;
}

static void gather_gone(struct gathered *g, const struct ckpt_index *x)
{
	uint64_t lo = 0, hi = x->gones;

	while (lo < hi) {
		const uint64_t mid = lo + (hi - lo) / 2;
		const struct ckpt_gone *gone = &x->gone[mid];

		if (gone->kind < g->files.kind ||
		    (gone->kind == g->files.kind && gone->first + gone->count <= g->files.first))
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < x->gones; lo++) {
		const struct ckpt_gone *gone = &x->gone[lo];
		const struct span part = span_common(g->files, gone->kind, gone->first, gone->count);

		if (!part.n)
			return;
		take_new(g, part);
	}
}

static int gather_layer(const struct reader *r, struct gathered *g, uint64_t layer, struct ckpt_why *why)
{
	const struct ckpt *c = ckpt_layer(r->d->restored, layer);
	int rc = 0;

	for (uint32_t rank = 0; rank < r->d->restored->manifest.nodes && rc == 0; rank++) {
		const struct ckpt_index *x = &c->index[rank];
		const struct ckpt_run *run = find_run(x, g->files.kind, g->files.first);

		for (; rc == 0 && run < x->run + x->runs &&
		       span_common(g->files, run->kind, run->first, run->count).n; run++)
			rc = gather_run(r, g, layer, rank, run, why);
		gather_gone(g, x);
	}
	memcpy(g->done, g->said, sizeof g->done);
	return rc;
}

static int gather(const struct reader *r, uint64_t page, struct ckpt_why *why)
{
	struct gathered g = {.files = find_in_files(r->d, page),
	                     .frame = region_frame_at(&r->d->memory.region, page)};
	int rc = 0;

	for (uint64_t k = r->d->restored->manifest.layers + 1; k-- > 0 && rc == 0;)
		rc = gather_layer(r, &g, k, why);
	return rc;
}

/* --- the others --- */

int reader_read(struct reader *r, const struct piece *piece, struct ckpt_why *why)
{
	const struct region *region = &r->d->memory.region;
	const struct found *f = &piece->found;
	uint64_t n;
	int rc;

	if (!f->run)
		return gather(r, f->here.first, why);
	if (region_zone_of(region, f->here.first)->page_bytes != REGION_PTE_BYTES)
		return read_run(r, f->layer, f->rank, f->run, region_frame_at(region, f->here.first), why);
	rc = read_run(r, f->layer, f->rank, f->run, r->buf, why);
	for (uint64_t page = f->here.first; rc == 0 && (n = piece_row(piece, &page)); page += n)
		rc = region_frame_fill(region, page, (uint32_t)n,
		                       r->buf + (page - f->here.first) * REGION_PTE_BYTES);
	return rc;
}
