/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls of the application: the lock, stepping the core for them, and helping while they wait. */
#ifndef CALL_H
#define CALL_H

#include <signal.h>
#include <stdint.h>

#include "coherence/coh.h"
#include "dsm/node/waits.h"

struct dsm;

/* --- lock.c --- */
/* The lock, for application threads: with all signals blocked, so that a handler that
 * touches shared memory never runs under it. Warns, once, where faults come as signals and
 * the thread had theirs blocked. */
void node_lock(struct dsm *d, sigset_t *mask);
void node_unlock(struct dsm *d, const sigset_t *mask);

/* --- call.c --- */
/* Steps ev for a call of the application, waiting for room when there is none. */
int node_call(struct dsm *d, const struct coh_event *ev);
/* The same of COH_EV_MUTEX_CREATE: which one it is, when that has returned 0. */
int node_call_object(struct dsm *d, const struct coh_event *ev, uint32_t *object);
/* The same, and waits for the answer; ev's cookie is set. Returns the status. */
int node_call_wait(struct dsm *d, struct coh_event *ev, struct waiter *w);
/* Waits until end_ns (clock_now_ns()) at most: returns 0 when it has begun, and then w stays where
 * it is until the answer is there. */
int node_call_wait_until(struct dsm *d, struct coh_event *ev, struct waiter *w,
                         struct waits_answer *answer, uint64_t end_ns);
/* The two parts of node_call_wait(), for who has several calls under way. When begin fails there is
 * nothing to end; else w stays where it is until end has returned its status. */
int node_call_begin(struct dsm *d, struct coh_event *ev, struct waiter *w,
                    struct waits_answer *answer);
int node_call_end(struct dsm *d, const struct waiter *w, const struct waits_answer *answer);

/* --- help.c; with the lock held --- */
/* What the service thread has to see to after another thread has stepped the core. */
void node_hand_over(struct dsm *d);
/* Waits until a slot may be free, or the job is lost. */
void node_wait_room(struct dsm *d);
/* Whether to look for more, until end_ns or as long as a huge page is expected: the time, or 0. */
uint64_t node_goes_on(const struct dsm *d, uint64_t end_ns);
/* All signals blocked: polls the transport in place of the service thread, for a short time, so
 * that the answer is taken where it is needed and nobody has to be woken. Then hands over. */
void node_help(struct dsm *d, const struct waits_answer *answer);
/* For who began to wait then. */
void node_help_since(struct dsm *d, const struct waits_answer *answer, uint64_t since_ns);

#endif
