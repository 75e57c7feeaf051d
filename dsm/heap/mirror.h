/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who serves, and who follows. In a job that goes on when nodes die the lowest rank that lives serves,
 * and tells each change to its deputy, the next rank that lives. No answer leaves before the deputy
 * has what it tells of: so when who serves dies, the deputy knows all that anybody has been told, and
 * whoever has not been told asks again, by the number of the request.
 *
 *	  FOLLOWS ---- COPY of who serves -----> COPYING ---- COPIED ----> WHOLE
 *	     |                                      |                         |
 *	     +---- all below are dead: GONE <-------+      all below are dead: SERVES, and copies to
 *	                                                   the next deputy before anything is answered
 *
 * When who serves dies with its deputy, or before a new one has all of it, nobody knows any more which
 * memory is whose: that is GONE, and all requests are answered with DSM_ERR_LOST_DATA. In other jobs
 * rank 0 serves, and there is no deputy, nor any message of these.
 *
 * Pure but for malloc, and for what struct mirror_out does. One thread at a time. Messages from one
 * node to another must come in their order.
 */
#ifndef MIRROR_H
#define MIRROR_H

#include "dsm/heap/served.h"

#define MIRROR_NOBODY UINT16_MAX
#define MIRROR_WINDOW 1024 /* changes that the deputy has not acknowledged; more wait */

struct mirror_out {
	void (*send)(void *ctx, uint16_t to, const struct served_change *change);
	/* So many changes of that node have come here, from the beginning. */
	void (*ack)(void *ctx, uint16_t to, uint64_t taken);
	void (*answer)(void *ctx, const struct names_waiter *to, int status, const uint64_t arg[3]);
	/* There is no memory for an answer: this node cannot go on. */
	void (*fail)(void *ctx);
};

/* An answer that waits until the deputy has so many changes. */
struct mirror_held {
	uint64_t after;
	struct names_waiter to;
	int status;
	uint64_t arg[3];
};

struct mirror {
	uint16_t self, deputy; /* deputy: of who serves */
	uint8_t serves, whole, copying;
	struct served served;
	/* who serves: */
	uint64_t sent, acked;
	struct served_cursor copied;
	struct mirror_held *held; /* a ring, the oldest first */
	size_t cap, head, len;
	/* who follows: */
	uint16_t source; /* whom */
	uint64_t taken, told;
	const struct mirror_out *out;
	void *ctx;
};

/* out, ctx and the places of served's zones are set. served gets this mirror for its ctx, and an out of
 * which answer and changed are these here. So many nodes live, and nobody has died. -ENOMEM */
int mirror_open(struct mirror *m, uint16_t self, unsigned nodes, int survives,
                const struct served_out *served);
void mirror_on_answer(void *mirror, const struct names_waiter *to, int status,
                      const uint64_t arg[3]);
void mirror_on_change(void *mirror, const struct served_change *change);
void mirror_close(struct mirror *m); /* half-built and zeroed are allowed */

/* --- who serves --- */
/* A request. -EAGAIN: not now, but when a message has come, a view has begun, or mirror_go_on() is
 * through. */
int mirror_ask(struct mirror *m, const struct names_waiter *who, const struct coh_svc *svc);
/* The deputy has so many. Takes no memory. */
void mirror_acked(struct mirror *m, uint16_t from, uint64_t taken);
/* More of a copy to the deputy, some changes at a time: 1, if it could go on at once. */
int mirror_go_on(struct mirror *m);

/* --- who follows --- */
/* A change that another node has told of, in whatever view. 0: taken, or of nobody who serves any
 * more; -ENOMEM; -EINVAL: it cannot be. */
int mirror_follow(struct mirror *m, uint16_t from, const struct served_change *change);
/* Says what has come, if that has not been said. */
void mirror_ack(struct mirror *m);

/* --- both --- */
/* Only these live now. All changes that have come before are taken. */
void mirror_view(struct mirror *m, uint64_t living);

#endif
