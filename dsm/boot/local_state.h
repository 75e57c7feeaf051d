/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The local way of starting from within: packets below, then rounds, then the ops (local.c).
 * All of it under the lock, but for the opening, when nobody else knows of it.
 */
#ifndef LOCAL_STATE_H
#define LOCAL_STATE_H

#include <pthread.h>

#include "dsm/boot/ways.h"

struct boot_local {
	struct boot base; /* first */
	int fd;
	pthread_mutex_t lock; /* held during a round; guards all below */
	uint32_t round;
	int broken;                  /* 0, or the code that all further calls return */
	char why[2 * BOOT_TEXT_MAX]; /* with broken */
	struct boot_msg msg;         /* the last packet received */
	uint64_t lost, lost_told;    /* ranks that are dead, 1 bit each; whose loss lost() has told */
};

/* --- local_link.c --- */

/* From now on all calls return code, with this sentence. Returns code. */
int local_break(struct boot_local *l, int code, const char *text);
/* local_break() when the rendezvous sent what was not expected. */
int local_strange(struct boot_local *l);
/* 0 also when the rendezvous has closed: receiving tells. -ETIMEDOUT and other codes. */
int local_send(struct boot_local *l, const struct boot_msg *msg, int64_t deadline);
/* Takes a packet that is there: 0 it is in l->msg, -EAGAIN, or l is broken. */
int local_take(struct boot_local *l);
/* As local_take(), but waits: -ETIMEDOUT. */
int local_receive(struct boot_local *l, int64_t deadline);

/* --- local_gather.c --- */

struct gather {
	void *all;
	size_t stride;
	uint32_t *lens;
	uint64_t have; /* a bit for each rank whose blob is here */
	uint64_t want;
};

/* Gives, and takes until all that is wanted is there. After a failure l is broken. */
int local_gather(struct boot_local *l, const struct boot_msg *give, struct gather *g,
                 int timeout_ms);

#endif
