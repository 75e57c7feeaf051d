/* SPDX-License-Identifier: BSD-2-Clause */
/* What the nodes tell, and what it comes to a second. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/ctl/ctl.h"
#include "tools/ctl/hot_pages.h"
#include "tools/ctl/top.h"

#define PAGES_KEPT 200
#define MIB (1024. * 1024.)

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ------------------------------------------------------------------------ pages -- */

/* Sets a count of a page to what came since it was last told, and remembers it as it is. */
static void since(json_t *now, json_t *old, json_t *page, const char *key)
{
	char place[64];
	const json_int_t count = member_int(page, key, 0);

	snprintf(place, sizeof place, "%s %" JSON_INTEGER_FORMAT, key,
	         member_int(page, "page", -1));
	json_object_set_new(now, place, json_integer(count));
	json_object_set_new(page, key,
	                    json_integer(old ? count - member_int(old, place, 0) : 0));
}

/* Of a node: page after page its faults since it told before. Nothing is known of them the first
 * time. */
static void node_since(struct top *top, json_t *counts, struct answer *answer)
{
	json_t *now = json_object(), *pages = json_object_get(answer->json, "pages"), *page;
	char rank[16];
	size_t i;

	snprintf(rank, sizeof rank, "%d", answer->rank);
	json_array_foreach(pages, i, page) {
		since(now, json_object_get(top->counts, rank), page, "reads");
		since(now, json_object_get(top->counts, rank), page, "writes");
	}
	json_object_set_new(counts, rank, now);
}

static void ask_pages(struct top *top)
{
	json_t *counts = json_object();
	struct answers answers;
	const double at = now_s();

	if (query_job(top->dir, "watch", &answers) == 0)
		query_free(&answers);
	if (query_job(top->dir, "hot", &answers)) {
		json_decref(counts);
		return;
	}
	for (int i = 0; i < answers.count; i++)
		node_since(top, counts, &answers.list[i]);
	json_decref(top->pages);
	top->pages = hot_joined(&answers, PAGES_KEPT);
	top->pages_s = at - top->pages_at;
	top->pages_at = at;
	json_decref(top->counts);
	top->counts = counts;
	query_free(&answers);
}

/* -------------------------------------------------------------------------- all -- */

int top_ask(struct top *top)
{
	int answered = 0, rc;

	query_free(&top->before);
	top->before = top->stats;
	top->before_at = top->stats_at;
	query_free(&top->status);
	memset(&top->status, 0, sizeof top->status);
	query_free(&top->latency_before);
	top->latency_before = top->latency;
	memset(&top->latency, 0, sizeof top->latency);
	rc = query_job(top->dir, "stats", &top->stats);
	if (rc) {
		memset(&top->stats, 0, sizeof top->stats);
		return rc;
	}
	top->stats_at = now_s();
	rc = query_job(top->dir, "status", &top->status);
	if (rc) {
		memset(&top->status, 0, sizeof top->status);
		return rc;
	}
	/* A node that has no histograms says so. */
	if (query_job(top->dir, "latency", &top->latency))
		memset(&top->latency, 0, sizeof top->latency);
	ask_pages(top);
	for (int i = 0; i < top->stats.count; i++)
		answered += top->stats.list[i].json != NULL;
	return answered == 0;
}

void top_close(struct top *top)
{
	query_free(&top->stats);
	query_free(&top->before);
	query_free(&top->status);
	query_free(&top->latency);
	query_free(&top->latency_before);
	json_decref(top->counts);
	json_decref(top->pages);
}

/* ------------------------------------------------------------------------- rates -- */

static const json_t *answer_of(const struct answers *answers, int rank)
{
	for (int i = 0; i < answers->count; i++)
		if (answers->list[i].rank == rank)
			return answers->list[i].json;
	return NULL;
}

static double grown(const json_t *now, const json_t *before, const char *key)
{
	return (double)(member_int(now, key, 0) - member_int(before, key, 0));
}

