/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What dsmctl heatmap asks: of a stretch of memory, the faults of this node, and which pages it has
 * for reading and for writing.
 *
 *	ADDRESS BYTES EACH     summed up over EACH pages at a time, of which some thousands at most
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsm/admin/answers.h"
#include "dsm/node/node.h"

#define CELLS_MAX 4096
#define PAGES_MAX (1 << 18) /* looked at without letting go of the lock: some milliseconds */

struct cell {
	uint64_t reads, writes;     /* faults */
	uint32_t to_read, to_write; /* pages that this node has so */
};

static void cell_add(struct dsm *d, struct cell *cell, uint64_t page)
{
	const enum coh_access access =
		coh_access_of((enum coh_cache_state)coh_cache_state_of(d->engine.coh, page));

	if (d->hot.count) {
		cell->reads += d->hot.count[page].reads;
		cell->writes += d->hot.count[page].writes;
	}
	cell->to_read += access == COH_READ;
	cell->to_write += access == COH_WRITE;
}

/* Returns how many, or -1 where it is not in the region, or too much. */
static int look(struct dsm *d, uint64_t address, uint64_t bytes, uint64_t each, struct cell *cells,
                uint64_t *page_bytes)
{
	void *at = (void *)(uintptr_t)address;
	const int kind = region_kind_of(&d->memory.region, at, bytes);
	int64_t first, end;

	if (kind < 0 || bytes == 0 || each == 0)
		return -1;
	first = region_page_of(&d->memory.region, at);
	end = region_page_of(&d->memory.region, (uint8_t *)at + bytes - 1) + 1;
	if (end - first > PAGES_MAX || (uint64_t)(end - first) > CELLS_MAX * each)
		return -1;
	*page_bytes = d->memory.region.zone[kind].page_bytes;
	for (int64_t page = first; page < end; page++)
		cell_add(d, &cells[(uint64_t)(page - first) / each], (uint64_t)page);
	return (int)(((uint64_t)(end - first) + each - 1) / each);
}

static json_t *cells_json(const struct cell *cells, int n, uint64_t page_bytes)
{
	json_t *list = json_array();

	for (int i = 0; i < n; i++)
		json_array_append_new(list, json_pack("[I, I, I, I]", (json_int_t)cells[i].reads,
		                                      (json_int_t)cells[i].writes,
		                                      (json_int_t)cells[i].to_read,
		                                      (json_int_t)cells[i].to_write));
	return json_pack("{s:I, s:o}", "page_bytes", (json_int_t)page_bytes, "cells", list);
}

char *heat_answer(struct dsm *d, const char *request)
{
	struct cell *cells = calloc(CELLS_MAX, sizeof *cells);
	uint64_t address, bytes, each, page_bytes = 0;
	char *text = NULL;
	json_t *o;
	int n = -1;

	if (!cells)
		return NULL;
	if (sscanf(request, "%" SCNu64 " %" SCNu64 " %" SCNu64, &address, &bytes, &each) == 3) {
		pthread_mutex_lock(&d->lock);
		n = look(d, address, bytes, each, cells, &page_bytes);
		pthread_mutex_unlock(&d->lock);
	}
	o = n < 0 ? json_pack("{s:s}", "error", "has no such memory")
	          : cells_json(cells, n, page_bytes);
	text = o ? json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
	json_decref(o);
	free(cells);
	return text;
}
