/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads that a node runs for others (dsm_thread.h). Requests are messages of the services, to the
 * node where the thread is to be, or is. They are carried out by whoever polls the transport, but
 * for what he may not do: a thread of this room's, the helper, starts threads and waits for their
 * end. The helper is there from the first request on; a node that never gets one has none.
 *
 * A thread that has returned from its function tells so itself, as the last of what it does, to
 * whoever waits for it. The helper tells of those that have ended in another way, for it learns by
 * pthread_join what they leave.
 *
 * All is under the node's lock, but for what a thread has of its own.
 */
#ifndef WORKERS_H
#define WORKERS_H

#include <stdint.h>

#include "coherence/coh.h"

struct dsm;

/* What is asked, in svc.op: beside those of the heap. */
enum workers_op {
	SVC_THREAD_START = 64, /* arg: object, offset and flags, argument; status: the stack, in 4 KiB;
	                        * name: where the object must be, in hexadecimal digits; or "".
	                        * Answer: the thread. DSM_ERR_PROGRAM: where the object is, or 0 */
	SVC_THREAD_JOIN,       /* arg 0: the thread. Answer, when it has ended: what it leaves */
	SVC_THREAD_UNJOIN,     /* its time is over: that is the answer to the join */
	SVC_THREAD_DETACH,     /* arg 0: the thread */
};
#define WORKERS_FLAG_SHIFT 56 /* of the flags beside the offset */
#define WORKERS_STACK_UNIT 4096

/* In dsm_init, by whose thread others are made like. -ENOMEM. */
int workers_open(struct dsm *d);
/* Ends the helper. No thread runs any more. */
void workers_close(struct dsm *d); /* half-built is allowed */

static inline int workers_takes(unsigned op)
{
	return op >= SVC_THREAD_START && op <= SVC_THREAD_DETACH;
}

/* One of these requests, of a node, this one included. Lock held; perhaps in a signal handler. */
void workers_request(struct dsm *d, coh_node from, const struct coh_msg *msg);
/* Starts the helper, if one is wanted. Service thread only, lock held. */
void workers_serve(struct dsm *d);

/* The calling thread's id, or 0: it is none of these. Without the lock. */
uint64_t workers_self(void);
/* The node to begin with for who does not care. Takes the lock. */
int workers_next_node(struct dsm *d);
/* How many run, or are about to; and how many were asked for ever. Lock held. */
unsigned workers_living(const struct dsm *d, uint64_t *taken);
/* Waits until none is living, or the job is lost and some seconds have passed: how many are. Takes
 * the lock. */
unsigned workers_rest(struct dsm *d);

#endif
