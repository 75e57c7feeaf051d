/* SPDX-License-Identifier: BSD-2-Clause */
/* What the commands that show running jobs have in common. */
#ifndef SHOW_H
#define SHOW_H

#include <stdbool.h>

#include "tools/ctl/ctl.h"
#include "tools/ctl/query.h"

struct show {
	const char *request; /* to the nodes */
	void (*print)(const char *dir, const struct answers *answers);
	json_t *(*total)(const struct answers *answers); /* for JSON; NULL: there is none */
	bool (*is_bad)(const json_t *node); /* an answer that is a failure; NULL: none is */
};

/* Parses options and arguments, then asks and shows. Returns the exit status. */
int show_run(const struct ctl_command *command, const struct show *show, int argc, char **argv);

#endif
