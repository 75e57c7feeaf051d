/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pages of a checkpoint that a job goes on from: at the start each node only notes which of
 * those that it is home to are in the files. Its readers, threads of their own, read a run when one
 * of its pages is asked for: disks may take their time, and the service thread has none. A run that
 * is not what its checksum says ends the job, for whoever asked has nothing to go on with.
 *
 * Files stay open from the start on, so that what another job does to the directory changes nothing.
 * Where the checkpoint lies on others a page is as the newest layer has it that has it.
 * A reader works on the index, which does not change, without the node's lock.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dsm/checkpoint/checkpoint.h"
#include "dsm/dsm_checkpoint.h"
#include "dsm/start/steps.h"

#define READER_STACK_BYTES (256u << 10)
#define SPARE_DESCRIPTORS 16 /* for who comes later */

struct readers {
	unsigned n;
	struct reader {
		struct dsm *d;
		pthread_t thread;
		unsigned number;
		uint8_t buf[CKPT_RUN_PAGES * REGION_PTE_BYTES];
	} reader[AWAY_READERS];
	struct old {
		int fd;
		uint64_t *at; /* of each run: where in the data */
	} old[]; /* the nodes of the job that was saved; and again for each layer */
};

/* A run of the checkpoint, and its place in the region. */
struct piece {
	const struct ckpt_run *run;
	const struct ckpt_index *in;
	const struct old *old;
	uint64_t layer, page;
	struct away_piece away; /* those of its pages that come from here, and nobody has yet */
};
_Static_assert(CKPT_RUN_PAGES <= 64, "a bit for each page of a run");

/* --- what there is --- */

static uint64_t page_of(const struct dsm *d, const struct ckpt_run *run)
{
	return d->memory.region.zone[run->kind].first + run->first;
}

static struct old *old_of(const struct dsm *d, uint64_t layer, uint32_t rank)
{
	return &d->readers->old[layer * d->restored->manifest.nodes + rank];
}

/* Those of n pages that this node is home to are away, or are not: then they are zero. Returns by how
 * many bytes there is more to read. */
static int64_t note_pages(struct dsm *d, uint64_t page, uint64_t n, int is_there)
{
	const int64_t page_bytes = (int64_t)region_zone_of(&d->memory.region, page)->page_bytes;
	int64_t more = 0;

	for (uint64_t end = page + n, stop; page < end; page = stop) {
		stop = coh_block_end(&d->engine.cfg, page);
		stop = stop < end ? stop : end;
		if (!node_is_home(d, page))
			continue;
		if (is_there)
			more += (int64_t)away_add(&d->away, page, stop - page);
		for (uint64_t k = page; k < stop && !is_there; k++)
			more -= away_take(&d->away, k);
	}
	return more * page_bytes;
}

static int64_t note_index(struct dsm *d, const struct ckpt_index *x, struct old *old)
{
	const int both = d->memory.budgets[d->boot->rank].both;
	uint64_t at = 0;
	int64_t bytes = 0;

	for (uint64_t i = 0; i < x->runs; i++) {
		const struct ckpt_run *run = &x->run[i];

		old->at[i] = at;
		at += ckpt_run_stored(run);
		if (run->kind < CKPT_ZONES)
			bytes += note_pages(d, page_of(d, run), run->count, 1) *
			         (run->kind == CKPT_PTE || both);
	}
	return bytes;
}

/* What an older layer has of pages that are zero since then is not to be seen. */
static int64_t note_gone(struct dsm *d, const struct ckpt_index *x)
{
	const int both = d->memory.budgets[d->boot->rank].both;
	int64_t bytes = 0;

	for (uint64_t i = 0; i < x->gones; i++) {
		const struct ckpt_gone *gone = &x->gone[i];

		bytes += note_pages(d, d->memory.region.zone[gone->kind].first + gone->first,
		                    gone->count, 0) * (gone->kind == CKPT_PTE || both);
	}
	return bytes;
}

/* What this node's budget has to have room for: that much may be asked for. */
static uint64_t note_all(struct dsm *d)
{
	int64_t bytes = 0;

	for (uint64_t k = 0; k <= d->restored->manifest.layers; k++) {
		const struct ckpt *layer = ckpt_layer(d->restored, k);

		for (uint32_t rank = 0; rank < layer->manifest.nodes; rank++)
			bytes += note_gone(d, &layer->index[rank]);
		for (uint32_t rank = 0; rank < layer->manifest.nodes; rank++)
			bytes += note_index(d, &layer->index[rank], old_of(d, k, rank));
	}
	return (uint64_t)bytes;
}

