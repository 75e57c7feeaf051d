/* SPDX-License-Identifier: BSD-2-Clause */
/* What dsmctl top shows, as lines of 80 columns; names may make them longer. */
#include "config.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tools/ctl/jobs.h"
#include "tools/ctl/top.h"

#define PAGES_BELOW 5 /* hottest pages below the nodes */
#define KINDS_MAX 8   /* kinds of waits that are told apart in one line */

static const struct {
	const char *head, *name;
	int width;
} columns[TOP_COLUMNS] = {
	[TOP_RANK] = { "RANK", "rank", 5 },        [TOP_FAULTS] = { "FAULT", "faults", 6 },
	[TOP_READS] = { "READ", "reads", 6 },      [TOP_WRITES] = { "WRITE", "writes", 6 },
	[TOP_UPGRADES] = { "UPGR", "upgrades", 6 }, [TOP_IN] = { "IN", "pages in", 6 },
	[TOP_OUT] = { "OUT", "pages out", 6 },     [TOP_MIB_IN] = { "MiBIN", "MiB in", 6 },
	[TOP_MIB_OUT] = { "MiBOUT", "MiB out", 7 }, [TOP_MEAN] = { "MEANus", "mean", 7 },
	[TOP_P50] = { "P50us", "p50", 7 },
	[TOP_P99] = { "P99us", "p99", 6 },         [TOP_WAITING] = { "WAIT", "waiting", 5 },
	[TOP_MEMORY] = { "MEM%", "memory", 5 },
};

const char *top_column_name(enum top_column column)
{
	return columns[column].name;
}

int top_shows(const struct top *top, enum top_column column)
{
	if (column == TOP_MEAN)
		return !top_has_latency(top);
	return column != TOP_P50 || top_has_latency(top);
}

