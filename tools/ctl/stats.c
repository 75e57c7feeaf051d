/* SPDX-License-Identifier: BSD-2-Clause */
/* dsmctl stats: what the nodes of a job have counted. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>

#include "tools/ctl/show.h"
#include "tools/ctl/table.h"

/* Every counter that any node has, with the sum over all. In the order of the nodes'. */
static json_t *stats_total(const struct answers *answers)
{
	json_t *total = json_object(), *value;
	const char *key;

	for (int i = 0; i < answers->count; i++) {
		json_object_foreach(answers->list[i].json, key, value)
			if (json_is_integer(value))
				json_object_set_new(total, key,
				                    json_integer(json_integer_value(value) +
				                                 member_int(total, key, 0)));
	}
	return total;
}

static void row(struct table *t, const json_t *counts, const json_t *total)
{
	json_t *value, *own;
	const char *key;

	json_object_foreach((json_t *)total, key, value) {
		own = json_object_get(counts, key);
		if (json_is_integer(own))
			table_add(t, "%" PRId64, (int64_t)json_integer_value(own));
		else
			table_add(t, "-");
	}
}

static void stats_show(const char *dir, const struct answers *answers)
{
	json_t *total = stats_total(answers), *value;
	struct table *t = table_open((int)json_object_size(total) + 1);
	const char *key;

	show_head(dir, answers);
	if (!t || json_object_size(total) == 0)
		goto out;
	table_add(t, "RANK");
	json_object_foreach(total, key, value)
		table_add(t, "%s", key);
	for (int i = 0; i < answers->count; i++) {
		if (!answers->list[i].json)
			continue;
		table_add(t, "%d", answers->list[i].rank);
		row(t, answers->list[i].json, total);
	}
	table_add(t, "total");
	row(t, total, total);
	table_print(t);
out:
	table_close(t);
	json_decref(total);
}

static const struct show show = { .print = stats_show, .total = stats_total };

const struct ctl_command ctl_stats = {
	.name = "stats",
	.args = "[JOB]",
	.help = "Shows what the nodes of your jobs have counted",
	.options = show_options,
	.run = show_run,
	.show = &show,
};
