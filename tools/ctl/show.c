/* SPDX-License-Identifier: BSD-2-Clause */
/* Showing running jobs: as tables, or as JSON. */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tools/ctl/jobs.h"
#include "tools/ctl/show.h"

#define BEFORE_S 1     /* between a first request and the other, unless told otherwise */
#define BEFORE_S_MAX 4 /* a node looks for no longer when nobody asks again */

static const char *const state_names[] = {
	[JOB_RUNNING] = "running", [JOB_STARTING] = "starting", [JOB_DEAD] = "dead",
};

const struct ctl_option show_options[] = {
	{ 'j', "json", NULL, "print JSON" },
	CTL_OPTION_HELP,
	{ 0 },
};

void show_head(const char *dir, const struct answers *answers)
{
	printf("job %s\n", job_name(dir));
	if (answers->count == 0)
		printf("no node has joined it yet\n");
}

/* A node that does not answer is worth a line on its own, and the exit status. */
static int errors_tell(const struct show *show, const struct answers *answers)
{
	int failed = 0;

	for (int i = 0; i < answers->count; i++)
		if (!answers->list[i].json) {
			ctl_error("rank %d%s %s", answers->list[i].rank,
			          answers->list[i].refusal ? ":" : "", answers->list[i].error);
			failed = CTL_FAILED;
		} else if (show->is_bad && show->is_bad(answers->list[i].json)) {
			failed = CTL_FAILED;
		}
	return failed;
}

static int tables(const struct show *show, const struct job_list *jobs)
{
	struct answers answers;
	int failed = 0;

	for (size_t i = 0; i < jobs->count; i++) {
		const struct job_entry *job = &jobs->jobs[i];

		if (i > 0)
			putchar('\n');
		if (job->state != JOB_RUNNING) {
			printf("job %s: %s%s\n", job_name(job->dir), state_names[job->state],
			       job->state == JOB_DEAD ? ", 'dsmctl clean' removes what it left" : "");
			continue;
		}
		if (query_job(job->dir, show->request, &answers)) {
			failed = CTL_FAILED;
			continue;
		}
		show->print(job->dir, &answers);
		fflush(stdout);
		failed |= errors_tell(show, &answers);
		query_free(&answers);
	}
	return failed;
}

static json_t *job_json(const struct show *show, const struct job_entry *job, int *failed)
{
	json_t *out = json_pack("{s:s,s:s,s:s,s:[]}", "job", job_name(job->dir), "directory",
	                        job->dir, "state", state_names[job->state], "nodes");
	struct answers answers;
	json_t *node;

	if (job->state != JOB_RUNNING || query_job(job->dir, show->request, &answers))
		return out;
	for (int i = 0; i < answers.count; i++) {
		node = json_pack("{s:i}", "rank", answers.list[i].rank);
		if (answers.list[i].json)
			json_object_update(node, answers.list[i].json);
		else
			json_object_set_new(node, "error", json_string(answers.list[i].error));
		json_array_append_new(json_object_get(out, "nodes"), node);
	}
	if (show->total)
		json_object_set_new(out, "total", show->total(&answers));
	*failed |= errors_tell(show, &answers);
	query_free(&answers);
	return out;
}

static int as_json(const struct show *show, const struct job_list *jobs)
{
	json_t *list = json_array(), *out = json_pack("{s:o}", "jobs", list);
	int failed = 0;

	for (size_t i = 0; i < jobs->count; i++)
		json_array_append_new(list, job_json(show, &jobs->jobs[i], &failed));
	json_dumpf(out, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(out);
	return failed;
}

/* Has the nodes look at what the request after it asks for, for so long. What is wrong with them
 * that one tells. */
static void look(const char *request, const struct job_list *jobs, double seconds)
{
	struct timespec t = { .tv_sec = (time_t)seconds };
	struct answers answers;
	int asked = 0;

	t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
	for (size_t i = 0; i < jobs->count; i++)
		if (jobs->jobs[i].state == JOB_RUNNING &&
		    query_job(jobs->jobs[i].dir, request, &answers) == 0) {
			asked += answers.count;
			query_free(&answers);
		}
	if (asked)
		nanosleep(&t, NULL);
}

int show_jobs(const struct ctl_command *command, const struct show *show, bool json, double seconds,
              int argc, char **argv)
{
	struct job_list jobs;
	int status = jobs_of_args(command, argc, argv, &jobs);

	if (status)
		return status;
	if (jobs.count == 0 && !json) {
		ctl_error("none of your jobs is running on this machine");
		return CTL_FAILED;
	}
	if (show->before && seconds > 0)
		look(show->before, &jobs, seconds);
	status = json ? as_json(show, &jobs) : tables(show, &jobs);
	if (json && jobs.count == 0)
		status = CTL_FAILED;
	jobs_free(&jobs);
	return status;
}

int show_run(const struct ctl_command *command, int argc, char **argv)
{
	double seconds = BEFORE_S;
	bool json = false;
	char *end;
	int c;

	while ((c = ctl_getopt(command, argc, argv)) != -1) {
		switch (c) {
		case 'j':
			json = true;
			break;
		case 't':
			seconds = strtod(optarg, &end);
			if (end == optarg || *end || !(seconds >= 0 && seconds <= BEFORE_S_MAX))
				return ctl_usage(command, "the time is '%s'; it must be 0 to %d seconds",
				                 optarg, BEFORE_S_MAX);
			break;
		case 'h':
			ctl_help(command);
			return CTL_OK;
		default:
			return CTL_USAGE;
		}
	}
	return show_jobs(command, command->show, json, seconds, argc, argv);
}
