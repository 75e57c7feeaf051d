/* SPDX-License-Identifier: BSD-2-Clause */
/* What the commands that show running jobs have in common. The options and run of one that shows
 * one thing are those below. */
#ifndef SHOW_H
#define SHOW_H

#include <stdbool.h>

#include "tools/ctl/ctl.h"
#include "tools/ctl/query.h"

struct show {
	const char *request; /* what the nodes are asked for */
	void (*print)(const char *dir, const struct answers *answers);
	json_t *(*total)(const struct answers *answers); /* for JSON; NULL: there is none */
	bool (*is_bad)(const json_t *node); /* an answer that is a failure; NULL: none is */
	/* A request that comes first, so many seconds before the other; NULL: there is none. The
	 * command has an option for the time, and show_options besides. */
	const char *before;
};

extern const struct ctl_option show_options[];
/* Parses options and arguments, then asks and shows. Returns the exit status. */
int show_run(const struct ctl_command *command, int argc, char **argv);

/* Asks and shows, once the options are parsed: the job in the arguments that are left, or all. The
 * seconds are those after show->before. */
int show_jobs(const struct ctl_command *command, const struct show *show, bool json, double seconds,
              int argc, char **argv);

/* The line that says which job it is, and one more if that has no nodes yet. */
void show_head(const char *dir, const struct answers *answers);

#endif
