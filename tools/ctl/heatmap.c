/* SPDX-License-Identifier: BSD-2-Clause */
/* dsmctl heatmap: the pages of a job's named blocks, coloured by faults, owner and sharing. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/ctl/ctl.h"
#include "tools/ctl/heatmap.h"
#include "tools/ctl/jobs.h"
#include "tools/ctl/query.h"

#define SECONDS_MAX 3600
#define VIEWS_MAX 1000
#define EVERY_MIN 0.05
#ifdef HAVE_PNG
#define FORMATS ".svg, .html or .png"
#else
#define FORMATS ".svg or .html"
#endif

static const struct ctl_option options[] = {
	{ 'o', "output", "FILE", "write to it, which ends in " FORMATS " (heatmap.svg)" },
	{ 't', "seconds", "SECONDS", "record for so long, or until interrupted" },
	{ 256, "every", "SECONDS", "a view every so often (a tenth of --seconds)" },
	CTL_OPTION_HELP,
	{ 0 },
};

typedef int (*draw_fn)(const struct heat *heat, FILE *file);

static draw_fn draw_for(const char *path)
{
	const char *dot = strrchr(path, '.');

	if (dot && strcmp(dot, ".svg") == 0)
		return heat_svg;
#ifdef HAVE_PNG
	if (dot && strcmp(dot, ".png") == 0)
		return heat_png;
#endif
	return dot && strcmp(dot, ".html") == 0 ? heat_html : NULL;
}

static int is_seconds(const char *text, double *out)
{
	char *end;

	*out = strtod(text, &end);
	return !*end && *out > 0 && *out <= SECONDS_MAX;
}

/* 0, or the exit status, plus one. */
static int parse(const struct ctl_command *command, int argc, char **argv, struct heat *heat,
                 const char **output)
{
	int c;

	while ((c = ctl_getopt(command, argc, argv)) != -1) {
		switch (c) {
		case 'o': *output = optarg; break;
		case 't':
		case 256:
			if (!is_seconds(optarg, c == 't' ? &heat->seconds : &heat->every))
				return 1 + ctl_usage(command,
				                     "not a number of seconds up to %d: %s",
				                     SECONDS_MAX, optarg);
			break;
		case 'h': ctl_help(command); return 1 + CTL_OK;
		default: return 1 + CTL_USAGE;
		}
	}
	if (heat->every > 0 && heat->seconds <= 0)
		return 1 + ctl_usage(command, "--every is for --seconds");
	if (heat->seconds > 0 && heat->every <= 0)
		heat->every = heat->seconds / 10;
	if (heat->seconds > 0 &&
	    (heat->every < EVERY_MIN || heat->seconds / heat->every > VIEWS_MAX))
		return 1 + ctl_usage(command, "%d views at most, and one every %g s", VIEWS_MAX,
		                     EVERY_MIN);
	if (!draw_for(*output))
		return 1 + ctl_usage(command, "does not end in " FORMATS ": %s", *output);
	return 0;
}

/* Until that time, by query_now_ns(); 1 when it was interrupted. */
static int wait_until(int64_t until_ns, const sigset_t *ends)
{
	int64_t left;

	while ((left = until_ns - query_now_ns()) > 0) {
		const struct timespec t = { .tv_sec = left / 1000000000,
			                    .tv_nsec = left % 1000000000 };

		if (sigtimedwait(ends, NULL, &t) > 0)
			return 1;
	}
	return 0;
}

/* Looks at the job, once or as often as is wanted. */
static int record(const char *dir, struct heat *heat)
{
	const int64_t begin = query_now_ns(), step = (int64_t)(heat->every * 1e9);
	const int64_t last = (int64_t)(heat->seconds * 1e9) + step / 2;
	int status = heat_look(dir, heat, 0), over = 0;
	sigset_t ends;

	if (status || heat->seconds <= 0)
		return status;
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	fprintf(stderr, "recording %s for %g s\n", job_name(dir), heat->seconds);
	for (int64_t at = step; status == 0 && !over && at <= last; at += step) {
		over = wait_until(begin + at, &ends); /* then it is the last look */
		status = heat_look(dir, heat, (double)(query_now_ns() - begin) / 1e9);
	}
	sigprocmask(SIG_UNBLOCK, &ends, NULL);
	heat_differences(heat);
	return status;
}

static int draw(const struct heat *heat, const char *path)
{
	FILE *file = fopen(path, "we");
	int error = file ? draw_for(path)(heat, file) : errno;

	if (file) {
		error = error ? error : ferror(file) ? EIO : 0;
		if (fclose(file) && !error)
			error = errno;
		if (!error)
			return 0;
	}
	ctl_error("%s: %s", path, strerror(error));
	return CTL_FAILED;
}

static int heatmap_run(const struct ctl_command *command, int argc, char **argv)
{
	const char *output = "heatmap.svg";
	struct heat heat = { 0 };
	char dir[BOOT_DIR_MAX + 1];
	int status = parse(command, argc, argv, &heat, &output);

	if (status)
		return status - 1;
	status = jobs_one_of_args(command, argc, argv, dir);
	if (status)
		return status;
	heat.job = job_name(dir);
	status = heat_blocks(dir, &heat);
	if (status == 0)
		status = record(dir, &heat);
	if (status == 0)
		status = draw(&heat, output);
	if (status == 0)
		printf("%s: %zu blocks, %zu cells, %zu views\n", output, heat.blocks, heat.cells,
		       heat.views);
	heat_free(&heat);
	return status;
}

const struct ctl_command ctl_heatmap = {
	.name = "heatmap",
	.args = "[JOB]",
	.help = "Draws the pages of named blocks by faults, owner and sharing",
	.options = options,
	.run = heatmap_run,
};
