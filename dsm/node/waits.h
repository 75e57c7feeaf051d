/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads of this node that wait for an answer, and those that wait for room to ask. A plain
 * list: it never steps the core. All under the node's lock, but for what is said to be without
 * it.
 */
#ifndef WAITS_H
#define WAITS_H

#include <pthread.h>
#include <signal.h>
#include <stdint.h>

#define WAITS_SLEEPERS 8 /* woken after a step; more are woken within it */
#define WAITS_FOR_EVER UINT64_MAX

/* A call that waits for its answer; on the caller's stack. done is a futex word: set
 * with release after status and result, read with acquire before them. */
struct waiter {
	uint32_t done;
	int status;
	uint64_t result[2];
	const char *what; /* for reports; NULL: a fault, reported as such */
	const sigset_t *mask; /* signals to block while it sleeps; NULL: as they are */
	uint32_t thread;
	uint64_t since_ns;
	struct waiter *next, **link; /* in waits.all, under the lock */
};

struct waits {
	struct waiter *all;
	int stepping; /* effects are being carried out */
	uint32_t *sleeper[WAITS_SLEEPERS]; /* waiters to be woken when they are */
	unsigned n_sleepers;
	pthread_cond_t room; /* a slot may be free again */
	unsigned starved;    /* threads that wait for room */
};

void waits_open(struct waits *waits);
void waits_close(struct waits *waits);

void waits_add(struct waits *waits, struct waiter *w, const char *what);
/* Takes out one that does not wait any more, and whose answer has not come. */
void waits_remove(struct waiter *w);
/* The answer is there. The waiter may be gone when this returns. */
void waits_done(struct waits *waits, struct waiter *w, int status);
/* All waits end with this status. */
void waits_end(struct waits *waits, int status);
/* To wake a thread takes longer than to send what another node waits for: while effects are
 * carried out, those who sleep are woken after them. */
void waits_step_begin(struct waits *waits);
void waits_step_end(struct waits *waits);

/* Without the lock. Then status and results may be read. */
int waits_is_done(const struct waiter *w);
/* Sleeps, without the lock, until the answer is there or that time (clock_now_ns()) has come. */
void waits_sleep(struct waiter *w, uint64_t until_ns);

/* A slot, a frame or the like may be free: those who wait for room try again. */
void waits_room(struct waits *waits);
/* Waits until it may be; lets go of the lock meanwhile. */
void waits_for_room(struct waits *waits, pthread_mutex_t *lock);

#endif