/* What the counts of a node, or of all, came to. page_bytes: of a page that moves, in the mean. */
static void row_fill(struct top_row *row, const json_t *now, const json_t *before, double seconds,
                     double page_bytes)
{
	static const struct {
		enum top_column column;
		const char *key;
	} rates[] = {
		{ TOP_FAULTS, "faults" },      { TOP_READS, "read_misses" },
		{ TOP_WRITES, "write_misses" }, { TOP_UPGRADES, "upgrades" },
		{ TOP_IN, "pages_fetched" },   { TOP_OUT, "pages_written" },
	};
	const double faults = grown(now, before, "faults");
	const double budget = (double)member_int(now, "memory_budget", 0);

	for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
		row->value[rates[i].column] = grown(now, before, rates[i].key) / seconds;
	row->value[TOP_MIB_OUT] = grown(now, before, "bytes_sent") / MIB / seconds;
	/* What lands here is counted where it is written. */
	row->value[TOP_MIB_IN] = (grown(now, before, "bytes_received") +
	                          grown(now, before, "pages_fetched") * page_bytes) /
	                         MIB / seconds;
	row->value[TOP_MEAN] =
		faults > 0 ? grown(now, before, "fault_ns_total") / faults / 1000 : TOP_UNKNOWN;
	row->value[TOP_MEMORY] =
		budget > 0 ? (double)member_int(now, "memory_used", 0) * 100 / budget : TOP_UNKNOWN;
}

static double waiting(const struct top *top, int rank)
{
	return (double)json_array_size(json_object_get(answer_of(&top->status, rank), "waiting"));
}

/* The sums of all nodes that told both times. */
static void sum(const struct top *top, json_t *now, json_t *before)
{
	const char *key;
	json_t *value;

	for (int i = 0; i < top->stats.count; i++) {
		const json_t *n = top->stats.list[i].json;
		const json_t *b = answer_of(&top->before, top->stats.list[i].rank);
		if (!n || !b)
			continue;
		json_object_foreach((json_t *)n, key, value) {
			json_object_set_new(now, key, json_integer(member_int(now, key, 0) +
			                                           member_int(n, key, 0)));
			json_object_set_new(before, key,
			                    json_integer(member_int(before, key, 0) +
			                                 member_int(b, key, 0)));
		}
	}
}

static enum top_column sort_by; /* for qsort(3) */

static int in_order(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;

	if (sort_by != TOP_RANK && x->value[sort_by] < y->value[sort_by])
		return 1;
	if (sort_by != TOP_RANK && x->value[sort_by] > y->value[sort_by])
		return -1;
	return x->rank - y->rank;
}

int top_rows(const struct top *top, struct top_row rows[QUERY_NODES_MAX + 1])
{
	const double seconds = top->stats_at - top->before_at;
	json_t *now = json_object(), *before = json_object();
	double page_bytes, pages, waits = 0;
	int n = 0;

	sum(top, now, before);
	pages = grown(now, before, "pages_written");
	page_bytes = pages > 0 ? grown(now, before, "page_write_bytes") / pages : 0;
	for (int i = 0; i < top->stats.count; i++) {
		const struct answer *a = &top->stats.list[i];
		const json_t *b = answer_of(&top->before, a->rank);
		if (!a->json || !b)
			continue;
		rows[n].rank = a->rank;
		row_fill(&rows[n], a->json, b, seconds, page_bytes);
		top_latency(top, &rows[n]);
		rows[n].value[TOP_RANK] = a->rank;
		waits += rows[n].value[TOP_WAITING] = waiting(top, a->rank);
		n++;
	}
	sort_by = top->sort;
	qsort(rows, (size_t)n, sizeof *rows, in_order);
	rows[n].rank = -1;
	row_fill(&rows[n], now, before, seconds, page_bytes);
	top_latency(top, &rows[n]);
	rows[n].value[TOP_RANK] = TOP_UNKNOWN;
	rows[n].value[TOP_WAITING] = waits;
	json_decref(now);
	json_decref(before);
	return n + 1;
}
