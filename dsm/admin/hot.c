/* SPDX-License-Identifier: BSD-2-Clause */
/* Where this node faults most, for dsmctl hot, by which instructions while somebody looks, and on
 * rank 0 what names are there. */
#include <jansson.h>
#include <stdlib.h>

#include "dsm/admin/answers.h"
#include "dsm/heap/heap.h"
#include "dsm/node/node.h"

#define PAGES_MAX 64
#define LINES_MAX 128
#define NAMES_TOLD 4096 /* of more, some are not told */

static void on_name(void *list, const char *name, uint64_t address, uint64_t bytes)
{
	if (json_array_size(list) < NAMES_TOLD)
		json_array_append_new(list, json_pack("{s:s, s:I, s:I}", "name", name, "address",
		                                      (json_int_t)address, "bytes",
		                                      (json_int_t)bytes));
}

json_t *names_json(struct dsm *d)
{
	json_t *list = json_array();

	heap_each_name(d, on_name, list);
	return list;
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

static json_t *line_json(const struct line *l)
{
	return json_pack("{s:I, s:I, s:b, s:I, s:I, s:I, s:I}", "page", (json_int_t)l->page, "pc",
	                 (json_int_t)l->pc, "write", l->write, "first", (json_int_t)l->first, "last",
	                 (json_int_t)l->last, "seen", (json_int_t)l->count, "over",
	                 (json_int_t)l->over);
}

static json_t *lines_json(const struct dsm *d)
{
	struct line line[LINES_MAX];
	const unsigned n = lines_list(&d->lines, line, LINES_MAX);
	json_t *list = json_array();

	for (unsigned i = 0; i < n; i++)
		json_array_append_new(list, line_json(&line[i]));
	return list;
}

json_t *watch_json(struct dsm *d)
{
	lines_watch(&d->lines, clock_now_ns());
	return json_pack("{s:i, s:I}", "rank", d->boot->rank, "watch_ms",
	                 (json_int_t)(LINES_WATCH_NS / 1000000));
}

json_t *hot_json(struct dsm *d)
{
	struct hot_page page[PAGES_MAX];
	const unsigned n = hot_list(&d->hot, page, PAGES_MAX);
	json_t *pages = json_array();

	for (unsigned i = 0; i < n; i++)
		json_array_append_new(pages, page_json(d, &page[i]));
	return json_pack("{s:i, s:o, s:o, s:o}", "rank", d->boot->rank, "pages", pages, "lines",
	                 lines_json(d), "names", names_json(d));
}
