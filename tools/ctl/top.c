/* SPDX-License-Identifier: BSD-2-Clause */
/* dsmctl top: what the nodes of a job do, live. */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/ctl/ctl.h"
#include "tools/ctl/jobs.h"
#include "tools/ctl/top.h"

#define EVERY_MAX 4 /* seconds: nodes look for no longer when nobody asks again */

static void pause_for(double seconds)
{
	struct timespec t = { .tv_sec = (time_t)seconds };

	t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
	nanosleep(&t, NULL);
}

/* So many times, or until the job ends. */
static int plain(struct top *top, long times)
{
	static struct top_text text;
	int rc = 0;

	for (long n = 0; times == 0 || n < times; n++) {
		if (n)
			pause_for(top->every_s);
		rc = n ? top_ask(top) : 0;
		if (rc)
			break;
		top_write(top, &text);
		for (int i = 0; i < text.count; i++)
			puts(text.line[i]);
		putchar('\n');
		fflush(stdout);
	}
	return rc == 1 ? CTL_OK : rc;
}

static int watch(struct top *top, int batch, long times)
{
	int rc = top_ask(top);

	if (rc == 1)
		ctl_error("no node of job %s answers", job_name(top->dir));
	if (rc)
		return CTL_FAILED;
	pause_for(top->every_s);
	rc = top_ask(top); /* to compare with */
	if (rc)
		return rc == 1 ? CTL_OK : rc; /* the job has ended */
	if (!batch && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)) {
		rc = top_screen(top);
		if (rc >= 0)
			return rc;
	}
	return plain(top, times);
}

/* The one job there is, or that was named. */
static int find_job(const struct ctl_command *command, int argc, char **argv, struct top *top)
{
	struct job_list jobs;
	const char *found = NULL;
	int rc = jobs_of_args(command, argc, argv, &jobs), running = 0;

	if (rc)
		return rc;
	for (size_t i = 0; i < jobs.count; i++)
		if (jobs.jobs[i].state == JOB_RUNNING) {
			found = jobs.jobs[i].dir;
			running++;
		}
	if (running == 1)
		memcpy(top->dir, found, sizeof top->dir);
	else if (running > 1)
		ctl_error("%d of your jobs are running: name one, 'dsmctl status' lists them",
		          running);
	else
		ctl_error("no such job is running on this machine");
	jobs_free(&jobs);
	return running == 1 ? 0 : CTL_FAILED;
}

static const struct ctl_option options[] = {
	{ 'b', "batch", NULL, "print lines, as where there is no terminal" },
	{ 'e', "every", "SECONDS", "look so often: 0.1 to 4 seconds; otherwise every second" },
	{ 'n', "count", "TIMES", "end after so many times, with --batch" },
	CTL_OPTION_HELP,
	{ 0 },
};

static int top_run(const struct ctl_command *command, int argc, char **argv)
{
	struct top top = { .every_s = 1, .sort = TOP_RANK };
	int c, batch = 0, rc;
	long times = 0;
	char *end;

	while ((c = ctl_getopt(command, argc, argv)) != -1) {
		switch (c) {
		case 'b': batch = 1; break;
		case 'e':
			top.every_s = strtod(optarg, &end);
			if (end == optarg || *end ||
			    !(top.every_s >= 0.1 && top.every_s <= EVERY_MAX))
				return ctl_usage(command,
				                 "the time is '%s'; it must be 0.1 to %d seconds",
				                 optarg, EVERY_MAX);
			break;
		case 'n':
			times = strtol(optarg, &end, 10);
			if (end == optarg || *end || times < 1)
				return ctl_usage(command, "'%s' is no number of times", optarg);
			break;
		case 'h': ctl_help(command); return CTL_OK;
		default: return CTL_USAGE;
		}
	}
	rc = find_job(command, argc, argv, &top);
	if (rc)
		return rc;
	rc = watch(&top, batch, times);
	top_close(&top);
	return rc;
}

const struct ctl_command ctl_top = {
	.name = "top",
	.args = "[JOB]",
	.help = "Shows live what the nodes of a job do: faults, pages, waits, memory",
	.options = options,
	.run = top_run,
};
