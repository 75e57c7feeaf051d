/* SPDX-License-Identifier: BSD-2-Clause */
/* dsmctl status: what the nodes of a job are, and what they wait for. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>

#include "tools/ctl/jobs.h"
#include "tools/ctl/show.h"
#include "tools/ctl/table.h"

static const char *bytes_text(json_int_t bytes, char text[32])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double value = (double)bytes;
	int unit = 0;

	if (bytes < 0)
		return "-";
	while (value >= 1024 && unit < 4) {
		value /= 1024;
		unit++;
	}
	snprintf(text, 32, value == (double)(long)value ? "%.0f %s" : "%.1f %s", value, units[unit]);
	return text;
}

static const char *seconds_text(double seconds, char text[32])
{
	if (seconds < 0)
		return "-";
	if (seconds < 60)
		snprintf(text, 32, "%.1f s", seconds);
	else if (seconds < 3600)
		snprintf(text, 32, "%d min %d s", (int)seconds / 60, (int)seconds % 60);
	else
		snprintf(text, 32, "%ld h %d min", (long)(seconds / 3600), (int)(seconds / 60) % 60);
	return text;
}

static void node_row(struct table *t, const struct answer *a)
{
	char bytes[32], seconds[32];
	json_int_t pid = member_int(a->json, "pid", -1);

	table_add(t, "%d", a->rank);
	table_add(t, pid < 0 ? "-" : "%" PRId64, (int64_t)pid);
	table_add(t, "%s", member_text(a->json, "version", "-"));
	table_add(t, "%s", member_text(a->json, "provider", "-"));
	table_add(t, "%s", member_text(a->json, "trap", "-"));
	table_add(t, "%s", member_text(a->json, "faults", "-"));
	table_add(t, "%s", bytes_text(member_int(a->json, "region_bytes", -1), bytes));
	table_add(t, "%s", seconds_text(member_real(a->json, "uptime_s", -1), seconds));
	table_add(t, "%zu", json_array_size(json_object_get(a->json, "waiting")));
}

static void nodes_table(const struct answers *answers)
{
	static const char *const heads[] = { "RANK", "PID", "VERSION", "PROVIDER", "TRAP", "FAULTS",
	                                     "REGION", "UP", "WAITING" };
	struct table *t = table_open(sizeof heads / sizeof heads[0]);

	if (!t)
		return;
	for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
		table_add(t, "%s", heads[i]);
	for (int column = 2; column <= 5; column++)
		table_left(t, column);
	for (int i = 0; i < answers->count; i++)
		if (answers->list[i].json)
			node_row(t, &answers->list[i]);
	table_print(t);
	table_close(t);
}

static void wait_line(int rank, const json_t *wait)
{
	const char *state = member_text(wait, "state", NULL);
	json_int_t page = member_int(wait, "page", -1), thread = member_int(wait, "thread", -1);
	double since_ms = member_real(wait, "since_ms", -1);

	printf("rank %d waits", rank);
	if (since_ms >= 0)
		printf(" %.*f s", since_ms < 10000 ? 3 : 0, since_ms / 1000);
	printf(": %s", member_text(wait, "what", "?"));
	if (page >= 0)
		printf(", page %" PRId64, (int64_t)page);
	if (state)
		printf(", state %s", state);
	if (thread >= 0)
		printf(", thread %" PRId64, (int64_t)thread);
	putchar('\n');
}

/* Of a job that goes on when nodes die: the last view that one of its nodes is in. */
static void view_line(const struct answers *answers)
{
	json_int_t number = 0, lost = 0;
	const json_t *living = NULL, *rank;
	size_t k;

	for (int i = 0; i < answers->count; i++) {
		const json_t *node = answers->list[i].json;

		lost += member_int(node, "lost_pages", 0);
		if (member_int(node, "view", 0) <= number)
			continue;
		number = member_int(node, "view", 0);
		living = json_object_get(node, "living");
	}
	if (!number)
		return;
	printf("view %" PRId64 ": %zu nodes live:", (int64_t)number, json_array_size(living));
	json_array_foreach(living, k, rank)
		printf(" %" PRId64, (int64_t)json_integer_value(rank));
	if (lost)
		printf("; they have found %" PRId64 " pages to be lost", (int64_t)lost);
	putchar('\n');
}

static void status_show(const char *dir, const struct answers *answers)
{
	json_int_t size = -1;
	const json_t *wait;
	size_t k;
	int up = 0;

	for (int i = 0; i < answers->count; i++)
		if (answers->list[i].json) {
			up++;
			size = member_int(answers->list[i].json, "size", size);
		}
	printf("job %s: ", job_name(dir));
	if (answers->count == 0) {
		printf("no node has joined it yet\n");
		return;
	}
	if (size >= 0)
		printf("%d of %" PRId64 " nodes answer\n", up, (int64_t)size);
	else
		printf("%d of %d nodes answer\n", up, answers->count);
	view_line(answers);
	if (up)
		nodes_table(answers);
	for (int i = 0; i < answers->count; i++) {
		json_array_foreach(json_object_get(answers->list[i].json, "waiting"), k, wait)
			wait_line(answers->list[i].rank, wait);
	}
}

static const struct show show = { .request = "status", .print = status_show };

const struct ctl_command ctl_status = {
	.name = "status",
	.args = "[JOB]",
	.help = "Shows your jobs on this machine, their nodes, and what these wait for",
	.options = show_options,
	.run = show_run,
	.show = &show,
};
