/* SPDX-License-Identifier: BSD-2-Clause */
/* Where this node faults most, for dsmctl hot, and on rank 0 what names are there. */
#include <jansson.h>
#include <stdlib.h>

#include "dsm/heap/alloc.h"
#include "dsm/heap/names.h"
#include "dsm/node/node.h"

#define PAGES_MAX 64
#define NAMES_TOLD 4096 /* of more, some are not told */

void node_note_fault(struct dsm *d, const struct trap_fault *f)
{
	const struct region_zone *zone = region_zone_of(&d->memory.region, f->page);
	const uint64_t at = f->address - (uintptr_t)region_window_at(&d->memory.region, f->page);

	hot_note(&d->hot, f->page, at < zone->page_bytes ? at * HOT_PARTS / zone->page_bytes : 0,
	         f->write);
}

struct told {
	struct dsm *d;
	json_t *list;
};

static void on_name(void *ctx, const char *name, uint64_t offset)
{
	struct told *t = ctx;
	const uintptr_t address = (uintptr_t)t->d->memory.region.window + offset;
	uint64_t bytes = 0;

	if (json_array_size(t->list) == NAMES_TOLD)
		return;
	for (int kind = 0; kind < REGION_ZONES; kind++) {
		const uint64_t at = address - (uintptr_t)t->d->memory.region.zone[kind].window;

		if (t->d->heap.alloc[kind] && !bytes)
			bytes = alloc_size(t->d->heap.alloc[kind], at);
	}
	json_array_append_new(t->list, json_pack("{s:s, s:I, s:I}", "name", name, "address",
	                                         (json_int_t)address, "bytes", (json_int_t)bytes));
}

static json_t *names_json(struct dsm *d)
{
	struct told t = {.d = d, .list = json_array()};

	if (d->heap.names)
		names_each(d->heap.names, on_name, &t);
	return t.list;
}

static json_t *page_json(const struct dsm *d, const struct hot_page *p)
{
	return json_pack(
		"{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "page", (json_int_t)p->page, "address",
		(json_int_t)(uintptr_t)region_window_at(&d->memory.region, p->page), "bytes",
		(json_int_t)region_zone_of(&d->memory.region, p->page)->page_bytes, "reads",
		(json_int_t)p->reads, "writes", (json_int_t)p->writes, "over", (json_int_t)p->over,
		"read_parts", (json_int_t)p->read_parts, "write_parts", (json_int_t)p->write_parts);
}

json_t *hot_json(struct dsm *d)
{
	struct hot_page page[PAGES_MAX];
	const unsigned n = hot_list(&d->hot, page, PAGES_MAX);
	json_t *pages = json_array();

	for (unsigned i = 0; i < n; i++)
		json_array_append_new(pages, page_json(d, &page[i]));
	return json_pack("{s:i, s:o, s:o}", "rank", d->boot->rank, "pages", pages, "names",
	                 names_json(d));
}
