/* SPDX-License-Identifier: BSD-2-Clause */
/* Starting a trace in the nodes of a job, and fetching what they have recorded. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/ctl/ctl.h"
#include "tools/ctl/query.h"
#include "tools/ctl/trace.h"

#define CLOCK_ROUNDS 32
#define CLOCK_GOOD_NS 50000 /* near enough */
#define GRACE_S 60          /* after which a node ends by itself a trace that nobody has ended */
#define MEMBERS 10          /* of a record, in what the nodes tell */

static struct trace_node *node_of(const struct trace_job *job, int rank)
{
	for (int i = 0; i < job->count; i++)
		if (job->node[i].rank == rank)
			return &job->node[i];
	return NULL;
}

static void tell(const struct answer *a)
{
	ctl_error("rank %d%s %s", a->rank, a->refusal ? ":" : "", a->error);
}

/* Asks all nodes; 0, or CTL_FAILED when the reason has been told. */
static int ask(const char *dir, const struct trace_job *job, const char *verb, const char *rest,
               struct answers *out)
{
	char request[96];

	snprintf(request, sizeof request, "trace %s %" JSON_INTEGER_FORMAT "%s", verb, job->number,
	         rest);
	return query_job(dir, request, out);
}

/* ------------------------------------------------------------------------ clocks -- */

/* How far a node's clock is from ours, from when it was asked and when it has answered: the best
 * of several rounds. Where it may be none it is none: processes of a machine have one clock, but
 * for those in a time namespace. */
static void clock_note(struct trace_node *node, const struct answer *a)
{
	const int64_t there = member_int(a->json, "now_ns", 0);
	const int64_t error = (a->came_ns - a->asked_ns + 1) / 2;

	if (!a->json || (node->error_ns && error >= node->error_ns))
		return;
	node->error_ns = error;
	node->clock_ns = there - (a->asked_ns + error);
}

static int clocks_round(const char *dir, struct trace_job *job)
{
	struct answers answers;

	if (query_job(dir, "clock", &answers))
		return CTL_FAILED;
	for (int i = 0; i < answers.count; i++) {
		struct trace_node *node = node_of(job, answers.list[i].rank);
		if (node)
			clock_note(node, &answers.list[i]);
	}
	query_free(&answers);
	return 0;
}

static int clocks(const char *dir, struct trace_job *job)
{
	int good = 0;

	for (int round = 0; round < CLOCK_ROUNDS && good < job->count; round++) {
		if (clocks_round(dir, job))
			return CTL_FAILED;
		good = 0;
		for (int i = 0; i < job->count; i++)
			good += job->node[i].error_ns > 0 && job->node[i].error_ns < CLOCK_GOOD_NS;
	}
	for (int i = 0; i < job->count; i++)
		if (llabs(job->node[i].clock_ns) <= job->node[i].error_ns)
			job->node[i].clock_ns = 0;
	return 0;
}

/* ------------------------------------------------------------------------- start -- */

int trace_start(const char *dir, size_t records, double seconds, struct trace_job *job)
{
	struct answers answers;
	char rest[64];

	memset(job, 0, sizeof *job);
	job->number = (json_int_t)(query_now_ns() ^ (int64_t)getpid() << 40) & INT64_MAX;
	snprintf(rest, sizeof rest, " %zu %.0f", records, (seconds + GRACE_S) * 1000);
	if (ask(dir, job, "start", rest, &answers))
		return CTL_FAILED;
	job->node = calloc((size_t)answers.count + 1, sizeof *job->node);
	for (int i = 0; job->node && i < answers.count; i++) {
		struct trace_node *node = &job->node[job->count];

		if (!answers.list[i].json) {
			tell(&answers.list[i]);
			continue;
		}
		node->rank = answers.list[i].rank;
		node->began = json_incref(answers.list[i].json);
		job->count++;
	}
	if (answers.count == 0)
		ctl_error("no node has joined it yet");
	query_free(&answers);
	return job->count ? clocks(dir, job) : CTL_FAILED;
}

