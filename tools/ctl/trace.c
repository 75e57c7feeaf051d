/* SPDX-License-Identifier: BSD-2-Clause */
/* dsmctl trace: what the nodes of a job do for some time, on one time line. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/ctl/ctl.h"
#include "tools/ctl/jobs.h"
#include "tools/ctl/query.h"
#include "tools/ctl/trace.h"

#define EVENTS 262144 /* of a node, by default */
#define EVENTS_MIN 1024
#define EVENTS_MAX (1L << 26)
#define SECONDS_MAX 3600

static const struct ctl_option options[] = {
	{ 't', "seconds", "SECONDS", "for so long, or until interrupted (5)" },
	{ 'o', "output", "FILE", "write to it (trace.json)" },
	{ 'e', "events", "NUMBER", "keep so many of each node, the newest (262144)" },
	CTL_OPTION_HELP,
	{ 0 },
};

struct wanted {
	double seconds;
	const char *output;
	size_t records; /* a power of two */
};

/* 0, or the exit status, plus one. */
static int parse(const struct ctl_command *command, int argc, char **argv, struct wanted *out)
{
	char *end = "";
	long n;
	int c;

	while ((c = ctl_getopt(command, argc, argv)) != -1) {
		switch (c) {
		case 't':
			out->seconds = strtod(optarg, &end);
			if (*end || !(out->seconds > 0 && out->seconds <= SECONDS_MAX))
				return 1 + ctl_usage(command,
				                     "not a number of seconds up to %d: %s",
				                     SECONDS_MAX, optarg);
			break;
		case 'o': out->output = optarg; break;
		case 'e':
			n = strtol(optarg, &end, 10);
			if (*end || n < 1 || n > EVENTS_MAX)
				return 1 + ctl_usage(command,
				                     "not a number of events up to %ld: %s",
				                     EVENTS_MAX, optarg);
			for (out->records = EVENTS_MIN; out->records < (size_t)n;)
				out->records *= 2;
			break;
		case 'h': ctl_help(command); return 1 + CTL_OK;
		default: return 1 + CTL_USAGE;
		}
	}
	return 0;
}

/* SIGINT and SIGTERM, which are blocked, end it earlier. */
static void wait_for(double seconds, const sigset_t *ends)
{
	const int64_t until = query_now_ns() + (int64_t)(seconds * 1e9);
	int64_t left;

	while ((left = until - query_now_ns()) > 0) {
		const struct timespec t = { .tv_sec = left / 1000000000,
			                    .tv_nsec = left % 1000000000 };

		if (sigtimedwait(ends, NULL, &t) > 0 || errno != EINTR)
			return;
	}
}

/* What is missing, and what there is. */
static void sum_up(const struct trace_job *job, const struct events *events, const char *path)
{
	int64_t lost, written;
	size_t records = 0;

	for (int i = 0; i < job->count; i++) {
		lost = member_int(job->node[i].about, "overwritten", 0);
		written = member_int(job->node[i].about, "written", 0);
		records += job->node[i].count;
		if (lost)
			ctl_error("rank %d: of %" PRId64 " events the first %" PRId64
			          " were overwritten; --events keeps more",
			          job->node[i].rank, written, lost);
	}
	printf("%s: %zu events of %d nodes, %zu arrows\n", path, records, job->count,
	       events->flows);
}

static int trace_job(const char *dir, const struct wanted *wanted)
{
	struct events events = { 0 };
	struct trace_job job;
	sigset_t ends;
	int status = trace_start(dir, wanted->records, wanted->seconds, &job), error;

	if (status)
		goto out;
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	fprintf(stderr, "tracing %s for %g s\n", job_name(dir), wanted->seconds);
	wait_for(wanted->seconds, &ends);
	status = trace_fetch(dir, &job);
	sigprocmask(SIG_UNBLOCK, &ends, NULL);
	if (status)
		goto out;
	trace_events(&job, &events);
	trace_flows(&job, &events);
	error = events.failed ? ENOMEM : trace_write(wanted->output, job_name(dir), &job, &events);
	if (error) {
		ctl_error("%s: %s", wanted->output, strerror(error));
		status = CTL_FAILED;
	} else {
		sum_up(&job, &events, wanted->output);
	}
out:
	free(events.list);
	trace_free(&job);
	return status;
}

static int trace_run(const struct ctl_command *command, int argc, char **argv)
{
	struct wanted wanted = { .seconds = 5, .output = "trace.json", .records = EVENTS };
	int status = parse(command, argc, argv, &wanted);
	char dir[BOOT_DIR_MAX + 1];

	if (status)
		return status - 1;
	status = jobs_one_of_args(command, argc, argv, dir);
	return status ? status : trace_job(dir, &wanted);
}

const struct ctl_command ctl_trace = {
	.name = "trace",
	.args = "[JOB]",
	.help = "Records all that the nodes of a job do, for Perfetto",
	.options = options,
	.run = trace_run,
};
