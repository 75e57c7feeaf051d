/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A checkpoint in pages of the other size: all that was in the window goes to one zone, at the addresses
 * where it was. The files stay as they are; ckpt.place says where what they have lies now.
 *
 *	small pages      the huge zone's part follows in the small one, behind what fills it up to 2 MiB
 *	huge pages       the small zone's part is the first of the huge one; a zone of small pages, which
 *	                 a job has in any case, lies before it, and is empty
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsm/checkpoint/checkpoint.h"

#define HUGE UINT64_C(0x200000)

static uint64_t round_up(uint64_t bytes)
{
	return (bytes + HUGE - 1) / HUGE * HUGE;
}

static void add_free(struct ckpt_block *block, uint64_t *n, uint8_t zone, uint64_t offset, uint64_t bytes)
{
	if (bytes)
		block[(*n)++] = (struct ckpt_block){.offset = offset, .bytes = bytes, .zone = zone,
		                                    .dirty_lo = offset, .dirty_hi = offset};
}

/* Blocks of both zones, and between them what is in neither, as those of zone to. */
static int join_blocks(struct ckpt_manifest *m, enum ckpt_kind to, uint64_t before)
{
	const uint64_t small = m->zone_bytes[CKPT_PTE], from = round_up(small);
	struct ckpt_block *block = calloc(m->blocks + 2, sizeof *block);
	uint64_t n = 0, i = 0;

	if (!block)
		return -ENOMEM;
	add_free(block, &n, CKPT_PTE, 0, before);
	for (; i < m->blocks && m->block[i].zone == CKPT_PTE; i++) {
		block[n] = m->block[i];
		block[n++].zone = (uint8_t)to;
	}
	add_free(block, &n, (uint8_t)to, small, from - small);
	for (; i < m->blocks; i++) {
		struct ckpt_block *b = &block[n++];

		*b = m->block[i];
		b->zone = (uint8_t)to;
		b->offset += from;
		b->dirty_lo += from;
		b->dirty_hi += from;
	}
	free(m->block);
	m->block = block;
	m->blocks = n;
	return 0;
}

int ckpt_recast(struct ckpt *c, enum ckpt_kind to, uint64_t before, struct ckpt_why *why)
{
	struct ckpt_manifest *m = &c->manifest;
	const uint64_t from = round_up(m->zone_bytes[CKPT_PTE]), all = from + m->zone_bytes[CKPT_PMD];

	if (to == CKPT_PTE && !m->zone_bytes[CKPT_PMD])
		return 0;
	if (before >= m->window) {
		snprintf(why->text, sizeof why->text, "its pages begin at address %#llx, and %llu bytes of "
		         "small pages have no place before them", (unsigned long long)m->window,
		         (unsigned long long)before);
		return -ERANGE;
	}
	if (join_blocks(m, to, before)) {
		snprintf(why->text, sizeof why->text, "no memory for the blocks of a checkpoint");
		return -ENOMEM;
	}
	c->place[CKPT_PTE].kind = c->place[CKPT_PMD].kind = to;
	c->place[CKPT_PMD].offset = from;
	m->zone_bytes[CKPT_PTE] = before;
	m->zone_bytes[CKPT_PMD] = 0;
	m->zone_bytes[to] = all;
	m->window -= before;
	for (uint64_t i = 0; i < m->names; i++)
		m->name[i].offset += before;
	return 0;
}
