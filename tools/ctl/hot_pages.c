/* SPDX-License-Identifier: BSD-2-Clause */
/* What all nodes together tell of the pages that fault most. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "tools/ctl/hot_pages.h"

#define OFTEN 4 /* faults of a node below which it takes no part in a page */

uint64_t hot_parts(const json_t *node)
{
	return (uint64_t)member_int(node, "read_parts", 0) |
	       (uint64_t)member_int(node, "write_parts", 0);
}

static json_int_t faults_of(const json_t *node)
{
	return member_int(node, "reads", 0) + member_int(node, "writes", 0);
}

const json_t *hot_name_at(const struct answers *answers, uint64_t first, uint64_t end)
{
	const json_t *name, *best = NULL;
	uint64_t best_at = 0;
	size_t i;

	for (int n = 0; n < answers->count; n++)
		json_array_foreach(json_object_get(answers->list[n].json, "names"), i, name) {
			uint64_t at = (uint64_t)member_int(name, "address", 0);
			uint64_t bytes = (uint64_t)member_int(name, "bytes", 0);
			if (at >= end || at + (bytes ? bytes : 1) <= first ||
			    (best && at < best_at))
				continue;
			best = name;
			best_at = at;
		}
	return best;
}

/* ---------------------------------------------------------------------- merging -- */

static void add_int(json_t *object, const char *key, json_int_t more)
{
	json_object_set_new(object, key, json_integer(member_int(object, key, 0) + more));
}

static json_t *find(json_t *list, const char *key, json_int_t value)
{
	json_t *p;
	size_t i;

	json_array_foreach(list, i, p)
		if (member_int(p, key, -1) == value)
			return p;
	return NULL;
}

/* Notes what a node told of a page, in the list of all nodes' pages. */
static void page_add(json_t *list, const struct answer *answer, const json_t *told)
{
	static const char *const counts[] = { "reads", "writes", "read_parts", "write_parts" };
	const json_int_t number = member_int(told, "page", -1);
	json_t *p = find(list, "page", number), *node;

	if (!p) {
		p = json_pack("{s:I, s:I, s:I, s:I, s:[]}", "page", number, "address",
		              member_int(told, "address", 0), "bytes", member_int(told, "bytes", 0),
		              "faults", (json_int_t)0, "nodes");
		json_array_append_new(list, p);
	}
	node = json_pack("{s:i}", "rank", answer->rank);
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
		json_object_set_new(node, counts[i], json_integer(member_int(told, counts[i], 0)));
	json_object_set_new(node, "lines", hot_lines_of(answer, number));
	add_int(p, "faults", faults_of(node));
	json_array_append_new(json_object_get(p, "nodes"), node);
}

/* ---------------------------------------------------------------------- verdict -- */

/* The bytes that the lines seen on a node access. 0: not known, or too few were seen. */
static int bytes_of(const json_t *node, json_int_t *first, json_int_t *end)
{
	json_int_t seen = 0, width;
	json_t *line;
	size_t i;

	*first = INT64_MAX;
	*end = 0;
	json_array_foreach(json_object_get(node, "lines"), i, line) {
		seen += member_int(line, "seen", 0);
		width = member_int(line, "width", 1);
		if (member_int(line, "first", 0) < *first)
			*first = member_int(line, "first", 0);
		if (member_int(line, "last", 0) + width > *end)
			*end = member_int(line, "last", 0) + width;
	}
	return seen >= OFTEN;
}

/* Whether the lines seen on the nodes that fault often are all on bytes apart. */
static int lines_apart(const json_t *nodes)
{
	json_int_t first, end, other_first, other_end;
	json_t *node, *other;
	size_t i, k;

	json_array_foreach(nodes, i, node) {
		if (faults_of(node) < OFTEN)
			continue;
		if (!bytes_of(node, &first, &end))
			return 0;
		json_array_foreach(nodes, k, other)
			if (k < i && faults_of(other) >= OFTEN &&
			    bytes_of(other, &other_first, &other_end) && first < other_end &&
			    other_first < end)
				return 0;
	}
	return 1;
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
		both |= seen & hot_parts(node);
		seen |= hot_parts(node);
	}
	if (often < 2)
		return "one node";
	return both && !lines_apart(nodes) ? "shared" : "false sharing";
}

