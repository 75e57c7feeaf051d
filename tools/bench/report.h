/* SPDX-License-Identifier: BSD-2-Clause */
/* What the user gets: a table that grows while tests run, and a JSON file at the end. */
#ifndef REPORT_H
#define REPORT_H

#include <jansson.h>

#include "tools/bench/options.h"

struct report;

/* Opens the file, if one is wanted, before anything is measured. NULL, after telling why,
 * when it cannot be written. */
struct report *report_open(const struct options *options);
/* Takes a result (result.h) and prints its row. */
void report_take(struct report *r, json_t *line);
/* Writes the file, and says how many targets are met. 0 or BENCH_FAILED. */
int report_close(struct report *r);

#endif
