/* SPDX-License-Identifier: BSD-2-Clause */
/* dsmctl hot: the pages that the nodes of a job take from each other most, by name, by which
 * lines of the program, and whether they have to. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ctl/hot_pages.h"
#include "tools/ctl/show.h"

#define PAGES_SHOWN 20
#define RUNS_SHOWN 4
#define LINES_SHOWN 4

static json_t *hot_total(const struct answers *answers)
{
	return hot_pages(answers, PAGES_SHOWN);
}

static void print_name(const struct answers *answers, uint64_t first, uint64_t end)
{
	const json_t *name = hot_name_at(answers, first, end);
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
	const uint64_t each = (uint64_t)member_int(page, "bytes", 0) / HOT_PARTS;
	int runs = 0;

	printf(", at bytes");
	for (unsigned i = 0; i < HOT_PARTS; i++) {
		const unsigned first = i;
		if (!(parts >> i & 1))
			continue;
		if (runs++ == RUNS_SHOWN) {
			printf(", ...");
			return;
		}
		while (i + 1 < HOT_PARTS && parts >> (i + 1) & 1)
			i++;
		printf("%s %" PRIu64 "-%" PRIu64, runs > 1 ? "," : "", first * each,
		       (i + 1) * each - 1);
		print_name(answers, address + first * each, address + (i + 1) * each);
	}
}

/* "writes x.c:41 (function) bytes 0-7" */
static void print_line(const json_t *line)
{
	const json_int_t first = member_int(line, "first", 0), width = member_int(line, "width", 0);
	const json_int_t end = member_int(line, "last", 0) + width;

	printf("%s %s ", json_is_true(json_object_get(line, "write")) ? "writes" : "reads",
	       member_text(line, "code", "?"));
	if (width)
		printf("bytes %" PRId64 "-%" PRId64, (int64_t)first, (int64_t)end - 1);
	else if (end > first)
		printf("bytes %" PRId64 "-%" PRId64 " and on", (int64_t)first, (int64_t)end);
	else
		printf("bytes from %" PRId64, (int64_t)first);
}

static void print_lines(const json_t *node)
{
	const json_t *lines = json_object_get(node, "lines"), *line;
	size_t i;

	json_array_foreach(lines, i, line) {
		if (i == LINES_SHOWN) {
			printf("    ...\n");
			break;
		}
		printf("    ");
		print_line(line);
		printf(", %" PRId64 " times seen\n", (int64_t)member_int(line, "seen", 0));
	}
}

/* The line of a node that takes a page from others most; NULL: none was seen. */
static const json_t *taker(const json_t *node)
{
	const json_t *lines = json_object_get(node, "lines");
	json_t *line;
	size_t i;

	json_array_foreach(lines, i, line)
		if (json_is_true(json_object_get(line, "write")))
			return line;
	return json_array_get(lines, 0);
}

/* One sentence: which lines take the page from each other. */
static void print_falsely(const json_t *page)
{
	const char *name = member_text(page, "name", NULL);
	const json_t *nodes = json_object_get(page, "nodes"), *node, *line;
	int said = 0;
	size_t i;

	json_array_foreach(nodes, i, node) {
		line = taker(node);
		if (!line)
			continue;
		printf("%snode %d ", said++ ? ", " : "  ", (int)member_int(node, "rank", -1));
		print_line(line);
	}
	if (!said)
		return;
	printf(", same page");
	if (name)
		printf(" of block \"%s\"", name);
	putchar('\n');
}

static void print_page(const struct answers *answers, const json_t *page)
{
	const json_t *nodes = json_object_get(page, "nodes"), *node;
	const json_int_t number = member_int(page, "page", -1);
	const json_int_t count = member_int(page, "count", 1);
	const uint64_t at = (uint64_t)member_int(page, "address", 0);
	size_t i;

	if (count > 1) {
		printf("pages %" PRId64 "-%" PRId64 " at %#" PRIx64, (int64_t)number,
		       (int64_t)(number + count - 1), at);
		print_name(answers, at, at + (uint64_t)member_int(page, "bytes", 0));
	} else {
		printf("page %" PRId64 " at %#" PRIx64, (int64_t)number, at);
	}
	printf(": %" PRId64 " faults, %s\n", (int64_t)member_int(page, "faults", 0),
	       member_text(page, "verdict", "?"));
	json_array_foreach(nodes, i, node) {
		printf("  rank %d: %" PRId64 " reads, %" PRId64 " writes",
		       (int)member_int(node, "rank", -1), (int64_t)member_int(node, "reads", 0),
		       (int64_t)member_int(node, "writes", 0));
		if (count == 1)
			print_parts(answers, page, hot_parts(node));
		putchar('\n');
		print_lines(node);
	}
}

static void hot_show(const char *dir, const struct answers *answers)
{
	json_t *pages = hot_joined(answers, PAGES_SHOWN), *page;
	int falsely = 0;
	size_t i;

	show_head(dir, answers);
	if (answers->count && json_array_size(pages) == 0)
		printf("no page has faulted yet\n");
	json_array_foreach(pages, i, page) {
		print_page(answers, page);
		if (strcmp(member_text(page, "verdict", ""), "false sharing"))
			continue;
		print_falsely(page);
		falsely = 1;
	}
	if (falsely)
		printf("False sharing: nodes take a page from each other for data that they do not "
		       "share.\nBlocks of dsm_alloc with an alignment of the page's size keep it "
		       "apart.\n");
	json_decref(pages);
}

static const struct show show = {
	.request = "hot",
	.print = hot_show,
	.total = hot_total,
	.before = "watch",
};

static const struct ctl_option options[] = {
	{ 'j', "json", NULL, "print JSON" },
	{ 't', "time", "SECONDS", "look so long for lines of code; otherwise 1 second, 0: not at all" },
	CTL_OPTION_HELP,
	{ 0 },
};

const struct ctl_command ctl_hot = {
	.name = "hot",
	.args = "[JOB]",
	.help = "Shows the pages that fault most, by name, and which are shared falsely",
	.options = options,
	.run = show_run,
	.show = &show,
};
