/* SPDX-License-Identifier: BSD-2-Clause */
/* dsmctl hot: the pages that the nodes of a job take from each other most, by name, and
 * whether they have to. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ctl/show.h"

#define PAGES_SHOWN 20
#define RUNS_SHOWN 4
#define PARTS 64  /* of a page: a bit each in what the nodes tell */
#define OFTEN 4   /* faults of a node below which it takes no part in a page */

static uint64_t parts_of(const json_t *node)
{
	return (uint64_t)member_int(node, "read_parts", 0) |
	       (uint64_t)member_int(node, "write_parts", 0);
}

static json_int_t faults_of(const json_t *node)
{
	return member_int(node, "reads", 0) + member_int(node, "writes", 0);
}

/* ---------------------------------------------------------------------- merging -- */

static json_t *page_find(json_t *list, json_int_t page)
{
	json_t *p;
	size_t i;

	json_array_foreach(list, i, p)
		if (member_int(p, "page", -1) == page)
			return p;
	return NULL;
}

/* Notes what a node told of a page, in the list of all nodes' pages. */
static void page_add(json_t *list, int rank, const json_t *told)
{
	static const char *const counts[] = { "reads", "writes", "read_parts", "write_parts" };
	json_t *p = page_find(list, member_int(told, "page", -1)), *node;

	if (!p) {
		p = json_pack("{s:I, s:I, s:I, s:I, s:[]}", "page", member_int(told, "page", -1),
		              "address", member_int(told, "address", 0), "bytes",
		              member_int(told, "bytes", 0), "faults", (json_int_t)0, "nodes");
		json_array_append_new(list, p);
	}
	node = json_pack("{s:i}", "rank", rank);
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		json_object_set_new(node, counts[i], json_integer(member_int(told, counts[i], 0)));
	json_object_set_new(p, "faults", json_integer(member_int(p, "faults", 0) + faults_of(node)));
	json_array_append_new(json_object_get(p, "nodes"), node);
}

/* What a page is to the nodes that fault on it often. Only a node that writes takes it from
 * the others, so that they fault again; and a fault tells the first access alone, so that
 * parts that are apart are evidence, not proof. */
static const char *verdict(const json_t *page)
{
	const json_t *nodes = json_object_get(page, "nodes"), *node;
	uint64_t seen = 0, both = 0;
	int often = 0;
	size_t i;

	json_array_foreach(nodes, i, node) {
		if (faults_of(node) < OFTEN)
			continue;
		often++;
		both |= seen & parts_of(node);
		seen |= parts_of(node);
	}
	return often < 2 ? "one node" : both ? "shared" : "false sharing";
}

static int by_faults(const void *a, const void *b)
{
	json_int_t x = member_int(*(json_t *const *)a, "faults", 0);
	json_int_t y = member_int(*(json_t *const *)b, "faults", 0);

	return (x < y) - (x > y);
}

/* The pages with the most faults of all nodes together, most first. */
static json_t *sorted(const json_t *list)
{
	const size_t n = json_array_size(list);
	json_t **page = calloc(n + 1, sizeof *page), *out = json_array();

	for (size_t i = 0; page && i < n; i++)
		page[i] = json_array_get(list, i);
	if (page)
		qsort(page, n, sizeof *page, by_faults);
	for (size_t i = 0; page && i < n && i < PAGES_SHOWN; i++) {
		json_object_set_new(page[i], "verdict", json_string(verdict(page[i])));
		json_array_append(out, page[i]);
	}
	free(page);
	return out;
}

static json_t *hot_total(const struct answers *answers)
{
	json_t *list = json_array(), *out, *page;
	size_t i;

	for (int n = 0; n < answers->count; n++)
		json_array_foreach(json_object_get(answers->list[n].json, "pages"), i, page)
			page_add(list, answers->list[n].rank, page);
	out = sorted(list);
	json_decref(list);
	return out;
}

/* ---------------------------------------------------------------------- showing -- */

/* Of the names that reach into a range the last that begins before its end. NULL: none. */
static const json_t *name_at(const struct answers *answers, uint64_t first, uint64_t end)
{
	const json_t *name, *best = NULL;
	uint64_t best_at = 0;
	size_t i;

	for (int n = 0; n < answers->count; n++)
		json_array_foreach(json_object_get(answers->list[n].json, "names"), i, name) {
			uint64_t at = (uint64_t)member_int(name, "address", 0);
			uint64_t bytes = (uint64_t)member_int(name, "bytes", 0);
			if (at >= end || at + (bytes ? bytes : 1) <= first || (best && at < best_at))
				continue;
			best = name;
			best_at = at;
		}
	return best;
}

static void print_name(const struct answers *answers, uint64_t first, uint64_t end)
{
	const json_t *name = name_at(answers, first, end);
	const uint64_t at = (uint64_t)member_int(name, "address", 0);

	if (name && at < first)
		printf(" (%s + %" PRIu64 ")", member_text(name, "name", "?"), first - at);
	else if (name)
		printf(" (%s)", member_text(name, "name", "?"));
}

/* The bytes of a page that belong to parts. */
static void print_parts(const struct answers *answers, const json_t *page, uint64_t parts)
{
	const uint64_t address = (uint64_t)member_int(page, "address", 0);
	const uint64_t each = (uint64_t)member_int(page, "bytes", 0) / PARTS;
	int runs = 0;

	for (unsigned i = 0; i < PARTS; i++) {
		const unsigned first = i;
		if (!(parts >> i & 1))
			continue;
		if (runs++ == RUNS_SHOWN) {
			printf(", ...");
			return;
		}
		while (i + 1 < PARTS && parts >> (i + 1) & 1)
			i++;
		printf("%s %" PRIu64 "-%" PRIu64, runs > 1 ? "," : "", first * each, (i + 1) * each - 1);
		print_name(answers, address + first * each, address + (i + 1) * each);
	}
}

static void print_page(const struct answers *answers, const json_t *page)
{
	const json_t *nodes = json_object_get(page, "nodes"), *node;
	size_t i;

	printf("page %" PRId64 " at %#" PRIx64 ": %" PRId64 " faults, %s\n",
	       (int64_t)member_int(page, "page", -1), (uint64_t)member_int(page, "address", 0),
	       (int64_t)member_int(page, "faults", 0), member_text(page, "verdict", "?"));
	json_array_foreach(nodes, i, node) {
		printf("  rank %d: %" PRId64 " reads, %" PRId64 " writes, at bytes",
		       (int)member_int(node, "rank", -1), (int64_t)member_int(node, "reads", 0),
		       (int64_t)member_int(node, "writes", 0));
		print_parts(answers, page, parts_of(node));
		putchar('\n');
	}
}

static void hot_show(const char *dir, const struct answers *answers)
{
	json_t *pages = hot_total(answers), *page;
	int falsely = 0;
	size_t i;

	show_head(dir, answers);
	if (answers->count && json_array_size(pages) == 0)
		printf("no page has faulted yet\n");
	json_array_foreach(pages, i, page) {
		print_page(answers, page);
		falsely |= !strcmp(member_text(page, "verdict", ""), "false sharing");
	}
	if (falsely)
		printf("False sharing: nodes take a page from each other for data that they do not "
		       "share.\nBlocks of dsm_alloc with an alignment of the page's size keep it "
		       "apart.\n");
	json_decref(pages);
}

static const struct show show = { .request = "hot", .print = hot_show, .total = hot_total };

const struct ctl_command ctl_hot = {
	.name = "hot",
	.args = "[JOB]",
	.help = "Shows the pages that fault most, by name, and which are shared falsely",
	.options = show_options,
	.run = show_run,
	.show = &show,
};
