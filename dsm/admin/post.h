/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The admin socket of a node that no dsmctl started: in a directory that the nodes of its
 * job on this machine share, made by the first of them and removed by the last.
 */
#ifndef POST_H
#define POST_H

#include "dsm/admin/socket.h"
#include "dsm/job/job.h"

/* What the nodes of a job name its directory after; the same on all. */
struct post_name {
	char label[16]; /* for people: rank 0's program; terminated */
	uint32_t id;    /* random */
};

/* A new one, for rank 0's node to give to the others. */
void post_name_new(struct post_name *out);

/* As admin_open, with the socket's directory put into dir. After a failure, whose codes are
 * also those of mkdir(2), dir is empty. */
int post_open(struct ev_loop *loop, const struct post_name *name, int rank, admin_answer_fn answer,
              void *ctx, struct admin **out, char dir[BOOT_DIR_MAX + 1]);

/* Removes dir, and the directory around it, unless others use them. After admin_close. */
void post_leave(const char *dir);

#endif
