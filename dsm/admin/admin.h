/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What dsmctl asks a node: a socket on the service thread's loop (socket.h), where it is
 * (post.h), and the answers (answers.h): status, statistics, how long threads waited, the
 * audit, the pages that fault most. It reads the node's parts, and changes none of them.
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
/* Half-built is allowed; no service thread any more. left: what admin_leave() has to know. */
void admin_stop(struct dsm *d, char left[BOOT_DIR_MAX + 1]);
/* Removes the directory that was the node's own, unless others are in it. Once the boot is closed: then
 * those that have died are gone, and not just about to, and their sockets can be told from others. */
void admin_leave(const char *left);
/* The directory that the socket is in, "" without one. */
const char *admin_dir(const struct dsm *d);

#endif
