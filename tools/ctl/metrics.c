/* SPDX-License-Identifier: BSD-2-Clause */
/* dsmctl metrics: what jobs have counted, for Prometheus and the like. */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/ctl/ctl.h"
#include "tools/ctl/jobs.h"
#include "tools/ctl/metrics.h"

enum { OPT_LISTEN = 256 };

static const struct ctl_option options[] = {
	{ OPT_LISTEN, "listen", "PLACE",
	  "serve them at http://PLACE/metrics, PLACE being HOST:PORT" },
	CTL_OPTION_HELP,
	{ 0 },
};

/* 1 when one that should answer does not. */
static int is_missing(const struct answers *answers)
{
	int missing = 0;

	for (int i = 0; i < answers->count; i++)
		if (!answers->list[i].json) {
			ctl_error("rank %d %s", answers->list[i].rank, answers->list[i].error);
			missing = 1;
		}
	return missing;
}

/* Returns how many of the jobs run and have answered, and puts them in out. */
static size_t ask_all(const struct job_list *list, struct metrics_job *out, int *failed)
{
	size_t n = 0;

	for (size_t i = 0; i < list->count; i++) {
		struct metrics_job *job = &out[n];
		if (list->jobs[i].state != JOB_RUNNING)
			continue;
		job->name = job_name(list->jobs[i].dir);
		*failed |= query_job(list->jobs[i].dir, "status", &job->status);
		*failed |= query_job(list->jobs[i].dir, "stats", &job->stats);
		*failed |= query_job(list->jobs[i].dir, "latency", &job->latency);
		*failed |= is_missing(&job->status);
		n++;
	}
	return n;
}

/* failed: what should have answered has not; it is told. NULL: no memory, or there is no such
 * job. */
static char *text_of(const char *which, size_t *bytes, int *failed)
{
	struct metrics_job *jobs;
	struct job_list list;
	char *text = NULL;
	size_t n;

	*failed = jobs_find(which, &list);
	if (*failed)
		return NULL;
	jobs = calloc(list.count + 1, sizeof *jobs);
	if (jobs) {
		n = ask_all(&list, jobs, failed);
		text = metrics_text(jobs, n, bytes);
		for (size_t i = 0; i < n; i++) {
			query_free(&jobs[i].status);
			query_free(&jobs[i].stats);
			query_free(&jobs[i].latency);
		}
	}
	free(jobs);
	jobs_free(&list);
	return text;
}

/* Whoever asks over HTTP sees by dsm_up which nodes do not answer. */
static char *make(const char *job, size_t *bytes)
{
	int failed;

	return text_of(job, bytes, &failed);
}

static int print(const char *job)
{
	size_t bytes;
	int failed;
	char *text = text_of(job, &bytes, &failed);

	if (!text) {
		if (!failed)
			ctl_error("out of memory");
		return CTL_FAILED;
	}
	if (fwrite(text, 1, bytes, stdout) != bytes || fflush(stdout))
		failed = CTL_FAILED;
	free(text);
	return failed;
}

static int run(const struct ctl_command *command, int argc, char **argv)
{
	const char *listen = NULL;
	int c;

	while ((c = ctl_getopt(command, argc, argv)) != -1) {
		switch (c) {
		case OPT_LISTEN: listen = optarg; break;
		case 'h': ctl_help(command); return CTL_OK;
		default: return CTL_USAGE;
		}
	}
	if (argc - optind > 1)
		return ctl_usage(command, "one job at most, but there is '%s' too",
		                 argv[optind + 1]);
	return listen ? metrics_listen(listen, argv[optind], make) : print(argv[optind]);
}

const struct ctl_command ctl_metrics = {
	.name = "metrics",
	.args = "[JOB]",
	.help = "Prints what your jobs have counted as OpenMetrics, or serves it over HTTP",
	.options = options,
	.run = run,
};