static int open_layer(struct dsm *d, uint64_t k)
{
	const struct ckpt *layer = ckpt_layer(d->restored, k);
	struct ckpt_why why;

	for (uint32_t rank = 0; rank < layer->manifest.nodes; rank++) {
		struct old *old = old_of(d, k, rank);

		old->at = calloc(layer->index[rank].runs + 1, sizeof *old->at);
		if (!old->at)
			return DSM_ERR_NOMEM;
		old->fd = ckpt_data_open(layer, rank, &why);
		if (old->fd < 0)
			return restore_refuse(d, old->fd, why.text);
	}
	return 0;
}

static uint64_t files(const struct dsm *d)
{
	return (d->restored->manifest.layers + 1) * d->restored->manifest.nodes;
}

static int open_files(struct dsm *d)
{
	const unsigned need = descriptors_want((unsigned)files(d) + SPARE_DESCRIPTORS);
	int rc = 0;

	if (need) {
		init_error_set("cannot go on from %s: RLIMIT_NOFILE (ulimit -n) is too low for its %llu "
		               "files: raise it to %u", d->settings->restore,
		               (unsigned long long)files(d), need);
		return DSM_ERR_LIMIT;
	}
	for (uint64_t k = 0; k <= d->restored->manifest.layers && rc == 0; k++)
		rc = open_layer(d, k);
	return rc;
}

/* --- reading --- */

