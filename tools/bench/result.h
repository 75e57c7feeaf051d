/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Results on their way from the node that measured to the file and the table: JSON objects
 *
 *	{ "name": ..., "is_floor": ..., "result": { "value": ..., "unit": ..., ... } }
 *
 * one in a line.
 */
#ifndef RESULT_H
#define RESULT_H

#include <jansson.h>

#include "tools/bench/tests.h"

/* The object for a result of this node. The caller's. */
json_t *result_json(const struct test *test, const struct result *r);

#endif
