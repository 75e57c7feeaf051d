/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every transport has to keep, run over one of them.
 */
#ifndef CONFORMANCE_H
#define CONFORMANCE_H

#include <CUnit/CUnit.h>

#include "tests/transport/world.h"

/* Runs the suite on worlds shaped like base (nodes is set by each test), and then those
 * of extra (NULL: none). Returns what main() should: 0, 1, or 77 when the provider is
 * not there. */
int conformance_main(const struct world_config *base, CU_TestInfo *extra);

/* Extra tests of transports over a network. */
extern CU_TestInfo conformance_breaks[];

/* For extra tests: the world's shape with this many nodes, and one run of it. */
struct world_config conformance_shape(uint16_t nodes);
void conformance_run(const struct world_config *config, const char *name, world_fn fn);

#endif
