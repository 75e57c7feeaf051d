/* SPDX-License-Identifier: BSD-2-Clause */
/* A member from within. Whoever is in a call of member.h has all of it to himself. */
#ifndef MEMBER_STATE_H
#define MEMBER_STATE_H

#include "dsm/boot/connects.h"
#include "dsm/boot/member.h"

struct member {
	struct link link;
	int epoll; /* holds link.fd, until the hub has left */
	int rank, size;
	bool left; /* the hub has, in good order; or it is lost, in a job that survives: */
	bool survives, lost;
	struct boot_msg msg; /* the last one received */
	struct connects connects; /* while it looks for the hub */
};

/* member_join.c: m->link becomes one to the hub, which has given us our seat. Codes as of
 * boot_open(). */
int member_join(struct member *m, const struct tcp_start *start, char *why, size_t why_len);

#endif
