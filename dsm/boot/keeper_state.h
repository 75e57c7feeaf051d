/* SPDX-License-Identifier: BSD-2-Clause */
/* The keeper from within: calls (keeper_calls.c) give orders, and the thread (keeper.c) obeys. */
#ifndef KEEPER_STATE_H
#define KEEPER_STATE_H

#include <pthread.h>
#include <unistd.h>

#include "dsm/boot/keeper.h"

/* What the keeper is to do: one of the boot's ops, or nothing (inner is closed already). */
struct order {
	void (*carry_out)(struct boot *inner, void *arg);
	void *arg;
	int last;
};

struct keeper {
	struct boot base; /* first; as inner's, but for the ops */
	struct boot *inner; /* the keeper's */
	pthread_t thread;
	int *fds, n_fds; /* of inner; in the program's table the numbers stay taken */
	int *all;        /* these, wake_fd, news_fd and lost_fd; ascending */
	int wake_fd; /* an order is there */
	int news_fd; /* readable once ended is set */
	int lost_fd; /* readable once losses are there */
	pthread_mutex_t turn; /* held by who has given an order, until it is carried out */
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t done;
	const struct order *order; /* NULL: none, or carried out */
	int is_apart; /* the keeper has a table of its own: 1 yes, negative code no, 0 not yet */
	int ended; /* as of boot_ops.ended */
	struct loss {
		int rank, sure;
	} *losses; /* room for two of each node */
	int n_losses, losses_told;
	char why[256];
	char unsaid[256]; /* why this node fails, of which its own exchange is to tell at its end; or "" */
};

static inline void ring(int fd)
{
	const uint64_t one = 1;
	ssize_t n = write(fd, &one, sizeof one);

	(void)n; /* when it is full it is readable, too */
}

/* keeper_calls.c */
extern const struct boot_ops keeper_ops;
void keeper_free(struct keeper *k); /* which may be half built, and has no thread */

#endif
