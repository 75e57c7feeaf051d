/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Going on from a checkpoint. What it says is read before the nodes meet, for it shapes the region;
 * pages are read when all is ready: each node those that it is home to.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dsm/checkpoint/checkpoint.h"
#include "dsm/dsm_checkpoint.h"
#include "dsm/heap/heap.h"
#include "dsm/start/steps.h"

static int refuse(const struct dsm *d, int rc, const char *why)
{
	init_error_set("cannot go on from %s: %s", d->settings->restore, why);
	switch (rc) {
	case -ENOENT:
	case -EBADMSG:
	case -ENOTSUP: return DSM_ERR_CHECKPOINT;
	case -ENOMEM: return DSM_ERR_NOMEM;
	default: return DSM_ERR_STORAGE;
	}
}

/* The region is as large as it was. Where nothing lies behind the small pages they may be more, and
 * huge ones may be in any case. */
static int fit_region(struct dsm *d, const struct ckpt_manifest *m)
{
	struct settings *s = d->settings;

	if (s->region_bytes < m->zone_bytes[CKPT_PTE] || s->huge_bytes < m->zone_bytes[CKPT_PMD] ||
	    (m->zone_bytes[CKPT_PMD] && s->region_bytes > m->zone_bytes[CKPT_PTE])) {
		init_error_set("cannot go on from %s: it has a region of %llu bytes and %llu in huge "
		               "pages, and this job is to have %llu and %llu: set DSM_REGION and "
		               "DSM_HUGE to what it has", s->restore,
		               (unsigned long long)m->zone_bytes[CKPT_PTE],
		               (unsigned long long)m->zone_bytes[CKPT_PMD],
		               (unsigned long long)s->region_bytes,
		               (unsigned long long)s->huge_bytes);
		return DSM_ERR_CONFIG;
	}
	if (m->zone_bytes[CKPT_PMD])
		s->huge_optional = 0; /* there are pages for it */
	return 0;
}

int restore_open(struct dsm *d)
{
	struct ckpt_why why;
	int rc;

	if (!*d->settings->restore)
		return 0;
	rc = ckpt_open(d->settings->restore, &d->restored, &why);
	if (rc == 0)
		rc = ckpt_keep_private(d->restored, &why);
	return rc ? refuse(d, rc, why.text) : fit_region(d, &d->restored->manifest);
}

int restore_address(struct dsm *d, size_t len, void **at)
{
	char line[512], taken[512] = "";
	uintptr_t window, from, to;
	FILE *maps;

	window = d->restored->manifest.window;
	*at = (void *)window;
	if (region_reserve(*at, len) == 0)
		return 0;
	maps = fopen("/proc/self/maps", "re");
	while (maps && fgets(line, sizeof line, maps)) {
		if (sscanf(line, "%lx-%lx", &from, &to) != 2 || to <= window || from >= window + len)
			continue;
		line[strcspn(line, "\n")] = 0;
		snprintf(taken, sizeof taken, ", by %.400s", line);
		break;
	}
	if (maps)
		fclose(maps);
	init_error_set("cannot go on from %s: its region lies at %p, where pointers into it expect "
	               "it, and %zu bytes from there on are taken here%s", d->settings->restore, *at,
	               len, taken);
	return DSM_ERR_ADDRESS;
}

/* --- pages --- */

/* Where a checkpoint's pages go. */
static uint64_t page_of(const struct dsm *d, const struct ckpt_run *run)
{
	return d->memory.region.zone[run->kind].first + run->first;
}

/* Frames for those of a run that this node is home to; how many these are. */
static int take_frames(struct dsm *d, uint64_t first, uint64_t n, uint64_t *mine)
{
	sigset_t mask;
	int rc = 0;

	*mine = 0;
	node_lock(d, &mask);
	for (uint64_t page = first; page < first + n && rc == 0; page++) {
		if (!node_is_home(d, page))
			continue;
		++*mine;
		rc = frames_prepare(&d->memory.frames, page, 1);
		if (rc)
			break;
		frames_soil(&d->memory.frames, page, 1);
		coh_keep_page(d->engine.coh, page);
	}
	node_unlock(d, &mask);
	return rc;
}

static int no_room(const struct dsm *d)
{
	const struct budget *mine = &d->memory.budgets[d->boot->rank];

	init_error_set("cannot go on from %s: this node's memory, %llu bytes (DSM_MEMORY), has no room "
	               "for the pages that it is home to: give it more, or start more nodes",
	               d->settings->restore, (unsigned long long)mine->bytes);
	return DSM_ERR_NOMEM;
}

/* buf: CKPT_RUN_MAX bytes. */
static int read_run(struct dsm *d, uint32_t rank, int fd, uint64_t at, const struct ckpt_run *run,
                    uint8_t *buf)
{
	const struct region *region = &d->memory.region;
	const uint64_t first = page_of(d, run);
	const size_t page_bytes = region->zone[run->kind].page_bytes;
	struct ckpt_why why;
	uint64_t mine;
	int rc = take_frames(d, first, run->count, &mine);

	if (rc)
		return no_room(d);
	if (!mine)
		return 0;
	rc = ckpt_data_run(rank, fd, at, run, mine == run->count ? region_frame_at(region, first) : buf,
	                   &why);
	if (rc)
		return refuse(d, rc, why.text);
	for (uint64_t i = 0; i < run->count && mine != run->count; i++)
		if (node_is_home(d, first + i))
			memcpy(region_frame_at(region, first + i), buf + i * page_bytes, page_bytes);
	return 0;
}

