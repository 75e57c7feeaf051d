/* SPDX-License-Identifier: BSD-2-Clause */
/* What the scenarios of pages share: the cluster under test, and states to begin with. */
#ifndef SCENE_H
#define SCENE_H

#include "tests/coherence/cluster.h"

extern struct cluster *c;

void start(coh_node nodes, unsigned pages);           /* homes in turn, no tenure */
void start_with_tenure(coh_node nodes);               /* one page */
void start_one_block(coh_node nodes, unsigned pages); /* all at home 0 */
/* Runs to the end and fails unless all is quiet and nothing was found wrong. */
void finish(void);
/* Lets everything come to rest, without a transcript. */
void settle(void);
/* node writes (reads) the page; everything is at rest afterwards. */
void own(coh_node node, uint32_t page);
void share(coh_node node, uint32_t page);
unsigned state(coh_node node, uint32_t page); /* of the cache */

#define EXPECT(text) CU_ASSERT_TRUE_FATAL(cluster_expect(c, text))

#endif
