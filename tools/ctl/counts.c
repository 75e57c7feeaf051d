/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables and sums of what nodes have counted, or of their rates. */
#include "config.h"

#include <inttypes.h>

#include "tools/ctl/counts.h"
#include "tools/ctl/figures.h"
#include "tools/ctl/table.h"

static json_t *sum(const json_t *a, const json_t *b)
{
	if (a && !json_is_integer(a))
		return json_real(json_number_value(a) + json_number_value(b));
	if (json_is_integer(b))
		return json_integer(json_integer_value(a) + json_integer_value(b));
	return json_real(json_number_value(a) + json_number_value(b));
}

json_t *counts_total(const struct answers *answers)
{
	json_t *total = json_object(), *value;
	const char *key;

	for (int i = 0; i < answers->count; i++) {
		json_object_foreach(answers->list[i].json, key, value)
			if (json_is_number(value))
				json_object_set_new(total, key,
				                    sum(json_object_get(total, key), value));
	}
	return total;
}

static void number(struct table *t, const json_t *value)
{
	const double real = json_number_value(value);

	if (json_is_integer(value))
		table_add(t, "%" PRId64, (int64_t)json_integer_value(value));
	else if (json_is_real(value))
		table_add(t, "%.*f", real < 100 && real > -100 ? 1 : 0, real);
	else
		table_add(t, "-");
}

/* The cells of a row, or without counts the columns' heads. */
static void row_all(struct table *t, const json_t *counts, const json_t *total)
{
	json_t *value;
	const char *key;

	json_object_foreach((json_t *)total, key, value)
		if (counts)
			number(t, json_object_get(counts, key));
		else
			table_add(t, "%s", key);
}

static void row_main(struct table *t, const json_t *counts)
{
	for (const struct figure *f = figures; f->name; f++)
		if (f->head && counts)
			number(t, json_object_get(counts, f->name));
		else if (f->head)
			table_add(t, "%s", f->head);
}

static void row(struct table *t, const json_t *counts, const json_t *total, bool all)
{
	if (all)
		row_all(t, counts, total);
	else
		row_main(t, counts);
}

static int columns_of(const json_t *total, bool all)
{
	int n = 1;

	if (all)
		return n + (int)json_object_size(total);
	for (const struct figure *f = figures; f->name; f++)
		n += !!f->head;
	return n;
}

void counts_table(const struct answers *answers, bool all)
{
	json_t *total = counts_total(answers);
	struct table *t = table_open(columns_of(total, all));

	if (!t || json_object_size(total) == 0)
		goto out;
	table_add(t, "RANK");
	row(t, NULL, total, all);
	for (int i = 0; i < answers->count; i++) {
		if (!answers->list[i].json)
			continue;
		table_add(t, "%d", answers->list[i].rank);
		row(t, answers->list[i].json, total, all);
	}
	table_add(t, "total");
	row(t, total, total, all);
	table_print(t);
out:
	table_close(t);
	json_decref(total);
}