static void add(struct top_text *out, int is_head, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void add(struct top_text *out, int is_head, const char *format, ...)
{
	va_list args;

	if (out->count == TOP_LINES)
		return;
	va_start(args, format);
	vsnprintf(out->line[out->count], TOP_WIDTH, format, args);
	va_end(args);
	out->is_head[out->count++] = is_head;
}

/* Behind what the last line has. */
static void more(struct top_text *out, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void more(struct top_text *out, const char *format, ...)
{
	char *line = out->line[out->count - 1];
	const size_t has = strlen(line);
	va_list args;

	va_start(args, format);
	vsnprintf(line + has, TOP_WIDTH - has, format, args);
	va_end(args);
}

/* In 5 places at most. */
static const char *number(double value, char text[16])
{
	if (value < 0)
		return "-";
	if (value < 9.95 && value > 0.05 && value != (double)(long)value)
		snprintf(text, 16, "%.1f", value);
	else if (value < 99999.5)
		snprintf(text, 16, "%.0f", value);
	else if (value < 9999.5e3)
		snprintf(text, 16, "%.0fk", value / 1e3);
	else if (value < 9999.5e6)
		snprintf(text, 16, "%.0fM", value / 1e6);
	else
		snprintf(text, 16, "%.0fG", value / 1e9);
	return text;
}

static const char *size(json_int_t bytes, char text[24])
{
	const double mib = (double)bytes / (1 << 20);

	snprintf(text, 24, mib < 1000 ? "%.1f MiB" : "%.2f GiB", mib < 1000 ? mib : mib / 1024);
	return text;
}

static void head(const struct top *top, struct top_text *out)
{
	static const char *const views[] = { "nodes", "pages", "waits" };
	json_int_t used = 0, budget = 0, nodes = 0;
	char used_text[24], budget_text[24];
	double up_s = 0;
	int up = 0;

	for (int i = 0; i < top->stats.count; i++) {
		up += top->stats.list[i].json != NULL;
		used += member_int(top->stats.list[i].json, "memory_used", 0);
		budget += member_int(top->stats.list[i].json, "memory_budget", 0);
	}
	for (int i = 0; i < top->status.count; i++) {
		nodes = member_int(top->status.list[i].json, "size", nodes);
		up_s = member_real(top->status.list[i].json, "uptime_s", up_s);
	}
	add(out, 0, "job %s: %d of %" PRId64 " nodes answer, up %.0f s, every %.1f s%s",
	    job_name(top->dir), up, (int64_t)nodes, up_s, top->every_s,
	    top->paused ? ", paused" : "");
	add(out, 0, "%s by %s; memory %s of %s", views[top->view],
	    top->view == TOP_PAGES   ? "faults"
	    : top->view == TOP_WAITS ? "node"
	                             : top_column_name(top->sort),
	    size(used, used_text), size(budget, budget_text));
}

/* ------------------------------------------------------------------------ waits -- */

static void wait_add(const struct top *top, struct top_text *out, const struct answer *a,
                     const json_t *wait)
{
	const json_int_t page = member_int(wait, "page", -1);
	const char *state = member_text(wait, "state", NULL);

	add(out, 0, "%5d  %9.3f  %8" PRId64 "  %s", a->rank,
	    member_real(wait, "since_ms", 0) / 1000, (int64_t)member_int(wait, "thread", 0),
	    member_text(wait, "what", "?"));
	if (page >= 0)
		more(out, ", page %" PRId64, (int64_t)page);
	if (state)
		more(out, ", state %s", state);
}

static void waits(const struct top *top, struct top_text *out)
{
	json_t *wait;
	size_t k;

	add(out, 1, "%5s  %9s  %8s  %s", "RANK", "SECONDS", "THREAD", "FOR");
	for (int i = 0; i < top->status.count; i++)
		json_array_foreach(json_object_get(top->status.list[i].json, "waiting"), k, wait)
			wait_add(top, out, &top->status.list[i], wait);
}

/* "waiting: 3 dsm_barrier, 1 read" */
static void waits_line(const struct top *top, struct top_text *out)
{
	const char *what[KINDS_MAX];
	int times[KINDS_MAX] = { 0 }, kinds = 0, kind;
	json_t *wait;
	size_t k;

	for (int i = 0; i < top->status.count; i++)
		json_array_foreach(json_object_get(top->status.list[i].json, "waiting"), k, wait) {
			const char *text = member_text(wait, "what", "?");
			for (kind = 0; kind < kinds && strcmp(what[kind], text); kind++)
				;
			if (kind == KINDS_MAX)
				continue;
			what[kind] = text;
			times[kind]++;
			kinds += kind == kinds;
		}
	add(out, 0, "waiting:");
	for (kind = 0; kind < kinds; kind++)
		more(out, "%s %d %s", kind ? "," : "", times[kind], what[kind]);
	if (!kinds)
		more(out, " nobody");
}

/* ------------------------------------------------------------------------ pages -- */

/* A word for a verdict of hot_pages.h. */
static const char *sharing(const json_t *page)
{
	const char *verdict = member_text(page, "verdict", "?");

	return !strcmp(verdict, "false sharing") ? "falsely" : verdict;
}

/* Where each node was seen to fault most. Without the function, where there is a line. */
static void code_of(const json_t *page, struct top_text *out)
{
	const json_t *nodes = json_object_get(page, "nodes"), *node, *line;
	size_t i;

	json_array_foreach(nodes, i, node) {
		const char *code;
		line = json_array_get(json_object_get(node, "lines"), 0);
		if (!line)
			continue;
		code = member_text(line, "code", "?");
		more(out, "%s %d %s %.*s", i ? "," : " ", (int)member_int(node, "rank", -1),
		     json_is_true(json_object_get(line, "write")) ? "w" : "r",
		     (int)strcspn(code, member_int(line, "line", 0) ? " " : ""), code);
	}
}

static void pages(const struct top *top, struct top_text *out, size_t most)
{
	const double seconds = top->pages_s > 0 ? top->pages_s : 1;
	json_t *page;
	char text[16];
	size_t i;

	add(out, 1, "%6s  %-8s  %-11s  %s", "FAULT", "SHARED", "PAGES",
	    "NAME  RANK READS OR WRITES WHERE");
	json_array_foreach(top->pages, i, page) {
		const json_int_t first = member_int(page, "page", 0), n = member_int(page, "count", 1);
		const double faults = (double)member_int(page, "faults", 0) / seconds;
		char range[48];
		if (i >= most || faults <= 0)
			break;
		snprintf(range, sizeof range, n > 1 ? "%" PRId64 "-%" PRId64 : "%" PRId64,
		         (int64_t)first, (int64_t)(first + n - 1));
		add(out, 0, "%6s  %-8s  %-11s  %s", number(faults, text), sharing(page), range,
		    member_text(page, "name", "-"));
		code_of(page, out);
	}
}

/* ------------------------------------------------------------------------ nodes -- */

static void row_add(const struct top *top, struct top_text *out, const struct top_row *row)
{
	char text[16];

	add(out, 0, "%*s", columns[TOP_RANK].width, row->rank < 0 ? "all" : "");
	if (row->rank >= 0)
		snprintf(out->line[out->count - 1], TOP_WIDTH, "%*d", columns[TOP_RANK].width,
		         row->rank);
	for (int c = TOP_RANK + 1; c < TOP_COLUMNS; c++)
		if (top_shows(top, (enum top_column)c))
			more(out, " %*s", columns[c].width - 1, number(row->value[c], text));
}

static void nodes(const struct top *top, struct top_text *out)
{
	struct top_row rows[QUERY_NODES_MAX + 1];
	const int n = top_rows(top, rows);

	add(out, 1, "%*s", columns[TOP_RANK].width, columns[TOP_RANK].head);
	for (int c = TOP_RANK + 1; c < TOP_COLUMNS; c++)
		if (top_shows(top, (enum top_column)c))
			more(out, " %*s", columns[c].width - 1, columns[c].head);
	for (int i = 0; i < n; i++)
		row_add(top, out, &rows[i]);
	add(out, 0, "%s", "");
	waits_line(top, out);
	pages(top, out, PAGES_BELOW);
}

void top_write(const struct top *top, struct top_text *out)
{
	out->count = 0;
	head(top, out);
	if (top->view == TOP_NODES)
		nodes(top, out);
	else if (top->view == TOP_PAGES)
		pages(top, out, TOP_LINES);
	else
		waits(top, out);
}