/* ------------------------------------------------------------------------- fetch -- */

static int64_t number(const json_t *row, size_t i)
{
	return json_integer_value(json_array_get(row, i));
}

static int take(struct trace_node *node, const json_t *row)
{
	struct record *r;

	if (json_array_size(row) != MEMBERS)
		return 0;
	if (node->count == node->room) {
		const size_t room = node->room ? 2 * node->room : 4096;
		struct record *list = realloc(node->list, room * sizeof *list);

		if (!list)
			return CTL_FAILED;
		node->list = list;
		node->room = room;
	}
	r = &node->list[node->count++];
	*r = (struct record){ .kind = (uint8_t)number(row, 0),
		              .at_ns = number(row, 1),
		              .page = number(row, 2),
		              .since_ns = number(row, 3),
		              .thread = (uint32_t)number(row, 4),
		              .peer = (uint16_t)number(row, 5),
		              .n = (uint16_t)number(row, 6),
		              .slot = (uint16_t)number(row, 7),
		              .type = (uint8_t)number(row, 8),
		              .more = (uint32_t)number(row, 9) };
	r->at_ns -= node->clock_ns;
	r->since_ns = r->since_ns ? r->since_ns - node->clock_ns : r->at_ns;
	return 0;
}

/* Returns how many rows came in all, or CTL_FAILED below 0. */
static int take_answers(struct trace_job *job, const struct answers *answers)
{
	int rows = 0;

	for (int i = 0; i < answers->count; i++) {
		const json_t *list = json_object_get(answers->list[i].json, "records"), *row;
		struct trace_node *node = node_of(job, answers->list[i].rank);
		size_t k;

		json_array_foreach(list, k, row) if (node && take(node, row)) return -CTL_FAILED;
		rows += (int)json_array_size(list);
	}
	return rows;
}

static int read_all(const char *dir, struct trace_job *job)
{
	int rows = 1;

	for (size_t index = 0; rows > 0;) {
		struct answers answers;
		char rest[32];

		snprintf(rest, sizeof rest, " %zu", index);
		if (ask(dir, job, "read", rest, &answers))
			return CTL_FAILED;
		rows = take_answers(job, &answers);
		query_free(&answers);
		for (int i = 0; i < job->count; i++)
			if (job->node[i].count > index)
				index = job->node[i].count;
	}
	if (rows < 0)
		ctl_error("out of memory");
	return rows < 0 ? CTL_FAILED : 0;
}

static int stop(const char *dir, struct trace_job *job)
{
	struct answers answers;

	if (ask(dir, job, "stop", "", &answers))
		return CTL_FAILED;
	for (int i = 0; i < answers.count; i++) {
		struct trace_node *node = node_of(job, answers.list[i].rank);

		if (!node)
			continue;
		if (!answers.list[i].json) {
			tell(&answers.list[i]);
			continue;
		}
		node->about = json_incref(answers.list[i].json);
		node->began_ns = member_int(node->about, "began_ns", 0) - node->clock_ns;
		node->ended_ns = member_int(node->about, "ended_ns", 0) - node->clock_ns;
	}
	query_free(&answers);
	for (int i = 0; i < job->count; i++)
		if (job->node[i].about)
			return 0;
	ctl_error("the job has ended, and what it had recorded with it");
	return CTL_FAILED;
}

int trace_fetch(const char *dir, struct trace_job *job)
{
	struct answers answers;
	int status = stop(dir, job);

	if (status == 0)
		status = read_all(dir, job);
	if (ask(dir, job, "end", "", &answers) == 0)
		query_free(&answers);
	return status;
}

void trace_free(struct trace_job *job)
{
	for (int i = 0; i < job->count; i++) {
		json_decref(job->node[i].began);
		json_decref(job->node[i].about);
		free(job->node[i].list);
	}
	free(job->node);
}
