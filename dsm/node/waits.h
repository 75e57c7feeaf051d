/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads of this node that wait for an answer, and those that wait for room to ask. A plain
 * list, and what their waits have taken: it never steps the core. All under the node's lock, but for what is said to be without
 * it.
 */
#ifndef WAITS_H
#define WAITS_H

#include <pthread.h>
#include <stdint.h>

#include "dsm/base/base.h"

#include "dsm/node/trace.h"

#define WAITS_SLEEPERS 8 /* woken after a step; more are woken within it */
#define WAITS_ASLEEP 1u  /* in waiter.done: a wake is wanted */
#define WAITS_TURN 2u    /* from one turn to the next */
#define WAITS_FOR_EVER UINT64_MAX

/* A thread that waits for its answer: on the stack of a call, or for a fault in a list of the
 * node's (fault_list.h). done is a futex word: when the answer comes it is changed from turn, with
 * release after status and result; who sees that, with acquire, may read them. */
struct waiter {
	uint32_t done;
	uint32_t turn; /* what done is while it waits, but for WAITS_ASLEEP */
	int status;
	uint64_t result[3];
	const char *what; /* for reports; NULL: a fault, reported as such */
	uint8_t kind;     /* an enum dsm_latency_kind that its time is counted as; 0: none */
	uint64_t about;   /* a page or an object, for the trace */
	uint64_t lock;    /* what is given to the thread by the answer 0, by its key (bound.h); 0: no lock */
	uint32_t thread;
	uint64_t since_ns;
	/* Nobody sleeps: the service thread looks. An answer counts as kept for it (progress.h). */
	uint8_t for_service, kept;
	struct waiter *next, **link; /* in waits.all, under the lock */
	struct waiter **home; /* whoever has his answer goes to this list; NULL: to none */
};

/* What a thread waits for. Where its waiter is the node's, the thread may never come back for it:
 * a handler that ran meanwhile has jumped elsewhere. So the waiter goes on to the next fault with
 * the answer, and its word counts: it was another turn that is over. */
struct waits_answer {
	uint32_t *done;
	uint32_t turn;
};

struct waits {
	struct waiter *all;
	int stepping; /* effects are being carried out, of a step within another one perhaps */
	uint32_t *sleeper[WAITS_SLEEPERS]; /* waiters to be woken when they are */
	unsigned n_sleepers;
	pthread_cond_t room; /* a slot may be free again */
	unsigned starved;    /* threads that wait for room */
	struct latency latency; /* how long it has taken, those for pages, too */
	struct trace *trace;
};

void waits_open(struct waits *waits, struct trace *trace);
void waits_close(struct waits *waits);

/* Of no kind, which who wants it counted sets then. */
void waits_add(struct waits *waits, struct waiter *w, const char *what);
/* The same for one that was used before, and returns to the list home. */
void waits_add_again(struct waits *waits, struct waiter *w, struct waiter **home);
/* Takes out one that does not wait any more, and whose answer has not come. */
void waits_remove(struct waiter *w);
/* The answer is there. The waiter may be gone, or be another's, when this returns. */
void waits_done(struct waits *waits, struct waiter *w, int status);
/* All waits end with this status. */
void waits_end(struct waits *waits, int status);
/* To wake a thread takes longer than to send what another node waits for: while effects are
 * carried out, those who sleep are woken after them. */
void waits_step_begin(struct waits *waits);
void waits_step_end(struct waits *waits);

/* Of one that waits, with the lock held. */
struct waits_answer waits_answer(struct waiter *w);
/* Without the lock. Then status and results of a call may be read. */
int waits_is_over(const struct waits_answer *answer);
/* Sleeps, without the lock, until the answer is there or that time (clock_now_ns()) has come. */
void waits_sleep(const struct waits_answer *answer, uint64_t until_ns);

/* A slot, a frame or the like may be free: those who wait for room try again. */
void waits_room(struct waits *waits);
/* Waits until it may be; lets go of the lock meanwhile. */
void waits_for_room(struct waits *waits, pthread_mutex_t *lock);

#endif
