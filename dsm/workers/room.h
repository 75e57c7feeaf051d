/* SPDX-License-Identifier: BSD-2-Clause */
/* The threads for others, from the inside. */
#ifndef WORKERS_ROOM_H
#define WORKERS_ROOM_H

#include "dsm/node/node.h"
#include "dsm/workers/table.h"
#include "dsm/workers/workers.h"

/* How new threads are: as the one that was in dsm_init. Does not change. */
struct manner {
	sigset_t mask;
	int policy;
	struct sched_param param;
};

struct workers {
	struct dsm *d;
	struct manner manner;
	/* under the node's lock: */
	struct table table;
	struct worker_queue asked, ended; /* for the helper */
	pthread_cond_t rest; /* one has gone */
	int wanted, started, stop; /* the helper */
	unsigned next_node;
	pthread_t helper;
	/* The helper sleeps while it is what it was. A futex, changed under the lock. */
	uint32_t news;
	/* from the helper's start to its end: */
	pthread_key_t key;
};

/* --- run.c: in a thread for others --- */
/* pthread_create's function; arg: a worker. */
void *worker_run(void *worker);
/* Of the key: the last that a thread does. */
void worker_end(void *worker);

/* --- tell.c, lock held --- */
void workers_answer(struct dsm *d, struct asker to, int status, uint64_t value);
/* It has ended: tells whoever waits for it. */
void workers_over(struct workers *ws, struct worker *w, uint64_t value);
/* Wakes the helper. Also in a signal handler. */
void workers_rouse(struct workers *ws);

/* --- helper.c --- */
void *workers_helper(void *workers);

#endif
