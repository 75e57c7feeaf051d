/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which pages a node saves, and saving them. Each page that holds something is one node's: whoever
 * has it in M, else its home, whose frame is current. What is noted while nothing moves stays as it
 * is, wherever copies go afterwards: nobody writes, and frames that are noted are not given back.
 */
#include "dsm/calls/checkpoint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dsm/dsm_checkpoint.h"
#include "dsm/node/node.h"

#define LOOK_PAGES 65536 /* with the lock held: others wait for it */
#define STRETCH 16384

static int is_mine(struct dsm *d, uint64_t page)
{
	struct coh_page_info info;

	if (!frames_ready(&d->memory.frames, page))
		return 0;
	coh_page_info(d->engine.coh, page, &info);
	return info.cache_state == COH_C_M ||
	       (info.is_home && info.touched && info.dir_stable != COH_D_M);
}

/* Runs end where a home's block may. */
static int note(struct saving *s, uint64_t page)
{
	const struct region_zone *zone = region_zone_of(&s->d->memory.region, page);
	struct moment_run *last = s->runs ? &s->run[s->runs - 1] : NULL;

	if (last && last->page + last->n == page && zone->page_bytes == REGION_PTE_BYTES &&
	    (page - zone->first) % CKPT_RUN_PAGES) {
		last->n++;
		return 0;
	}
	if (s->runs == s->room) {
		const uint64_t room = s->room ? 2 * s->room : 256;
		struct moment_run *more = realloc(s->run, room * sizeof *more);
		if (!more)
			return DSM_ERR_NOMEM;
		s->run = more;
		s->room = room;
	}
	s->run[s->runs++] = (struct moment_run){.page = page, .n = 1};
	return 0;
}

/* Of the zone's pages [page, end), with the lock held for a while at a time. */
static int note_part(struct saving *s, uint64_t page, uint64_t end)
{
	struct dsm *d = s->d;
	sigset_t mask;
	int rc = 0;

	while (page < end && rc == 0) {
		const uint64_t stop = end - page < LOOK_PAGES ? end : page + LOOK_PAGES;

		node_lock(d, &mask);
		for (; page < stop && rc == 0; page++)
			if (is_mine(d, page) && (!s->lies || moment_is_written(d, page))) {
				rc = note(s, page);
				if (rc == 0)
					frames_pin(&d->memory.frames, page, 1);
			}
		node_unlock(d, &mask);
	}
	return rc;
}

/* Only where the file behind the zone has memory, and for a while behind that: to have the kernel look
 * for where it ends takes as long as all the rest. */
static int note_zone(struct saving *s, const struct region_zone *zone)
{
	uint64_t page = 0;
	int rc = 0;

	while (page < zone->count && rc == 0) {
		const off_t at = lseek(zone->memfd, (off_t)(page * zone->page_bytes), SEEK_DATA);
		uint64_t end;

		if (at < 0)
			break; /* ENXIO: no more */
		page = (uint64_t)at / zone->page_bytes;
		end = zone->count - page < STRETCH ? zone->count : page + STRETCH;
		rc = note_part(s, zone->first + page, zone->first + end);
		page = end;
	}
	return rc;
}

static int note_gone(struct saving *s, uint64_t page)
{
	struct saving_gone *last = s->gones ? &s->gone[s->gones - 1] : NULL;
	struct saving_gone *more;

	if (last && last->page + last->n == page &&
	    region_zone_of(&s->d->memory.region, last->page) ==
	            region_zone_of(&s->d->memory.region, page)) {
		last->n++;
		return 0;
	}
	more = reallocarray(s->gone, s->gones + 1, sizeof *more);
	if (!more)
		return DSM_ERR_NOMEM;
	s->gone = more;
	more[s->gones++] = (struct saving_gone){.page = page, .n = 1};
	return 0;
}

static int is_gone(struct dsm *d, uint64_t page)
{
	struct coh_page_info info;

	if (!moment_is_written(d, page) || !node_is_home(d, page))
		return 0;
	coh_page_info(d->engine.coh, page, &info);
	return !info.touched && info.cache_state != COH_C_M;
}

/* Pages that were discarded since the one on which this one lies: the home has seen it. */
static int note_all_gone(struct saving *s)
{
	struct dsm *d = s->d;
	uint64_t page = 0;
	sigset_t mask;
	int rc = 0;

	while (page < d->memory.region.pages && rc == 0) {
		node_lock(d, &mask);
		for (unsigned n = 0; n < LOOK_PAGES && page < d->memory.region.pages && rc == 0;
		     n++, page++)
			if (is_gone(d, page))
				rc = note_gone(s, page);
		node_unlock(d, &mask);
	}
	return rc;
}

/* From here on it counts what is written. */
static int watch(struct saving *s)
{
	if (s->flags & DSM_CHECKPOINT_INCREMENTAL)
		return moment_watch(s->d) ? DSM_ERR_NOMEM : 0;
	moment_watch_no_more(s->d);
	return 0;
}

