/* SPDX-License-Identifier: BSD-2-Clause */
/* From a test's figures to what is told of it: ratio, and whether its target is met. */
#include "tools/bench/result.h"

#include <stdio.h>
#include <string.h>

#include "tools/bench/bench.h"
#include "tools/bench/machine.h"

void result_take(struct result *r, struct series *s, enum series_order order, const char *unit)
{
	r->unit = unit;
	series_summary(s, order, &r->value, &r->p99);
	series_close(s);
}

void result_floor(struct result *r, double floor, const char *name)
{
	r->floor = floor;
	r->floor_name = name;
}

void result_extra(struct result *r, const char *name, double value, const char *unit)
{
	if (r->n_extras == EXTRAS_MAX)
		bench_fail("too many figures");
	r->extra[r->n_extras++] = (struct extra){ name, unit, value };
}

void result_beside(struct result *r, const char *name, struct series *s, enum series_order order, const char *unit)
{
	double value, p99;

	series_summary(s, order, &value, &p99);
	series_close(s);
	result_extra(r, name, value, unit);
}

/* False when there is no such figure. */
static bool figure(const struct result *r, const char *name, double *out)
{
	if (!strcmp(name, "value")) {
		*out = r->value;
		return true;
	}
	if (!strcmp(name, "ratio")) {
		*out = r->floor > 0 ? r->value / r->floor : 0;
		return r->floor > 0;
	}
	for (unsigned i = 0; i < r->n_extras; i++)
		if (!strcmp(r->extra[i].name, name)) {
			*out = r->extra[i].value;
			return true;
		}
	return false;
}

/* Adds "target" and "met" to o; null where there is none, or no figure to compare. */
static void judge(const struct test *test, const struct result *r, json_t *o)
{
	const char *provider = dsm_provider(bench.dsm);
	bool met = true, known = !r->missing;
	char text[128] = "";
	size_t len = 0;
	double value;

	for (int i = 0; i < TARGETS_MAX && test->target[i].what; i++) {
		const struct target *t = &test->target[i];
		const bool most = t->sense == AT_MOST;

		if (t->provider && strcmp(t->provider, provider))
			continue;
		len += (size_t)snprintf(text + len, sizeof text - len, "%s%s %s %.10g",
		                        len ? ", " : "", t->what, most ? "<=" : ">=", t->bound);
		if (known && figure(r, t->what, &value))
			met = met && (most ? value <= t->bound : value >= t->bound);
		else
			known = false;
	}
	json_object_set_new(o, "target", len ? json_string(text) : json_null());
	json_object_set_new(o, "met", len && known ? json_boolean(met) : json_null());
}

static json_t *number_or_null(bool there, double value)
{
	return there ? json_real(value) : json_null();
}

static void add_extras(const struct result *r, json_t *o)
{
	json_t *all = json_object();

	for (unsigned i = 0; i < r->n_extras; i++)
		json_object_set_new(all, r->extra[i].name,
		                    json_pack("{s:f, s:s}", "value", r->extra[i].value, "unit",
		                              r->extra[i].unit));
	json_object_set_new(o, "extra", all);
}

static json_t *figures(const struct test *test, const struct result *r)
{
	const bool there = !r->missing, floor = r->floor > 0;
	json_t *o = json_object();
	char machine[256];

	machine_describe(machine, sizeof machine);
	json_object_set_new(o, "value", number_or_null(there, r->value));
	json_object_set_new(o, "unit", json_string(r->unit));
	json_object_set_new(o, "p99", number_or_null(there, r->p99));
	json_object_set_new(o, "floor", number_or_null(floor, r->floor));
	json_object_set_new(o, "floor_name", floor ? json_string(r->floor_name) : json_null());
	json_object_set_new(o, "ratio",
	                    number_or_null(there && floor, floor ? r->value / r->floor : 0));
	judge(test, r, o);
	json_object_set_new(o, "reps", json_integer(bench.options->reps));
	json_object_set_new(o, "nodes", json_integer(bench.size));
	json_object_set_new(o, "provider", json_string(dsm_provider(bench.dsm)));
	json_object_set_new(o, "faults", json_string(bench.options->faults));
	json_object_set_new(o, "zone",
	                    json_string(test->pmd || bench.options->pmd ? "pmd" : "pte"));
	json_object_set_new(o, "load", json_real(machine_load()));
	json_object_set_new(o, "machine", json_string(machine));
	if (r->missing)
		json_object_set_new(o, "missing", json_string(r->missing));
	add_extras(r, o);
	return o;
}

json_t *result_json(const struct test *test, const struct result *r)
{
	char name[64];

	/* Floors are measured again in every job; those of two nodes have the plain name. */
	if (test->is_floor && bench.size != test->nodes)
		snprintf(name, sizeof name, "%s_%d", test->name, bench.size);
	else
		snprintf(name, sizeof name, "%s", test->name);
	return json_pack("{s:s, s:b, s:o}", "name", name, "is_floor", test->is_floor, "result",
	                 figures(test, r));
}
