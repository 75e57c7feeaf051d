/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cancellation of the calling thread, held off: whoever holds a lock, or is waited with, must not
 * be left, and much that the library calls is a point of cancellation. Also in a signal handler.
 */
#ifndef CANCEL_H
#define CANCEL_H

#include <pthread.h>

/* To the end of the block. */
#define CANCEL_OFF __attribute__((cleanup(cancel_back))) struct cancel cancel_was = cancel_off()

struct cancel {
	int state, type;
};

/* Returns what cancel_back() puts back. The type, too: the signal by which glibc cancels at once may
 * be under way, and asks for nothing else when it comes; and of a thread that ends when its state
 * is put back, glibc does not say that it was cancelled. */
static inline struct cancel cancel_off(void)
{
	struct cancel was;

	pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &was.type);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &was.state);
	return was;
}

/*
 * The same in a handler that has the signal blocked by which glibc cancels at once. Before 2.41 each
 * point of cancellation waits, at its end, for that signal to come, once it has been sent: it would
 * wait for ever. It does not where the type is asynchronous anyhow, which it may be while nothing comes.
 */
static inline struct cancel cancel_off_blocked(void)
{
	struct cancel was;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &was.state);
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, &was.type);
	return was;
}

/* After either. May not return. */
static inline void cancel_back(const struct cancel *was)
{
	pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, NULL);
	pthread_setcancelstate(was->state, NULL);
	if (was->type != PTHREAD_CANCEL_DEFERRED)
		pthread_setcanceltype(was->type, NULL);
}

#endif
