/* SPDX-License-Identifier: BSD-2-Clause */
/* A member's end of the bootstrap over TCP. All but member_fd: one thread at a time. */
#ifndef MEMBER_H
#define MEMBER_H

#include "dsm/boot/tcp_start.h"

struct member;

int member_open(const struct tcp_start *start, struct member **out, char *why, size_t why_len);
int member_round(struct member *m, uint32_t round, const void *mine, size_t len, void *all,
                 size_t stride, uint32_t *lens, int timeout_ms, char *why, size_t why_len);
int member_look(struct member *m, char *why, size_t why_len);
/* From now on the loss of the hub does not end the job. */
void member_survive(struct member *m);
/* The hub was lost, which was not told yet. */
bool member_lost(struct member *m);
void member_fail(struct member *m, const char *why);
int member_fd(const struct member *m);
/* Those of its connection, at most max: how many. */
int member_descriptors(const struct member *m, int *fds, int max);
void member_address(const struct member *m, char *text, size_t len);
void member_close(struct member *m, bool orderly);

#endif