/* ---------------------------------------------------------------------- sorting -- */

static int by_faults(const void *a, const void *b)
{
	json_int_t x = member_int(*(json_t *const *)a, "faults", 0);
	json_int_t y = member_int(*(json_t *const *)b, "faults", 0);

	return (x < y) - (x > y);
}

static int by_page(const void *a, const void *b)
{
	json_int_t x = member_int(*(json_t *const *)a, "page", 0);
	json_int_t y = member_int(*(json_t *const *)b, "page", 0);

	return (x > y) - (x < y);
}

/* The first of a list in an order, at most so many, which becomes the caller's in its place. */
static json_t *sorted(json_t *list, int (*order)(const void *, const void *), size_t most)
{
	const size_t n = json_array_size(list);
	json_t **page = calloc(n + 1, sizeof *page), *out = json_array();

	for (size_t i = 0; page && i < n; i++)
		page[i] = json_array_get(list, i);
	if (page)
		qsort(page, n, sizeof *page, order);
	for (size_t i = 0; page && i < n && i < most; i++)
		json_array_append(out, page[i]);
	free(page);
	json_decref(list);
	return out;
}

static json_t *all_pages(const struct answers *answers)
{
	json_t *list = json_array(), *page;
	const json_t *name;
	size_t i;

	hot_resolve(answers);
	for (int n = 0; n < answers->count; n++)
		json_array_foreach(json_object_get(answers->list[n].json, "pages"), i, page)
			page_add(list, &answers->list[n], page);
	json_array_foreach(list, i, page) {
		const uint64_t at = (uint64_t)member_int(page, "address", 0);
		json_object_set_new(page, "verdict", json_string(verdict(page)));
		name = hot_name_at(answers, at, at + (uint64_t)member_int(page, "bytes", 0));
		if (name)
			json_object_set(page, "name", json_object_get(name, "name"));
	}
	return list;
}

json_t *hot_pages(const struct answers *answers, size_t most)
{
	return sorted(all_pages(answers), by_faults, most);
}

/* ---------------------------------------------------------------------- joining -- */

static int is_neighbour(const json_t *page, const json_t *next)
{
	const char *name = member_text(page, "name", NULL);

	return name && !strcmp(name, member_text(next, "name", "")) &&
	       member_int(page, "page", 0) + member_int(page, "count", 1) ==
		       member_int(next, "page", -1) &&
	       member_int(page, "bytes", 0) == member_int(next, "bytes", -1) &&
	       !strcmp(member_text(page, "verdict", ""), member_text(next, "verdict", "?"));
}

static void join(json_t *page, const json_t *next)
{
	json_t *nodes = json_object_get(page, "nodes"), *node, *same;
	size_t i;

	json_object_set_new(page, "count", json_integer(member_int(page, "count", 1) + 1));
	add_int(page, "faults", member_int(next, "faults", 0));
	json_array_foreach(json_object_get(next, "nodes"), i, node) {
		same = find(nodes, "rank", member_int(node, "rank", -2));
		if (!same) {
			json_array_append(nodes, node);
			continue;
		}
		add_int(same, "reads", member_int(node, "reads", 0));
		add_int(same, "writes", member_int(node, "writes", 0));
		hot_lines_join(json_object_get(same, "lines"), json_object_get(node, "lines"));
	}
}

json_t *hot_joined(const struct answers *answers, size_t most)
{
	json_t *pages = sorted(all_pages(answers), by_page, SIZE_MAX), *page, *last = NULL;
	json_t *joined = json_array(), *out = json_array();
	json_int_t faults = 0;
	size_t i;

	json_array_foreach(pages, i, page) {
		faults += member_int(page, "faults", 0);
		if (last && is_neighbour(last, page)) {
			join(last, page);
		} else {
			json_array_append(joined, page);
			last = page;
		}
	}
	json_decref(pages);
	joined = sorted(joined, by_faults, most);
	json_array_foreach(joined, i, page)
		if (member_int(page, "faults", 0) * 100 >= faults)
			json_array_append(out, page);
	json_decref(joined);
	return out;
}
