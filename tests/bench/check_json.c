/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_json FILE NAME...: the results that dsm-bench wrote hold what its manual promises,
 * for these tests and whatever else is there. A name with a minus in front is one that may
 * have no value here.
 */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *file, *test;
static int failures;

static void wrong(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", file, test, what);
	failures++;
}

static double number(const json_t *o, const char *key)
{
	const json_t *value = json_object_get(o, key);

	if (!json_is_number(value))
		wrong(key);
	return json_number_value(value);
}

static void text(const json_t *o, const char *key)
{
	const char *value = json_string_value(json_object_get(o, key));

	if (!value || !*value)
		wrong(key);
}

static void text_or_null(const json_t *o, const char *key)
{
	const json_t *value = json_object_get(o, key);

	if (!json_is_null(value) && !json_is_string(value))
		wrong(key);
}

static double extra(const json_t *o, const char *name)
{
	return number(json_object_get(json_object_get(o, "extra"), name), "value");
}

/* Of kernels: no page moves less than it has to. Where --short makes a kernel so small that one can
 * count, it is as often as that: 4 sweeps, and each node reads a page of each neighbour in each. */
static void check_counts(const json_t *o)
{
	const double nodes = number(o, "nodes");

	if (!(extra(o, "faults_least") > 0) || !(extra(o, "faults") > 0))
		wrong("no faults");
	if (!(extra(o, "moved_least") > 0) || extra(o, "moved") < extra(o, "moved_least"))
		wrong("less is moved than has to be");
	if (extra(o, "moved_ratio") < 1)
		wrong("moved_ratio");
	number(json_object_get(json_object_get(o, "extra"), "faults_ratio"), "value");
	if (!strcmp(test, "stencil") && nodes == 2 && extra(o, "moved_least") != 4 * 2)
		wrong("the least of 4 sweeps is not 8 pages");
	if (!strcmp(test, "stencil") && nodes == 2 && extra(o, "faults_least") != (16 + 8 + 6) / 2.)
		wrong("the least of 16 pages and 4 sweeps is not 15 faults a node");
}

static void check_figures(const json_t *o)
{
	double value = number(o, "value"), p99 = number(o, "p99"), floor;

	text(o, "unit");
	if (!(value >= 0) || !(p99 >= 0))
		wrong("a figure below 0");
	if (json_is_null(json_object_get(o, "floor"))) {
		if (!json_is_null(json_object_get(o, "ratio")))
			wrong("a ratio without a floor");
		return;
	}
	floor = number(o, "floor");
	text(o, "floor_name");
	if (!(value > 0) || !(floor > 0) ||
	    fabs(number(o, "ratio") - value / floor) > 0.01 * value / floor)
		wrong("ratio is not value / floor");
	if (json_is_string(json_object_get(o, "target")) !=
	    json_is_boolean(json_object_get(o, "met")))
		wrong("a target without a verdict");
}

static void check_one(const json_t *o, int may_miss)
{
	text_or_null(o, "floor_name");
	text_or_null(o, "target");
	if (number(o, "reps") < 1 || number(o, "nodes") < 2)
		wrong("reps or nodes");
	number(o, "load");
	text(o, "provider");
	text(o, "faults");
	text(o, "zone");
	text(o, "machine");
	if (json_object_get(json_object_get(o, "extra"), "moved"))
		check_counts(o);
	if (!json_object_get(o, "missing"))
		check_figures(o);
	else if (!may_miss)
		wrong("has no value");
	else if (!json_is_null(json_object_get(o, "value")))
		wrong("is missing, and has a value");
}

int main(int argc, char **argv)
{
	json_error_t error;
	json_t *all, *o;

	if (argc < 3)
		return 2;
	file = argv[1];
	all = json_load_file(file, 0, &error);
	if (!all) {
		fprintf(stderr, "%s:%d: %s\n", file, error.line, error.text);
		return 1;
	}
	printf("%s: %zu results\n", file, json_object_size(all));
	for (int i = 2; i < argc; i++) {
		int may_miss = *argv[i] == '-';

		test = argv[i] + may_miss;
		o = json_object_get(all, test);
		if (!o)
			wrong("is not there");
		else
			check_one(o, may_miss);
		json_object_del(all, test);
	}
	json_object_foreach(all, test, o)
	{
		check_one(o, strstr(test, "2m") || strstr(test, "pmd"));
	}
	json_decref(all);
	return failures != 0;
}
