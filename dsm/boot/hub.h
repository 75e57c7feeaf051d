/* SPDX-License-Identifier: BSD-2-Clause */
/* The hub's end of the bootstrap over TCP. All but hub_fd: one thread at a time. */
#ifndef HUB_H
#define HUB_H

#include "dsm/boot/tcp_start.h"

struct hub;

int hub_open(const struct tcp_start *start, struct hub **out);
/* Waits for all members: 0, or the code and the sentence that all of them get. */
int hub_join(struct hub *hub, int timeout_ms, char *why, size_t why_len);
int hub_round(struct hub *hub, uint32_t round, const void *mine, size_t len, void *all,
              size_t stride, uint32_t *lens, int timeout_ms, char *why, size_t why_len);
/* Takes what is there: 0, or why the job has ended. Does not block. */
int hub_look(struct hub *hub, char *why, size_t why_len);
/* From now on the loss of a member does not end the job. */
void hub_survive(struct hub *hub);
/* The next member that was lost since, or -1. */
int hub_lost_next(struct hub *hub);
void hub_fail(struct hub *hub, const char *why);
int hub_fd(const struct hub *hub);
/* Those of its connections, at most max: how many. */
int hub_descriptors(const struct hub *hub, int *fds, int max);
/* Our address as the first member sees it that is not on this machine; any member's
 * otherwise, "" without one. */
void hub_address(const struct hub *hub, char *text, size_t len);
/* orderly: says goodbye first. */
void hub_close(struct hub *hub, bool orderly);

#endif
