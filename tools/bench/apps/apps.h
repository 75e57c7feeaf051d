/* SPDX-License-Identifier: BSD-2-Clause */
/* dsm-bench apps: whole programs. */
#ifndef APPS_H
#define APPS_H

#include "tools/bench/apps/team.h"
#include "tools/bench/tests.h"

/* Collective. The kernel over threads and over nodes, in turns, and the least that it could take. */
void app_run(const struct kernel *kernel, struct result *out);

#endif
