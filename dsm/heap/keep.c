/* SPDX-License-Identifier: BSD-2-Clause */
/* Blocks and names in a checkpoint, at rank 0. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dsm/checkpoint/checkpoint.h"
#include "dsm/heap/check.h"
#include "dsm/heap/services.h"

/* --- saving: once to count, once to copy --- */

struct saving {
	struct ckpt_manifest *m;
	uint8_t zone;
	int copies;
};

static void on_block(void *ctx, const struct alloc_saved *s)
{
	struct saving *to = ctx;

	if (to->copies)
		to->m->block[to->m->blocks] = (struct ckpt_block){.offset = s->offset,
		                                                  .bytes = s->bytes,
		                                                  .dirty_lo = s->dirty_lo,
		                                                  .dirty_hi = s->dirty_hi,
		                                                  .zone = to->zone,
		                                                  .taken = (uint8_t)s->taken};
	to->m->blocks++;
}

static void on_name(void *ctx, const char *name, uint64_t offset)
{
	struct saving *to = ctx;

	if (to->copies) {
		struct ckpt_name *n = &to->m->name[to->m->names];
		n->offset = offset;
		strncpy(n->name, name, sizeof n->name - 1);
	}
	to->m->names++;
}

static void save(struct dsm *d, struct saving *to)
{
	to->m->blocks = to->m->names = 0;
	for (int kind = 0; kind < REGION_ZONES; kind++) {
		to->zone = (uint8_t)kind;
		if (d->heap->mirror.served.alloc[kind])
			alloc_each(d->heap->mirror.served.alloc[kind], on_block, to);
	}
	names_each(d->heap->mirror.served.names, on_name, to);
}

int heap_save(struct dsm *d, struct ckpt_manifest *m)
{
	struct saving to = {.m = m};

	save(d, &to);
	m->block = calloc(m->blocks + 1, sizeof *m->block);
	m->name = calloc(m->names + 1, sizeof *m->name);
	if (!m->block || !m->name)
		return -ENOMEM;
	to.copies = 1;
	save(d, &to);
	return 0;
}

/* --- and back --- */

static int restore_zone(struct dsm *d, unsigned kind, const struct ckpt_manifest *m)
{
	struct alloc_saved *saved = calloc(m->blocks + 1, sizeof *saved);
	struct room *room = &d->heap->mirror.served.room[kind];
	uint64_t n = 0;
	int rc;

	if (!saved)
		return -ENOMEM;
	for (uint64_t i = 0; i < m->blocks; i++) {
		const struct ckpt_block *b = &m->block[i];
		if (b->zone != kind)
			continue;
		saved[n++] = (struct alloc_saved){.offset = b->offset, .bytes = b->bytes,
		                                  .dirty_lo = b->dirty_lo,
		                                  .dirty_hi = b->dirty_hi, .taken = b->taken};
		if (b->taken) {
			room_take(room, b->offset, b->bytes);
			heap_taken(d, kind, b->offset, b->bytes, 1);
		} else if (b->dirty_lo < b->dirty_hi) {
			room_take(room, b->dirty_lo, b->dirty_hi - b->dirty_lo);
		}
	}
	rc = alloc_restore(d->heap->mirror.served.alloc[kind], saved, n);
	free(saved);
	return rc;
}

int heap_restore(struct dsm *d, const struct ckpt_manifest *m)
{
	int rc = 0;

	for (unsigned kind = 0; kind < REGION_ZONES && rc == 0; kind++)
		if (m->zone_bytes[kind])
			rc = m->zone_bytes[kind] <= d->memory.region.zone[kind].count *
			                                    d->memory.region.zone[kind].page_bytes
			             ? restore_zone(d, kind, m) : -EINVAL;
	for (uint64_t i = 0; i < m->names && rc == 0; i++)
		rc = names_add(d->heap->mirror.served.names, m->name[i].name, m->name[i].offset);
	return rc;
}
