/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Joining and leaving a job: what a node was told, how the nodes meet and agree, and what is
 * made in which order. What can fail on one node is agreed on by all: each step ends in an
 * exchange that carries its outcome, so that all go on or all give up.
 *
 * One thread at a time is here, the one in dsm_init, dsm_fini or dsm_probe: node_become() sees
 * to it. Nothing is guarded by the node's lock, which nobody else takes before the end of the
 * start, and after the beginning of the end.
 */
#ifndef START_H
#define START_H

#include <stddef.h>

#include "dsm/start/settings.h"

struct dsm;
struct post_name;

/* A process is a node, or finds out whether it could be one, once at a time: 0, or
 * DSM_ERR_ACTIVE and a sentence. */
int node_become(void);
void node_cease(void);
/* What dsm_current() says: the node between start and end, or NULL. */
void node_set_current(struct dsm *d);

#endif
