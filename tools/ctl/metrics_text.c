/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OpenMetrics text, as of version 1.0.0: a family after the other, each with the samples of all
 * nodes of all jobs, which are told apart by the labels job and rank.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/ctl/figures.h"
#include "tools/ctl/latency.h"
#include "tools/ctl/metrics.h"

/* Bounds of the buckets that are told, powers of two of nanoseconds: 256 ns to 69 s. */
#define POWER_FIRST 8
#define POWER_LAST 36

struct text {
	FILE *out;
	const struct metrics_job *jobs;
	size_t count;
};

static void family(const struct text *t, const char *name, const char *type, const char *unit,
                   const char *help)
{
	fprintf(t->out, "# TYPE dsm_%s %s\n", name, type);
	if (unit)
		fprintf(t->out, "# UNIT dsm_%s %s\n", name, unit);
	fprintf(t->out, "# HELP dsm_%s %s.\n", name, help);
}

static void quoted(FILE *out, const char *text)
{
	putc('"', out);
	for (; *text; text++)
		if (*text == '\n')
			fputs("\\n", out);
		else if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else
			putc(*text, out);
	putc('"', out);
}

/* Up to where further labels, and then "} VALUE", go. */
static void sample(const struct text *t, const char *name, const char *suffix,
                   const struct metrics_job *job, int rank)
{
	fprintf(t->out, "dsm_%s%s{job=", name, suffix);
	quoted(t->out, job->name);
	fprintf(t->out, ",rank=\"%d\"", rank);
}

/* --------------------------------------------------------------------- counters -- */

static void value_of(FILE *out, const struct figure *f, json_int_t value)
{
	const uint64_t v = value < 0 ? 0 : (uint64_t)value;

	if (f->is_ns)
		fprintf(out, "} %" PRIu64 ".%09" PRIu64 "\n", v / 1000000000, v % 1000000000);
	else
		fprintf(out, "} %" PRIu64 "\n", v);
}

static void put_figure(const struct text *t, const struct figure *f)
{
	family(t, f->metric, f->is_level ? "gauge" : "counter", f->unit, f->help);
	for (size_t i = 0; i < t->count; i++) {
		const struct answers *stats = &t->jobs[i].stats;
		for (int k = 0; k < stats->count; k++) {
			const json_t *value = json_object_get(stats->list[k].json, f->name);
			if (!json_is_integer(value))
				continue;
			sample(t, f->metric, f->is_level ? "" : "_total", &t->jobs[i],
			       stats->list[k].rank);
			value_of(t->out, f, json_integer_value(value));
		}
	}
}

/* ------------------------------------------------------------------- histograms -- */

/* Cumulative, as the bucket of a power of two is the last of eight. */
static void put_buckets(const struct text *t, const char *name, const struct metrics_job *job,
                        int rank, const struct dsm_latency *h)
{
	uint64_t below = 0;
	unsigned k = 0;

	for (unsigned power = POWER_FIRST; power <= POWER_LAST; power++) {
		const uint64_t bound = UINT64_C(1) << power;
		while (k < DSM_LATENCY_BUCKETS && dsm_latency_bound(k) <= bound)
			below += h->bucket[k++];
		sample(t, name, "_bucket", job, rank);
		fprintf(t->out, ",le=\"%.15g\"} %" PRIu64 "\n", (double)bound / 1e9, below);
	}
	while (k < DSM_LATENCY_BUCKETS)
		below += h->bucket[k++];
	sample(t, name, "_bucket", job, rank);
	fprintf(t->out, ",le=\"+Inf\"} %" PRIu64 "\n", below);
	sample(t, name, "_count", job, rank);
	fprintf(t->out, "} %" PRIu64 "\n", below);
	sample(t, name, "_sum", job, rank);
	fprintf(t->out, "} %" PRIu64 ".%09" PRIu64 "\n", h->sum_ns / 1000000000,
	        h->sum_ns % 1000000000);
}

static void put_latency(const struct text *t, const char *kind)
{
	char name[64], help[100];

	snprintf(name, sizeof name, "%s_wait_seconds", kind);
	snprintf(help, sizeof help, "How long threads have waited: %s", kind);
	family(t, name, "histogram", "seconds", help);
	for (size_t i = 0; i < t->count; i++) {
		const struct answers *latency = &t->jobs[i].latency;
		for (int k = 0; k < latency->count; k++) {
			const json_t *o = json_object_get(latency->list[k].json, kind);
			struct dsm_latency h;
			if (!o)
				continue;
			latency_read(o, &h);
			put_buckets(t, name, &t->jobs[i], latency->list[k].rank, &h);
		}
	}
}

/* ------------------------------------------------------------------------ nodes -- */

static void put_info(const struct text *t)
{
	static const char *const labels[] = { "version", "provider", "trap", "faults" };

	family(t, "node", "info", NULL, "What a node is");
	for (size_t i = 0; i < t->count; i++)
		for (int k = 0; k < t->jobs[i].status.count; k++) {
			const struct answer *a = &t->jobs[i].status.list[k];
			if (!a->json)
				continue;
			sample(t, "node", "_info", &t->jobs[i], a->rank);
			for (int l = 0; l < 4; l++) {
				fprintf(t->out, ",%s=", labels[l]);
				quoted(t->out, member_text(a->json, labels[l], ""));
			}
			fputs("} 1\n", t->out);
		}
}

static double up(const struct answer *a)
{
	return a->json != NULL;
}

static double uptime(const struct answer *a)
{
	return member_real(a->json, "uptime_s", 0);
}

static double waiting(const struct answer *a)
{
	return (double)json_array_size(json_object_get(a->json, "waiting"));
}

/* Of nodes that have answered, or of all. */
static void put_gauge(const struct text *t, const char *name, const char *unit, const char *help,
                      double (*value)(const struct answer *a), bool all)
{
	family(t, name, "gauge", unit, help);
	for (size_t i = 0; i < t->count; i++)
		for (int k = 0; k < t->jobs[i].status.count; k++) {
			const struct answer *a = &t->jobs[i].status.list[k];
			if (!a->json && !all)
				continue;
			sample(t, name, "", &t->jobs[i], a->rank);
			fprintf(t->out, "} %.12g\n", value(a));
		}
}

char *metrics_text(const struct metrics_job *jobs, size_t count, size_t *bytes)
{
	struct text t = { .jobs = jobs, .count = count };
	char *text = NULL;

	t.out = open_memstream(&text, bytes);
	if (!t.out)
		return NULL;
	put_gauge(&t, "up", NULL, "Whether the node answers", up, true);
	put_info(&t);
	put_gauge(&t, "uptime_seconds", "seconds", "How long the node has been running", uptime,
	          false);
	put_gauge(&t, "waiting_threads", NULL, "Threads that wait for something", waiting, false);
	for (const struct figure *f = figures; f->name; f++)
		if (f->metric)
			put_figure(&t, f);
	for (int kind = 1; dsm_latency_name(kind); kind++)
		put_latency(&t, dsm_latency_name(kind));
	fputs("# EOF\n", t.out);
	if (fclose(t.out)) {
		free(text);
		return NULL;
	}
	return text;
}
