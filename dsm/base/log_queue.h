/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines of the log on their way to whoever listens. Who says one may hold the node's lock, be in a
 * signal handler, or be the service thread, without which a page does not come that the listener,
 * or somebody with a lock that it needs, waits for. So a line is only put down here, and a thread
 * that holds nothing calls the listener, with one after another. Nobody waits for it but with a
 * bound.
 *
 * A lock inside guards the queue; signals are blocked while it is held, and shared memory is not
 * touched.
 */
#ifndef LOG_QUEUE_H
#define LOG_QUEUE_H

#include <stdint.h>

#include "dsm/dsm.h"

#define QUEUE_LINES 32      /* that wait; more are counted */
#define QUEUE_TRACE 1024    /* the same where a trace is wanted, whose lines are all said */
#define QUEUE_FLUSH_MS 1000 /* what dies waits so long for its last words */
#define QUEUE_CLOSE_MS 2000 /* what ends in order waits so long for a line, */
#define QUEUE_CLOSE_TIMES 5 /* and so often */

struct log_queue;

/* Makes the queue and its thread. Of the signals that thread takes SIGBUS only, and only while it
 * is in fn, which may touch shared memory. -errno. */
int log_queue_open(dsm_log_fn fn, void *ctx, int level, struct log_queue **out);
/* What waits is said, and what is counted. Where nothing has been said for QUEUE_CLOSE_MS, or all
 * takes QUEUE_CLOSE_TIMES as long, the rest is given up, and fn is not called again once it has
 * returned. NULL is allowed. */
void log_queue_close(struct log_queue *q);
/* A line, as in limit_take(). Any thread, also in a signal handler. Does not wait. */
void log_queue_put(struct log_queue *q, uint64_t key, unsigned different, enum dsm_log_level level,
                   const char *text);
/* Waits, QUEUE_FLUSH_MS at most, until what was put before is said; not where that has been in
 * vain already, and not in fn. Any thread, also in a signal handler. */
void log_queue_flush(struct log_queue *q);
/* The calling thread is in fn. */
int log_queue_is_caller(void);

#endif
