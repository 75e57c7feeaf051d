/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The admin socket of a node: <job directory>/node-<rank>.sock, mode 0600, for
 * processes of the same user only. A request is one line: "audit", "clock", "hot", "latency",
 * "stats", "status", "watch", or "checkpoint", "heat" or "trace" and more; the answer is one line of JSON, and
 * the connection closes.
 * Runs on the node's libev loop; never blocks it: a slow client is dropped.
 */
#ifndef SOCKET_H
#define SOCKET_H

#include <stddef.h>

struct ev_loop;
struct admin;

/* Answers a request: a JSON text in malloc'ed memory, or NULL (out of memory). Called
 * on the loop. Unknown requests get {"error": "..."}. */
typedef char *(*admin_answer_fn)(void *ctx, const char *request);

/* -EADDRINUSE, -EACCES, -ENAMETOOLONG ... ; out is set on success only. */
int admin_open(struct ev_loop *loop, const char *path, admin_answer_fn answer, void *ctx,
               struct admin **out);
/* Removes the socket. NULL is allowed. On the loop's thread, or once it has ended. */
void admin_close(struct admin *admin);

#endif
