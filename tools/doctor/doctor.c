/* SPDX-License-Identifier: BSD-2-Clause */
/* dsmctl doctor: what this machine can do for a job of this user, and what to change. */
#include "config.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "dsm/dsm.h"
#include "tools/ctl/ctl.h"
#include "tools/doctor/trial.h"

#define INDENT 20
#define WIDTH_DEFAULT 100
#define SECONDS_MAX 60

static const char *const state_name[] = {
	[DSM_PROBE_OK] = "ok", [DSM_PROBE_LESS] = "less", [DSM_PROBE_BAD] = "bad",
};

struct doctor {
	json_t *findings; /* NULL: print them as they come */
	int width;
	int found[DSM_PROBE_BAD + 1];
};

/* ---------------------------------------------------------------------- printing -- */

static int screen_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 2 * INDENT)
		return size.ws_col;
	return columns && atoi(columns) > 2 * INDENT ? atoi(columns) : WIDTH_DEFAULT;
}

/* Breaks a text between words; the first line goes on where the cursor is, at INDENT. */
static void print_wrapped(const char *text, int width)
{
	int column = INDENT, len;

	while (*text) {
		len = (int)strcspn(text, " ");
		if (column > INDENT && column + 1 + len > width) {
			printf("\n%*s", INDENT, "");
			column = INDENT;
		}
		column += printf("%s%.*s", column > INDENT ? " " : "", len, text);
		text += len;
		text += strspn(text, " ");
	}
	putchar('\n');
}

/* A line each, as it is: they have commands to copy. */
static void print_advice(const char *advice)
{
	while (*advice) {
		int len = (int)strcspn(advice, "\n");

		printf("%*s> %.*s\n", INDENT, "", len, advice);
		advice += len;
		advice += *advice == '\n';
	}
}

static json_t *advice_json(const char *advice)
{
	json_t *lines = json_array();

	while (*advice) {
		size_t len = strcspn(advice, "\n");

		json_array_append_new(lines, json_stringn(advice, len));
		advice += len;
		advice += *advice == '\n';
	}
	return lines;
}

static void on_finding(void *ctx, const struct dsm_finding *f)
{
	struct doctor *d = ctx;

	d->found[f->state]++;
	if (d->findings) {
		json_array_append_new(d->findings,
		                      json_pack("{s:s, s:s, s:s, s:o}", "name", f->name, "state",
		                                state_name[f->state], "text", f->text, "advice",
		                                advice_json(f->advice)));
		return;
	}
	printf("%-6s%-*s", state_name[f->state], INDENT - 6, f->name);
	print_wrapped(f->text, d->width);
	print_advice(f->advice);
	fflush(stdout);
}

/* ------------------------------------------------------------------------- looking -- */

static void look(struct doctor *d)
{
	struct dsm_finding bad = { .name = "settings", .state = DSM_PROBE_BAD, .advice = "" };
	struct trial *trial = trial_start(); /* before this process has to do with libfabric */
	int rc = dsm_probe(NULL, on_finding, d);

	if (rc && !d->found[DSM_PROBE_BAD]) {
		bad.text = *dsm_init_error() ? dsm_init_error() : dsm_strerror(rc);
		on_finding(d, &bad);
	}
	trial_finish(trial, on_finding, d);
}

static void conclude(const struct doctor *d)
{
	putchar('\n');
	if (d->found[DSM_PROBE_BAD])
		printf("No job can run here like this: see what is marked bad.\n");
	else if (d->found[DSM_PROBE_LESS])
		printf("Jobs can run here; what is marked less would help, or is not needed.\n");
	else
		printf("Jobs can run here, with all there is.\n");
}

static const struct ctl_option options[] = {
	{ 'j', "json", NULL, "print JSON" },
	CTL_OPTION_HELP,
	{ 0 },
};

/* Variables of a job, as opposed to settings. */
static const char *const of_jobs[] = { "DSM_JOB", "DSM_RANK", "DSM_SIZE", "DSM_RENDEZVOUS",
                                       "DSM_SECRET" };

static const struct ctl_command doctor = {
	.name = "doctor",
	.args = "",
	.help = "Tells what this machine can do for a job of yours with the DSM_ variables that\n"
	        "are set, and what to change. The status is 0 when a job can run",
	.options = options,
};

int main(int argc, char **argv)
{
	static char name[] = "dsmctl doctor"; /* getopt's messages begin with it */
	struct doctor d = { .width = screen_width() };
	int c, status, as_json = 0;

	argv[0] = name;
	while ((c = ctl_getopt(&doctor, argc, argv)) != -1) {
		switch (c) {
		case 'j':
			as_json = 1;
			break;
		case 'h':
			ctl_help(&doctor);
			return CTL_OK;
		default:
			return CTL_USAGE;
		}
	}
	if (argc > optind)
		return ctl_usage(&doctor, "no arguments, but there is '%s'", argv[optind]);
	d.findings = as_json ? json_array() : NULL;
	alarm(SECONDS_MAX); /* whatever hangs below; it ends with a signal */
	/* What it says is about this machine, not about a job that it might be a part of. */
	for (size_t i = 0; i < sizeof of_jobs / sizeof of_jobs[0]; i++)
		unsetenv(of_jobs[i]);
	look(&d);
	status = d.found[DSM_PROBE_BAD] ? CTL_FAILED : CTL_OK;
	if (d.findings) {
		json_t *all = json_pack("{s:s, s:b, s:o}", "version", PACKAGE_VERSION, "can_run",
		                        status == CTL_OK, "findings", d.findings);

		json_dumpf(all, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(all);
	} else {
		conclude(&d);
	}
	return status;
}
