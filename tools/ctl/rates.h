/* SPDX-License-Identifier: BSD-2-Clause */
/* dsmctl stats --every: what a job's nodes count a second, until it ends. */
#ifndef RATES_H
#define RATES_H

#include <stdbool.h>

#include "tools/ctl/ctl.h"

struct rates_options {
	double every_s;
	bool json, all; /* a line of JSON each time; all columns */
};

/* The job in the arguments that are left, or the one that runs. Returns the exit status. */
int rates_run(const struct ctl_command *command, const struct rates_options *o, int argc,
              char **argv);

#endif
