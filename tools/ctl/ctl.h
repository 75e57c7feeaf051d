/* SPDX-License-Identifier: BSD-2-Clause */
/* dsmctl: what its commands have in common. */
#ifndef CTL_H
#define CTL_H

#include <stdbool.h>
#include <stddef.h>

/* Exit statuses of dsmctl itself. */
enum { CTL_OK = 0, CTL_FAILED = 1, CTL_USAGE = 2, CTL_SURVIVED = 123, CTL_TIME_OVER = 124,
       CTL_CANNOT_RUN = 126, CTL_NOT_FOUND = 127, CTL_SIGNAL = 128 /* + the signal's number */ };

/* One option of a command. A table of these ends with a zeroed one. */
struct ctl_option {
	int letter;       /* returned for it; above 255: it has the long form only */
	const char *name; /* long form */
	const char *arg;  /* what its argument is called, or NULL without one */
	const char *help;
};
#define CTL_OPTION_HELP { 'h', "help", NULL, "show this help" }

struct show;

struct ctl_command {
	const char *name;
	const char *args; /* shown after the options */
	const char *help; /* one line */
	const struct ctl_option *options;
	int (*run)(const struct ctl_command *command, int argc, char **argv);
	const struct show *show; /* of show.h, for show_run */
};

extern const struct ctl_command ctl_run, ctl_status, ctl_stats, ctl_audit, ctl_hot, ctl_top,
	ctl_metrics, ctl_trace, ctl_heatmap, ctl_checkpoint, ctl_kill, ctl_clean, ctl_doctor;

/* The next option's letter, as getopt_long(3) with optarg and optind; -1 at the end, '?'
 * after an error, which has been told. Options end at the first other argument. */
int ctl_getopt(const struct ctl_command *command, int argc, char **argv);
/* A number of seconds above 0, which may be a fraction. */
bool ctl_seconds(const char *text, double *seconds);
void ctl_help(const struct ctl_command *command);
/* Says what is wrong with the arguments, and where help is. Returns CTL_USAGE. */
int ctl_usage(const struct ctl_command *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* "dsmctl: ..." on standard error. */
void ctl_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
