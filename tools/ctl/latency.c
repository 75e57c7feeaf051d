/* SPDX-License-Identifier: BSD-2-Clause */
/* dsmctl stats --latency: how long the threads of a job's nodes have waited, and for what. */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "tools/ctl/latency.h"
#include "tools/ctl/table.h"

static const char *const heads[] = { "WAIT", "RANK", "COUNT", "P50", "P90", "P99", "MAX" };
#define HEADS ((int)(sizeof heads / sizeof heads[0]))

/* ------------------------------------------------------------------------- JSON -- */

static uint64_t count_of(const json_t *object, const char *key)
{
	json_int_t value = member_int(object, key, 0);

	return value < 0 ? 0 : (uint64_t)value;
}

void latency_read(const json_t *histogram, struct dsm_latency *out)
{
	const json_t *pair;
	size_t i;

	*out = (struct dsm_latency){ .count = count_of(histogram, "count"),
		                     .sum_ns = count_of(histogram, "sum_ns"),
		                     .max_ns = count_of(histogram, "max_ns") };
	json_array_foreach(json_object_get(histogram, "buckets"), i, pair) {
		json_int_t bound = json_integer_value(json_array_get(pair, 0));
		json_int_t count = json_integer_value(json_array_get(pair, 1));
		if (bound > 0 && count > 0)
			out->bucket[dsm_latency_bucket((uint64_t)bound)] += (uint64_t)count;
	}
}

static json_t *latency_write(const struct dsm_latency *h)
{
	json_t *list = json_array();

	for (unsigned k = 0; k < DSM_LATENCY_BUCKETS; k++)
		if (h->bucket[k])
			json_array_append_new(list, json_pack("[I, I]",
			                                      (json_int_t)dsm_latency_bound(k),
			                                      (json_int_t)h->bucket[k]));
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "count", (json_int_t)h->count,
	                 "sum_ns", (json_int_t)h->sum_ns, "p50_ns",
	                 (json_int_t)dsm_latency_quantile(h, 0.5), "p90_ns",
	                 (json_int_t)dsm_latency_quantile(h, 0.9), "p99_ns",
	                 (json_int_t)dsm_latency_quantile(h, 0.99), "max_ns", (json_int_t)h->max_ns,
	                 "buckets", list);
}

/* All nodes' waits of a kind. */
static struct dsm_latency total_of(const struct answers *answers, const char *kind)
{
	struct dsm_latency total = { 0 }, one;

	for (int i = 0; i < answers->count; i++) {
		latency_read(json_object_get(answers->list[i].json, kind), &one);
		dsm_latency_merge(&total, &one);
	}
	return total;
}

/* Every kind that any node knows. */
static json_t *latency_total(const struct answers *answers)
{
	json_t *total = json_object(), *value;
	struct dsm_latency h;
	const char *kind;

	for (int i = 0; i < answers->count; i++)
		json_object_foreach(answers->list[i].json, kind, value) {
			if (!json_is_object(value) || json_object_get(total, kind))
				continue;
			h = total_of(answers, kind);
			json_object_set_new(total, kind, latency_write(&h));
		}
	return total;
}

/* ------------------------------------------------------------------------ tables -- */

static void add_time(struct table *t, json_int_t ns)
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	double value = (double)ns;
	int unit = 0;

	while (value >= 1000 && unit < 3) {
		value /= 1000;
		unit++;
	}
	table_add(t, "%.*f %s", unit && value < 100 ? 1 : 0, value, units[unit]);
}

static void add_row(struct table *t, const char *kind, const char *rank, const json_t *h)
{
	static const char *const quantiles[] = { "p50_ns", "p90_ns", "p99_ns", "max_ns" };
	const json_int_t count = member_int(h, "count", 0);

	table_add(t, "%s", kind);
	table_add(t, "%s", rank);
	table_add(t, "%" PRId64, (int64_t)count);
	for (int i = 0; i < 4; i++)
		if (count)
			add_time(t, member_int(h, quantiles[i], 0));
		else
			table_add(t, "-");
}

static void latency_print(const char *dir, const struct answers *answers)
{
	json_t *total = latency_total(answers), *value;
	struct table *t = table_open(HEADS);
	char rank[16];
	const char *kind;

	show_head(dir, answers);
	if (!t || json_object_size(total) == 0)
		goto out;
	for (int i = 0; i < HEADS; i++)
		table_add(t, "%s", heads[i]);
	json_object_foreach(total, kind, value) {
		for (int i = 0; i < answers->count; i++) {
			if (!answers->list[i].json)
				continue;
			snprintf(rank, sizeof rank, "%d", answers->list[i].rank);
			add_row(t, kind, rank, json_object_get(answers->list[i].json, kind));
		}
		add_row(t, kind, "total", value);
	}
	table_left(t, 0);
	table_print(t);
out:
	table_close(t);
	json_decref(total);
}

const struct show latency_show = { .request = "latency", .print = latency_print,
	                           .total = latency_total };
