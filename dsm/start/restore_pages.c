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
#include "dsm/start/restore_read.h"
#include "dsm/start/steps.h"

#define READER_STACK_BYTES (256u << 10)
#define SPARE_DESCRIPTORS 16 /* for who comes later */

/* --- what there is --- */

/* Those of these pages that this node is home to are away, or are not: then they are zero. Returns by how
 * many bytes of its budget there is more to read. */
static int64_t note_pages(struct dsm *d, struct span here, int is_there)
{
	const int both = d->memory.budgets[d->boot->rank].both;
	const int64_t page_bytes = (int64_t)d->memory.region.zone[here.kind].page_bytes;
	int64_t more = 0;

	for (uint64_t page = here.first, end = page + here.n, stop; page < end; page = stop) {
		stop = coh_block_end(&d->engine.cfg, page);
		stop = stop < end ? stop : end;
		if (!node_is_home(d, page))
			continue;
		if (is_there)
			more += (int64_t)away_add(&d->away, page, stop - page);
		for (uint64_t k = page; k < stop && !is_there; k++)
			more -= away_take(&d->away, k);
	}
	return here.kind == CKPT_PTE || both ? more * page_bytes : 0;
}

static int64_t note_index(struct dsm *d, const struct ckpt_index *x, struct old *old)
{
	uint64_t at = 0;
	int64_t bytes = 0;

	for (uint64_t i = 0; i < x->runs; i++) {
		const struct ckpt_run *run = &x->run[i];
		const struct span files = {.kind = run->kind, .first = run->first, .n = run->count};

		old->at[i] = at;
		at += ckpt_run_stored(run);
		if (run->kind < CKPT_ZONES)
			bytes += note_pages(d, find_here(d, files, 1), 1);
	}
	return bytes;
}

/* What an older layer has of pages that are zero since then is not to be seen. A huge page of which some
 * small ones are not may be away all the same. */
static int64_t note_gone(struct dsm *d, const struct ckpt_index *x)
{
	int64_t bytes = 0;

	for (uint64_t i = 0; i < x->gones; i++) {
		const struct ckpt_gone *gone = &x->gone[i];
		const struct span files = {.kind = gone->kind, .first = gone->first, .n = gone->count};

		bytes += note_pages(d, find_here(d, files, 0), 0);
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
			bytes += note_index(d, &layer->index[rank], readers_old(d, k, rank));
	}
	return (uint64_t)bytes;
}

static int open_layer(struct dsm *d, uint64_t k)
{
	const struct ckpt *layer = ckpt_layer(d->restored, k);
	struct ckpt_why why;

	for (uint32_t rank = 0; rank < layer->manifest.nodes; rank++) {
		struct old *old = readers_old(d, k, rank);

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

/* Lock held: frames for those that are away, which the reader has from here on. */
static int take_frames(struct dsm *d, unsigned number, struct piece *piece)
{
	const struct span here = piece->found.here;
	const int is_split = piece->found.run && here.n != piece->found.run->count;
	/* All of a huge page is in the newest run that has any of it. */
	const uint64_t newer = piece->found.run && !is_split ? find_newer(d, &piece->found) : 0;
	uint64_t n;

	piece->away.page = here.first;
	for (uint64_t i = 0; i < here.n; i++)
		if (!(i < 64 && newer >> i & 1) && away_has(&d->away, here.first + i))
			away_piece_add(&piece->away, here.first + i);
	for (uint64_t page = here.first; (n = piece_row(piece, &page)); page += n) {
		if (frames_prepare_filled(&d->memory.frames, page, (uint32_t)n))
			return -ENOSPC;
		frames_soil(&d->memory.frames, page, (uint32_t)n);
	}
	d->away.reading[number] = piece->away;
	return 0;
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
	struct piece piece = {.found = find_page(d, page)};
	struct ckpt_why why = {"no memory for a page that is in the checkpoint"};
	int rc = take_frames(d, r->number, &piece);

	if (rc == 0) {
		pthread_mutex_unlock(&d->lock);
		rc = reader_read(r, &piece, &why);
		pthread_mutex_lock(&d->lock);
	}
	d->away.reading[r->number] = (struct away_piece){0};
	if (rc)
		fail(d, why.text);
	else
		away_landed(d, &piece.away);
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
		rc = reader_open(r);
		if (rc == 0)
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
	for (unsigned i = 0; i < AWAY_READERS; i++)
		reader_close(&all->reader[i]);
	for (uint64_t i = 0; i < files(d); i++) {
		if (all->old[i].fd >= 0)
			close(all->old[i].fd);
		free(all->old[i].at);
	}
	away_close(d);
	free(all);
	d->readers = NULL;
}
