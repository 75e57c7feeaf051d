/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What dsmctl asks a node: a socket on the service thread's loop (socket.h), where it is
 * (post.h), and the answers (answers.h): status, statistics, the audit, the pages that fault
 * most. It reads the node's parts, and changes none of them.
 *
 * Answers are made by the service thread, under the node's lock.
 */
#ifndef ADMIN_H
#define ADMIN_H

#include "dsm/admin/post.h"

struct dsm;

/* Opens the socket on the node's loop, in its job's directory, or in one of its own named post
 * where the job has none. Without one such a job goes on all the same. Codes of admin_open(). */
int admin_start(struct dsm *d, const struct post_name *post);
void admin_stop(struct dsm *d); /* half-built is allowed; no service thread any more */
/* The directory that the socket is in, "" without one. */
const char *admin_dir(const struct dsm *d);

#endif