/* Pages that have become zero: what an older layer has put there is not to be seen. */
static void clear(struct dsm *d, const struct ckpt_gone *gone)
{
	const struct region_zone *zone = &d->memory.region.zone[gone->kind];

	for (uint64_t page = zone->first + gone->first;
	     page < zone->first + gone->first + gone->count; page++)
		if (node_is_home(d, page) && frames_ready(&d->memory.frames, page))
			memset(region_frame_at(&d->memory.region, page), 0, zone->page_bytes);
}

/* What one node of the old job has saved in a layer. */
static int read_node(struct dsm *d, const struct ckpt *layer, uint32_t rank, uint8_t *buf)
{
	const struct ckpt_index *x = &layer->index[rank];
	struct ckpt_why why;
	uint64_t at = 0;
	int fd = ckpt_data_open(layer, rank, &why), rc = 0;

	if (fd < 0)
		return refuse(d, fd, why.text);
	for (uint64_t i = 0; i < x->runs && rc == 0; i++) {
		if (x->run[i].kind < CKPT_ZONES)
			rc = read_run(d, rank, fd, at, &x->run[i], buf);
		at += ckpt_run_bytes(&x->run[i]);
	}
	close(fd);
	return rc;
}

/* All nodes have saved a page before any has saved a later state of it. */
static int read_layer(struct dsm *d, const struct ckpt *layer, uint8_t *buf)
{
	const uint32_t nodes = layer->manifest.nodes;
	int rc = 0;

	for (uint32_t i = 0; i < nodes; i++)
		for (uint64_t k = 0; k < layer->index[i].gones; k++)
			clear(d, &layer->index[i].gone[k]);
	for (uint32_t i = 0; i < nodes && rc == 0; i++)
		rc = read_node(d, layer, (d->boot->rank + i) % nodes, buf);
	return rc;
}

/* The bytes of this node's pages in a run that no layer before has had. seen: a bit for each page. */
static uint64_t bytes_of(struct dsm *d, const struct ckpt_run *run, uint8_t *seen)
{
	const struct region_zone *zone = &d->memory.region.zone[run->kind];
	uint64_t bytes = 0;

	for (uint64_t page = page_of(d, run); page < page_of(d, run) + run->count; page++) {
		if (!node_is_home(d, page) || seen[page / 8] >> page % 8 & 1)
			continue;
		seen[page / 8] |= (uint8_t)(1u << page % 8);
		bytes += zone->page_bytes;
	}
	return bytes;
}

/* Whether the budget has room for all of it, before any of it is read. */
static int check_room(struct dsm *d)
{
	const struct budget *mine = &d->memory.budgets[d->boot->rank];
	uint8_t *seen = calloc(1, d->memory.region.pages / 8 + 1);
	uint64_t bytes = 0;

	if (!seen)
		return no_room(d);
	for (uint64_t k = 0; k <= d->restored->manifest.layers; k++) {
		const struct ckpt *layer = ckpt_layer(d->restored, k);

		for (uint32_t rank = 0; rank < layer->manifest.nodes; rank++)
			for (uint64_t i = 0; i < layer->index[rank].runs; i++) {
				const struct ckpt_run *run = &layer->index[rank].run[i];
				if (run->kind == CKPT_PTE || (run->kind == CKPT_PMD && mine->both))
					bytes += bytes_of(d, run, seen);
			}
	}
	free(seen);
	return bytes > mine->bytes ? no_room(d) : 0;
}

/* --- objects --- */

/* A handle's home h is node h % nodes of this job, in its block h / nodes. */
static int put_objects(struct dsm *d, int is_cond)
{
	const coh_node nodes = d->engine.cfg.nodes, self = d->engine.cfg.self;
	int rc = 0;

	for (uint32_t rank = 0; rank < d->restored->manifest.nodes; rank++) {
		const struct ckpt_index *x = &d->restored->index[rank];
		for (uint64_t i = 0; i < x->objects && rc == 0; i++) {
			const struct ckpt_object *o = &x->object[i];
			const uint32_t block = o->home / nodes * NODE_LOCKS;

			if (o->home % nodes != self || (int)o->is_cond != is_cond)
				continue;
			if (o->index >= NODE_LOCKS || o->mutex >= NODE_LOCKS)
				rc = -EINVAL;
			else
				rc = coh_keep_object(d->engine.coh, block + o->index,
				                     is_cond ? 2 : 1, block + o->mutex);
		}
	}
	return rc;
}

/* --- the whole --- */

int restore_all(struct dsm *d)
{
	uint8_t *buf;
	sigset_t mask;
	int rc = 0;

	if (!d->restored)
		return 0;
	buf = malloc(CKPT_RUN_MAX);
	if (!buf)
		return DSM_ERR_NOMEM;
	node_lock(d, &mask);
	if (d->engine.cfg.self == 0)
		rc = heap_restore(d, &d->restored->manifest);
	if (rc == 0)
		rc = put_objects(d, 0);
	if (rc == 0)
		rc = put_objects(d, 1);
	node_unlock(d, &mask);
	if (rc)
		rc = refuse(d, rc == -ENOMEM ? rc : -EBADMSG, "its blocks, names or mutexes do not fit "
		            "together");
	if (rc == 0)
		rc = check_room(d);
	for (uint64_t i = 0; i <= d->restored->manifest.layers && rc == 0; i++)
		rc = read_layer(d, ckpt_layer(d->restored, i), buf);
	free(buf);
	ckpt_shed(d->restored);
	return rc;
}
