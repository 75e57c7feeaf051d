/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables and sums of what nodes have counted, or of their rates. */
#ifndef COUNTS_H
#define COUNTS_H

#include <stdbool.h>

#include "tools/ctl/query.h"

/* Every number that any node has, with the sum over all. In the order of the nodes'. */
json_t *counts_total(const struct answers *answers);
/* A row for each node that has answered, and one for all; the columns that matter most, or all. */
void counts_table(const struct answers *answers, bool all);

#endif
