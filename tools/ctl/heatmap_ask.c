/* SPDX-License-Identifier: BSD-2-Clause */
/* Asking the nodes of a job what each has of its named blocks. */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ctl/ctl.h"
#include "tools/ctl/heatmap.h"
#include "tools/ctl/query.h"

#define BLOCKS_MAX 256
#define STRETCH (1 << 18) /* pages that a node looks at for one question */

/* --------------------------------------------------------------------- the blocks -- */

static int by_address(const void *a, const void *b)
{
	const struct heat_block *x = a, *y = b;

	return (x->address > y->address) - (x->address < y->address);
}

/* What a node has been asked of a stretch: the answers of all. */
static int ask(const char *dir, uint64_t address, uint64_t bytes, uint64_t each,
               struct answers *out)
{
	char request[96];

	snprintf(request, sizeof request, "heat %" PRIu64 " %" PRIu64 " %" PRIu64, address, bytes,
	         each);
	return query_job(dir, request, out);
}

/* Its pages, and how they make cells. 0: there are none. */
static int measure(const char *dir, struct heat_block *b)
{
	struct answers answers;

	b->page_bytes = 0;
	if (ask(dir, b->address, 1, 1, &answers))
		return 0;
	for (int i = 0; i < answers.count && !b->page_bytes; i++)
		b->page_bytes = (uint64_t)member_int(answers.list[i].json, "page_bytes", 0);
	query_free(&answers);
	if (!b->page_bytes)
		return 0;
	b->pages = (b->address % b->page_bytes + b->bytes + b->page_bytes - 1) / b->page_bytes;
	b->each = (b->pages + HEAT_CELLS_MAX - 1) / HEAT_CELLS_MAX;
	b->cells = (b->pages + b->each - 1) / b->each;
	return 1;
}

/* Names of blocks; a name within a block has no bytes of its own. */
static void take_names(const json_t *names, struct heat *heat)
{
	const json_t *name;
	size_t i;

	json_array_foreach(names, i, name)
	{
		struct heat_block *b = &heat->block[heat->blocks];
		const int64_t bytes = member_int(name, "bytes", 0);

		if (bytes <= 0 || heat->blocks == BLOCKS_MAX)
			continue;
		snprintf(b->name, sizeof b->name, "%s", member_text(name, "name", "?"));
		b->address = (uint64_t)member_int(name, "address", 0);
		b->bytes = (uint64_t)bytes;
		heat->blocks++;
	}
}

int heat_blocks(const char *dir, struct heat *heat)
{
	struct answers answers;
	size_t n = 0;

	if (query_job(dir, "hot", &answers))
		return CTL_FAILED;
	heat->block = calloc(BLOCKS_MAX + 1, sizeof *heat->block);
	for (int i = 0; heat->block && i < answers.count; i++) {
		heat->nodes += answers.list[i].json != NULL;
		take_names(json_object_get(answers.list[i].json, "names"), heat);
	}
	query_free(&answers);
	qsort(heat->block, heat->blocks, sizeof *heat->block, by_address);
	for (size_t i = 0; i < heat->blocks; i++) {
		if (!measure(dir, &heat->block[i]))
			continue;
		heat->block[n] = heat->block[i];
		heat->block[n].at = heat->cells;
		heat->cells += heat->block[n++].cells;
	}
	heat->blocks = n;
	if (!n)
		ctl_error("no block of the job has a name that its rank 0 tells here");
	return n ? 0 : CTL_FAILED;
}

/* ------------------------------------------------------------------------- a view -- */

static void cell_add(struct heat_cell *cell, int rank, const json_t *told)
{
	const json_int_t reads = json_integer_value(json_array_get(told, 0));
	const json_int_t writes = json_integer_value(json_array_get(told, 1));
	const json_int_t to_read = json_integer_value(json_array_get(told, 2));
	const json_int_t to_write = json_integer_value(json_array_get(told, 3));

	cell->faults += (uint64_t)(reads + writes);
	cell->holders += to_read + to_write > 0;
	if (to_write > cell->most) {
		cell->most = to_write < INT16_MAX ? (int16_t)to_write : INT16_MAX;
		cell->owner = (int16_t)rank;
	}
}

static int look_at(const char *dir, const struct heat_block *b, struct heat_cell *cells)
{
	const uint64_t step = b->each > STRETCH ? b->each : STRETCH / b->each * b->each; /* pages */
	const uint64_t begin = b->address - b->address % b->page_bytes, end = b->address + b->bytes;

	for (uint64_t page = 0; page < b->pages; page += step) {
		const uint64_t from = begin + page * b->page_bytes;
		const uint64_t to =
			from + step * b->page_bytes < end ? from + step * b->page_bytes : end;
		struct answers answers;

		if (ask(dir, from, to - from, b->each, &answers))
			return CTL_FAILED;
		for (int i = 0; i < answers.count; i++) {
			const json_t *list = json_object_get(answers.list[i].json, "cells"), *told;
			size_t k;
			json_array_foreach(list, k, told) if (page / b->each + k < b->cells)
				cell_add(&cells[page / b->each + k], answers.list[i].rank, told);
		}
		query_free(&answers);
	}
	return 0;
}

int heat_look(const char *dir, struct heat *heat, double seconds)
{
	struct heat_view *views = realloc(heat->view, (heat->views + 1) * sizeof *views);
	struct heat_view *view;

	if (!views) {
		ctl_error("out of memory");
		return CTL_FAILED;
	}
	heat->view = views;
	view = &views[heat->views];
	view->seconds = seconds;
	view->cell = calloc(heat->cells, sizeof *view->cell);
	if (!view->cell) {
		ctl_error("out of memory");
		return CTL_FAILED;
	}
	heat->views++;
	for (size_t i = 0; i < heat->cells; i++)
		view->cell[i].owner = -1;
	for (size_t i = 0; i < heat->blocks; i++)
		if (look_at(dir, &heat->block[i], &view->cell[heat->block[i].at]))
			return CTL_FAILED;
	return 0;
}

void heat_differences(struct heat *heat)
{
	if (heat->views < 2)
		return;
	for (size_t v = heat->views; v-- > 1;)
		for (size_t i = 0; i < heat->cells; i++) {
			const uint64_t before = heat->view[v - 1].cell[i].faults;
			struct heat_cell *cell = &heat->view[v].cell[i];
			cell->faults = cell->faults > before ? cell->faults - before : 0;
		}
	free(heat->view[0].cell);
	heat->views--;
	memmove(heat->view, heat->view + 1, heat->views * sizeof *heat->view);
}

void heat_free(struct heat *heat)
{
	for (size_t v = 0; v < heat->views; v++)
		free(heat->view[v].cell);
	free(heat->view);
	free(heat->block);
}
