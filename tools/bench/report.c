/* SPDX-License-Identifier: BSD-2-Clause */
/* The table on standard output, and the JSON file. */
#include "tools/bench/report.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/bench/machine.h"

/* Of dsm-bench apps: figures of a node, and of all. */
#define APPS "%-12s %9s %9s %7s %10s %10s %7s %10s %10s %7s  %-3s  %s\n"
#define ROW "%-27s %10s %10s %-12s %10s %7s  %-3s  %s\n"

struct report {
	const struct options *options;
	FILE *json;
	json_t *all;
	char shown[128]; /* the heading that was printed last */
	unsigned met, unmet;
};

struct report *report_open(const struct options *options)
{
	struct report *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	r->options = options;
	r->all = json_object();
	if (options->json) {
		r->json = fopen(options->json, "we");
		if (!r->json) {
			fprintf(stderr, "dsm-bench: %s: %s\n", options->json, strerror(errno));
			json_decref(r->all);
			free(r);
			return NULL;
		}
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	return r;
}

/* ---------------------------------------------------------------------- table -- */

static const char *text_of(const json_t *o, const char *key, const char *otherwise)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : otherwise;
}

/* Four digits, so that columns of very different numbers can be read. */
static const char *number_of(const json_t *value, char buf[16])
{
	double x = json_number_value(value);

	if (!value || json_is_null(value))
		return "-";
	if (x >= 1000)
		snprintf(buf, 16, "%.0f", x);
	else
		snprintf(buf, 16, "%.*f", x >= 100 ? 1 : x >= 10 ? 2 : 3, x);
	return buf;
}

/* The machine once; provider, nodes and so on whenever they change. */
static void show_heading(struct report *r, const json_t *o)
{
	char now[sizeof r->shown];

	if (!*r->shown) {
		printf("%s\n", text_of(o, "machine", ""));
		if (r->options->brief)
			printf("a short run: its figures mean nothing\n");
		if (machine_load() > machine_cores() / 4.)
			printf("the load average is %.2f: the machine is not idle, so do not trust "
			       "the figures\n",
			       machine_load());
	}
	snprintf(now, sizeof now, "%d nodes, provider %s, faults by %s, %d repetitions",
	         (int)json_integer_value(json_object_get(o, "nodes")), text_of(o, "provider", ""),
	         text_of(o, "faults", ""), (int)json_integer_value(json_object_get(o, "reps")));
	if (!strcmp(now, r->shown))
		return;
	strcpy(r->shown, now);
	printf("\n%s, load %.2f\n", now, json_number_value(json_object_get(o, "load")));
	if (r->options->apps)
		printf(APPS, "", "ms", "threads", "ratio", "faults", "least", "ratio", "moved",
		       "least", "ratio", "met", "target");
	else
		printf(ROW, "", "median", "p99", "unit", "floor", "ratio", "met", "target; floor");
}

static void show_extras(const json_t *o)
{
	const char *name;
	json_t *extra;
	char buf[16];

	json_object_foreach(json_object_get(o, "extra"), name, extra)
	{
		const json_t *value = json_object_get(extra, "value");

		printf("  %-25s %10s %10s %s\n", name, number_of(value, buf), "",
		       text_of(extra, "unit", ""));
	}
}

static const char *met_of(const json_t *o)
{
	const json_t *met = json_object_get(o, "met");

	return json_is_true(met) ? "yes" : json_is_false(met) ? "NO" : "";
}

/* A kernel: time, faults of a node, and pages moved, beside what they are compared with. */
static void show_app(const char *name, const json_t *o)
{
	static const char *const names[] = { "faults", "faults_least", "faults_ratio",
		                             "moved",  "moved_least",  "moved_ratio" };
	const json_t *extra = json_object_get(o, "extra");
	char ms[16], threads[16], ratio[16], buf[6][16];
	const char *text[6];

	for (int i = 0; i < 6; i++)
		text[i] = number_of(json_object_get(json_object_get(extra, names[i]), "value"),
		                    buf[i]);
	printf(APPS, name, number_of(json_object_get(o, "value"), ms),
	       number_of(json_object_get(o, "floor"), threads),
	       number_of(json_object_get(o, "ratio"), ratio), text[0], text[1], text[2], text[3],
	       text[4], text[5], met_of(o), text_of(o, "target", ""));
}

static void show(struct report *r, const char *name, const json_t *o)
{
	const char *missing = text_of(o, "missing", NULL), *floor = text_of(o, "floor_name", NULL);
	const char *target = text_of(o, "target", "");
	const json_t *met = json_object_get(o, "met");
	char value[16], p99[16], base[16], ratio[16], why[192];

	show_heading(r, o);
	if (missing) {
		printf("%-27s not available: %s\n", name, missing);
		return;
	}
	r->met += json_is_true(met);
	r->unmet += json_is_false(met);
	if (r->options->apps) {
		show_app(name, o);
		return;
	}
	snprintf(why, sizeof why, "%s%s%s", target, *target && floor ? "; " : "",
	         floor ? floor : "");
	printf(ROW, name, number_of(json_object_get(o, "value"), value),
	       number_of(json_object_get(o, "p99"), p99), text_of(o, "unit", ""),
	       number_of(json_object_get(o, "floor"), base),
	       number_of(json_object_get(o, "ratio"), ratio), met_of(o), why);
	show_extras(o);
}

void report_take(struct report *r, json_t *line)
{
	const char *name = json_string_value(json_object_get(line, "name"));
	json_t *o = json_object_get(line, "result");

	if (!name || !o)
		return;
	show(r, name, o);
	json_object_set(r->all, name, o);
}

int report_close(struct report *r)
{
	int status = 0;

	if (r->met + r->unmet && !r->options->brief)
		printf("\n%u of %u targets met, load %.2f\n", r->met, r->met + r->unmet,
		       machine_load());
	if (r->json) {
		status = json_dumpf(r->all, r->json, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
		status = fputc('\n', r->json) == EOF || status;
		status = fclose(r->json) || status;
		if (status)
			fprintf(stderr, "dsm-bench: %s cannot be written\n", r->options->json);
	}
	json_decref(r->all);
	free(r);
	return status ? BENCH_FAILED : 0;
}