/* The last run of this kind that begins at or before page. */
static const struct ckpt_run *run_before(const struct ckpt_index *x, uint32_t kind, uint64_t page)
{
	uint64_t lo = 0, hi = x->runs;

	while (lo < hi) {
		const uint64_t mid = lo + (hi - lo) / 2;
		const struct ckpt_run *run = &x->run[mid];

		if (run->kind < kind || (run->kind == kind && run->first <= page))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && x->run[lo - 1].kind == kind ? &x->run[lo - 1] : NULL;
}

/* The newest run with this page, of which it is known that one has it. */
static struct piece find_piece(const struct dsm *d, uint64_t page)
{
	const struct region_zone *zone = region_zone_of(&d->memory.region, page);
	const uint32_t kind = (uint32_t)(zone - d->memory.region.zone);
	struct piece piece = {0};

	for (uint64_t k = d->restored->manifest.layers + 1; k-- > 0;)
		for (uint32_t rank = 0; rank < d->restored->manifest.nodes; rank++) {
			const struct ckpt_index *x = &ckpt_layer(d->restored, k)->index[rank];
			const struct ckpt_run *run = run_before(x, kind, page - zone->first);

			if (!run || page - zone->first >= run->first + run->count)
				continue;
			piece = (struct piece){.run = run, .in = x, .old = old_of(d, k, rank),
			                       .layer = k, .page = page_of(d, run)};
			return piece;
		}
	return piece;
}

/* Pages of a run that an index has, too: one bit each. */
static uint64_t in_both(const struct ckpt_run *run, const struct ckpt_index *x)
{
	const struct ckpt_run *other = run_before(x, run->kind, run->first);
	uint64_t which = 0;

	for (other = other ? other : x->run; other < x->run + x->runs && other->kind <= run->kind &&
	                                     (other->kind < run->kind ||
	                                      other->first < run->first + run->count); other++)
		for (uint64_t i = 0; i < run->count && other->kind == run->kind; i++)
			if (run->first + i - other->first < other->count)
				which |= UINT64_C(1) << i;
	return which;
}

/* Pages of its run that a newer layer has. */
static uint64_t in_newer(const struct dsm *d, const struct piece *piece)
{
	uint64_t which = 0;

	for (uint64_t k = piece->layer + 1; k <= d->restored->manifest.layers; k++)
		for (uint32_t rank = 0; rank < d->restored->manifest.nodes; rank++)
			which |= in_both(piece->run, &ckpt_layer(d->restored, k)->index[rank]);
	return which;
}

/* Of those that are away, the next ones that lie beside each other, from *at on: how many. */
static uint64_t row_of(const struct piece *piece, uint64_t *at)
{
	uint64_t n = 0;

	while (*at < piece->run->count && !(piece->away.which >> *at & 1))
		++*at;
	while (*at + n < piece->run->count && piece->away.which >> (*at + n) & 1)
		n++;
	return n;
}

/* Lock held: frames for those that are away, which the reader has from here on. */
static int take_frames(struct dsm *d, unsigned number, struct piece *piece)
{
	const uint64_t newer = in_newer(d, piece);
	uint64_t n;

	piece->away.page = piece->page;
	for (uint64_t i = 0; i < piece->run->count; i++)
		if (!(newer >> i & 1) && away_has(&d->away, piece->page + i))
			piece->away.which |= UINT64_C(1) << i;
	for (uint64_t i = 0; (n = row_of(piece, &i)); i += n) {
		if (frames_prepare_filled(&d->memory.frames, piece->page + i, (uint32_t)n))
			return -ENOSPC;
		frames_soil(&d->memory.frames, piece->page + i, (uint32_t)n);
	}
	d->away.reading[number] = piece->away;
	return 0;
}

/* Without the lock: no frame of a page that is being read is in anybody else's hands. What is small
 * enough goes to a buffer, which is in the cache when its sum is made, and to the frames from there. */
static int read_piece(struct reader *r, const struct piece *piece, struct ckpt_why *why)
{
	const struct region *region = &r->d->memory.region;
	const size_t page_bytes = region_zone_of(region, piece->page)->page_bytes;
	const uint64_t at = piece->old->at[piece->run - piece->in->run];
	uint64_t n;
	int rc;

	if (page_bytes != REGION_PTE_BYTES)
		return ckpt_data_run(piece->in, piece->old->fd, at, piece->run,
		                     region_frame_at(region, piece->page), why);
	rc = ckpt_data_run(piece->in, piece->old->fd, at, piece->run, r->buf, why);
	for (uint64_t i = 0; rc == 0 && (n = row_of(piece, &i)); i += n)
		rc = region_frame_fill(region, piece->page + i, (uint32_t)n, r->buf + i * page_bytes);
	return rc;
}

/* All are told: a page that somebody waits for will never come. */
static void fail(struct dsm *d, const char *why)
{
	char text[sizeof d->members.why];

	snprintf(text, sizeof text, "cannot go on from %.80s: %.150s", d->settings->restore, why);
	node_fail(d, text);
}

/* Lock held, but for the time that it takes to read. */
static void serve(struct reader *r, uint64_t page)
{
	struct dsm *d = r->d;
	struct piece piece = find_piece(d, page);
	struct ckpt_why why = {"no memory for a page that is in the checkpoint"};
	int rc = take_frames(d, r->number, &piece);

	if (rc == 0) {
		pthread_mutex_unlock(&d->lock);
		rc = read_piece(r, &piece, &why);
		pthread_mutex_lock(&d->lock);
	}
	d->away.reading[r->number].which = 0;
	if (rc)
		fail(d, why.text);
	else
		away_landed(d, piece.away);
	node_hand_over(d);
}

static void *run(void *arg)
{
	struct reader *r = arg;
	struct dsm *d = r->d;
	uint64_t page;

	pthread_mutex_lock(&d->lock);
	while (!d->away.stop)
		if (!d->members.lost && away_next(&d->away, &page))
			serve(r, page);
		else
			pthread_cond_wait(&d->away.work, &d->lock);
	pthread_mutex_unlock(&d->lock);
	return NULL;
}

/* --- from the start to the end --- */

/* As many as there are processors for, to compare checksums. */
static int start_readers(struct dsm *d)
{
	const unsigned most = processors_available();
	int rc = 0;

	while (d->readers->n < most && d->readers->n < AWAY_READERS && rc == 0) {
		struct reader *r = &d->readers->reader[d->readers->n];

		r->d = d;
		r->number = d->readers->n;
		rc = thread_start(&r->thread, READER_STACK_BYTES, run, r, NULL);
		d->readers->n += rc == 0;
	}
	if (d->readers->n)
		return 0; /* one will do */
	init_error_set("cannot start a thread to read the checkpoint: %s", strerror(-rc));
	return error_limit_or(rc, DSM_ERR_LIMIT);
}

int restore_pages(struct dsm *d)
{
	const struct budget *mine = &d->memory.budgets[d->boot->rank];
	int rc;

	d->readers = calloc(1, sizeof *d->readers + files(d) * sizeof *d->readers->old);
	if (!d->readers)
		return DSM_ERR_NOMEM;
	for (uint64_t i = 0; i < files(d); i++)
		d->readers->old[i].fd = -1;
	if (away_open(d))
		return DSM_ERR_NOMEM;
	rc = open_files(d);
	if (rc)
		return rc;
	if (note_all(d) > mine->bytes) {
		init_error_set("cannot go on from %s: this node's memory, %llu bytes (DSM_MEMORY), has "
		               "no room for the pages that it is home to: give it more, or start more "
		               "nodes", d->settings->restore, (unsigned long long)mine->bytes);
		return DSM_ERR_NOMEM;
	}
	return d->away.left ? start_readers(d) : 0;
}

void restore_pages_end(struct dsm *d)
{
	struct readers *all = d->readers;

	if (!all)
		return;
	if (d->away.out) {
		pthread_mutex_lock(&d->lock);
		d->away.stop = 1;
		pthread_cond_broadcast(&d->away.work);
		pthread_mutex_unlock(&d->lock);
	}
	for (unsigned i = 0; i < all->n; i++)
		pthread_join(all->reader[i].thread, NULL);
	for (uint64_t i = 0; i < files(d); i++) {
		if (all->old[i].fd >= 0)
			close(all->old[i].fd);
		free(all->old[i].at);
	}
	away_close(d);
	free(all);
	d->readers = NULL;
}