/* By their handles, which name another home than this node where the job was restored on fewer. */
static int note_object(struct saving *s, uint32_t i, int is_cond, uint32_t mutex)
{
	const struct coh_config *cfg = &s->d->engine.cfg;
	struct ckpt_object *more = reallocarray(s->object, s->objects + 1, sizeof *more);

	if (!more)
		return DSM_ERR_NOMEM;
	s->object = more;
	more[s->objects++] = (struct ckpt_object){.home = i / NODE_LOCKS * cfg->nodes + cfg->self,
	                                          .index = i % NODE_LOCKS,
	                                          .is_cond = is_cond,
	                                          .mutex = mutex % NODE_LOCKS};
	return 0;
}

static int note_objects(struct saving *s)
{
	struct dsm *d = s->d;
	int rc = 0;

	for (uint32_t i = 0; i < d->engine.cfg.locks && rc == 0; i++) {
		uint32_t mutex;
		sigset_t mask;
		int kind;

		node_lock(d, &mask);
		kind = coh_object_at(d->engine.coh, i, &mutex);
		node_unlock(d, &mask);
		if (kind)
			rc = note_object(s, i, kind == 2, mutex);
	}
	return rc;
}

int saving_note(struct saving *s)
{
	int rc = note_objects(s);

	for (int kind = 0; kind < REGION_ZONES && rc == 0; kind++)
		if (s->d->memory.region.zone[kind].count)
			rc = note_zone(s, &s->d->memory.region.zone[kind]);
	if (rc == 0 && s->lies)
		rc = note_all_gone(s);
	return rc ? rc : watch(s);
}

void saving_let_pages_go(struct saving *s)
{
	sigset_t mask;

	node_lock(s->d, &mask);
	for (uint64_t i = 0; i < s->runs; i++)
		frames_unpin(&s->d->memory.frames, s->run[i].page, s->run[i].n);
	waits_room(&s->d->waits);
	node_unlock(s->d, &mask);
	free(s->run);
	s->run = NULL;
	s->runs = s->room = 0;
}

/* --- writing --- */

static int is_zero(const void *at, size_t len)
{
	const uint64_t *word = at;

	return word[0] == 0 && !memcmp(word, word + 1, len - sizeof *word);
}

/* Those of a run that are not zero. at: what its pages hold. */
static int write_run(struct saving *s, struct ckpt_writer *w, const struct moment_run *run,
                     const uint8_t *at)
{
	const struct region *region = &s->d->memory.region;
	const struct region_zone *zone = region_zone_of(region, run->page);
	const uint32_t kind = zone == &region->zone[REGION_PMD] ? CKPT_PMD : CKPT_PTE;
	uint64_t page = 0;
	int rc = 0;

	while (page < run->n && rc == 0) {
		uint64_t n = 0;

		while (page + n < run->n &&
		       !is_zero(at + (page + n) * zone->page_bytes, zone->page_bytes))
			n++;
		if (n)
			rc = ckpt_writer_run(w, kind, run->page + page - zone->first, n,
			                     at + page * zone->page_bytes, &s->why);
		else if (s->lies)
			rc = ckpt_writer_gone(w, kind, run->page + page - zone->first, 1, &s->why);
		page += n ? n : 1;
	}
	return rc;
}

/* From the frames, while nobody writes; or what they held. */
static int write_pages(struct saving *s, struct ckpt_writer *w)
{
	uint8_t *buf = s->beside ? malloc(CKPT_RUN_MAX) : NULL;
	int rc = 0;

	if (s->beside && !buf) {
		snprintf(s->why.text, sizeof s->why.text, "no memory to read pages into");
		return -ENOMEM;
	}
	for (uint64_t i = 0; i < s->runs && rc == 0; i++) {
		if (buf)
			rc = moment_take(s->d, &s->run[i], buf);
		if (rc)
			snprintf(s->why.text, sizeof s->why.text, "cannot keep what is written meanwhile in "
			         "a file: %s", strerrordesc_np(-rc));
		else
			rc = write_run(s, w, &s->run[i],
			               buf ? buf : region_frame_at(&s->d->memory.region, s->run[i].page));
	}
	free(buf);
	return rc;
}

static int write_gone(struct saving *s, struct ckpt_writer *w, const struct saving_gone *gone)
{
	const struct region *region = &s->d->memory.region;
	const struct region_zone *zone = region_zone_of(region, gone->page);

	return ckpt_writer_gone(w, zone == &region->zone[REGION_PMD] ? CKPT_PMD : CKPT_PTE,
	                        gone->page - zone->first, gone->n, &s->why);
}

int saving_write(struct saving *s)
{
	struct ckpt_writer w;
	int rc = ckpt_writer_open(&w, s->gen, s->id, s->d->engine.cfg.self, &s->why);

	if (rc == 0 && s->flags & DSM_CHECKPOINT_COMPRESS)
		rc = ckpt_writer_pack(&w, &s->why);
	if (rc == 0)
		rc = write_pages(s, &w);
	if (rc == 0)
		rc = ckpt_writer_private(&w, s->private_data, s->private_bytes, &s->why);
	for (uint64_t i = 0; i < s->objects && rc == 0; i++)
		rc = ckpt_writer_object(&w, s->object[i], &s->why);
	for (uint64_t i = 0; i < s->gones && rc == 0; i++)
		rc = write_gone(s, &w, &s->gone[i]);
	if (rc == 0)
		rc = ckpt_writer_finish(&w, &s->why);
	ckpt_writer_close(&w);
	return rc;
}
