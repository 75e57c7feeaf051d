/* SPDX-License-Identifier: BSD-2-Clause */
/* The steps of a start. All return 0, or a code of dsm_init and a sentence for it. */
#ifndef STEPS_H
#define STEPS_H

#include <stddef.h>

#include "dsm/admin/admin.h"
#include "dsm/node/node.h"
#include "dsm/start/start.h"

/* --- boot.c --- */
/* Connects to the job: d->boot. */
int start_open_boot(struct dsm *d);

/* --- agree.c: what all nodes settle while they start --- */
/* Gives len bytes to all, and gets theirs. all: that many bytes for each node. */
int node_exchange(struct dsm *d, const void *mine, size_t len, void *all);
/* All nodes tell their outcome of a step. Returns mine, or DSM_ERR_BOOT when it was
 * another's that failed. */
int node_agree(struct dsm *d, int mine);
/* Both at once. mine, and so each of all, begins with the outcome, an int32_t. */
int node_agree_with(struct dsm *d, const void *mine, size_t len, void *all);

/* --- meet.c --- */
/* Tells all nodes about this one, and how its preparations went (status), and learns about
 * them: the transport is connected then, and d->memory.budgets is set. post: rank 0's. */
int node_meet(struct dsm *d, int status, struct post_name *post);

/* --- place.c --- */
/* Makes the region, at the same address on all nodes; without huge pages, if it may be, where
 * a node lacks them. */
int node_place_region(struct dsm *d);

/* --- restore.c: with DSM_RESTORE, else they are not called, or do nothing --- */
/* Reads what the checkpoint says, into d->restored, and fits the settings to it. */
int restore_open(struct dsm *d);
/* Reserves its window's addresses, and says who has them where they are taken. Not without
 * d->restored. */
int restore_address(struct dsm *d, size_t len, void **at);
/* Blocks, names and mutexes, on all nodes before any goes on. */
int restore_all(struct dsm *d);
/* Gives a code of ours for one of the system's, with the sentence. */
int restore_refuse(const struct dsm *d, int rc, const char *why);

/* --- restore_pages.c --- */
/* Pages of this home that the checkpoint has are away (dsm/node/away.h) from now on; threads of its
 * own read them when they are asked for. */
int restore_pages(struct dsm *d);
/* These threads end, whatever was asked for. Before the node's parts go; zeroed is allowed. */
void restore_pages_end(struct dsm *d);

/* --- limits.c: 0, or DSM_ERR_LIMIT and a sentence --- */
/* Window and alias each take the region's size in addresses. */
int limits_of_space(const struct dsm *d);
/* The kernel ends a process that makes a file larger than it may, by SIGXFSZ: so it is looked
 * before. That of provider shm has 16 MiB and more. */
#define LIMITS_PROVIDER_FILE (64 << 20)
int limits_of_files(const struct dsm *d);
/* Where what is registered is pinned, that may become the whole region, or all that the
 * budget allows. Told at the start, for later it would end the job. */
int limits_of_pinning(const struct dsm *d);
/* A node takes descriptors, in two steps: some of its own, told before the transport is opened, and
 * those of its connections, which depend on the provider. Raises the soft limit where it may. */
int limits_of_descriptors(const struct dsm *d);
/* A start that failed with this code: names the limits that there are, where memory is lacking, and
 * that of descriptors where none is left. */
void limits_explain(int code);

/* --- provider.c --- */
/* Opens the transport, on all nodes with the same provider. status: this node's outcome so
 * far, which is agreed on, too. */
int provider_agree(struct dsm *d, int status);

/* --- reach.c --- */
/* Waits until all nodes have been reached; the service thread runs, on all of them. */
int start_reach(struct dsm *d);

/* --- survive.c: where nodes may die --- */
/* From now on the loss of a node is not the end; all nodes together. DSM_ERR_BOOT. */
int start_survive(struct dsm *d);
/* Nothing is told of nodes any more. */
void start_survive_end(struct dsm *d);
/* As start_part(), of those who live. */
int start_part_survive(struct dsm *d);

/* --- part.c --- */
/* Waits until what this node has sent has left it. */
int start_drain(struct dsm *d);
/* Waits until nobody needs this node any more. As node_agree(), or DSM_ERR_LOST. */
int start_part(struct dsm *d);

/* --- core.c --- */
/* Once, before the rest: the region gets room for what two nodes hold, where others go on when one dies. */
int start_keep2(struct dsm *d);
/* The core's configuration for a region of this shape. */
int start_configure_core(struct dsm *d);
/* The core itself, and frames. */
int start_make_core(struct dsm *d);

#endif
