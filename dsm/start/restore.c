/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Going on from a checkpoint. What it says is read before the nodes meet, for it shapes the region;
 * pages are read when they are asked for (restore_pages.c).
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

int restore_refuse(const struct dsm *d, int rc, const char *why)
{
	init_error_set("cannot go on from %s: %s", d->settings->restore, why);
	switch (rc) {
	case -ENOENT:
	case -EBADMSG:
	case -ENOTSUP: return DSM_ERR_CHECKPOINT;
	case -ENOMEM: return DSM_ERR_NOMEM;
	case -ERANGE: return DSM_ERR_ADDRESS;
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

/* In pages of the size that was asked for: then the region is what that takes, at least. */
static int recast(struct dsm *d, struct ckpt_why *why)
{
	struct settings *s = d->settings;
	const uint64_t *zone_bytes = d->restored->manifest.zone_bytes;
	int rc = 0;

	if (!strcmp(s->restore_pages, "small")) {
		rc = ckpt_recast(d->restored, CKPT_PTE, 0, why);
		s->huge_bytes = 0;
		if (rc == 0 && s->region_bytes < zone_bytes[CKPT_PTE])
			s->region_bytes = zone_bytes[CKPT_PTE];
	} else if (!strcmp(s->restore_pages, "huge")) {
		s->region_bytes = (s->region_bytes + REGION_PMD_BYTES - 1) / REGION_PMD_BYTES *
		                  REGION_PMD_BYTES;
		rc = ckpt_recast(d->restored, CKPT_PMD, s->region_bytes, why);
		if (rc == 0 && s->huge_bytes < zone_bytes[CKPT_PMD])
			s->huge_bytes = zone_bytes[CKPT_PMD];
	}
	return rc;
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
	if (rc == 0)
		rc = recast(d, &why);
	return rc ? restore_refuse(d, rc, why.text) : fit_region(d, &d->restored->manifest);
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
	if (d->restored->place[CKPT_PTE].kind == CKPT_PMD)
		init_error_set("cannot go on from %s in huge pages: they lie where pointers into them "
		               "expect them, and %llu bytes of small ones (DSM_REGION) before them, at "
		               "%p, and of these addresses some are taken here%s", d->settings->restore,
		               (unsigned long long)d->restored->manifest.zone_bytes[CKPT_PTE], *at, taken);
	else
		init_error_set("cannot go on from %s: its region lies at %p, where pointers into it "
		               "expect it, and %zu bytes from there on are taken here%s",
		               d->settings->restore, *at, len, taken);
	return DSM_ERR_ADDRESS;
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
	sigset_t mask;
	int rc = 0;

	node_lock(d, &mask);
	if (d->engine.cfg.self == 0)
		rc = heap_restore(d, &d->restored->manifest);
	if (rc == 0)
		rc = put_objects(d, 0);
	if (rc == 0)
		rc = put_objects(d, 1);
	node_unlock(d, &mask);
	if (rc)
		return restore_refuse(d, rc == -ENOMEM ? rc : -EBADMSG, "its blocks, names or mutexes do "
		                      "not fit together");
	return 0;
}
