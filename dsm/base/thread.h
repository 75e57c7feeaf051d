/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads of the library in the program's process. */
#ifndef THREAD_H
#define THREAD_H

#include <pthread.h>
#include <signal.h>
#include <stddef.h>

/*
 * A thread of real time that never sleeps keeps all of its own priority and below from its
 * processor (sched(7)), and a new one has its starter's policy and processors. So that of a
 * starter of real time gets a priority above the starter's, where it may.
 */
struct thread_raised {
	int priority; /* that it should have; 0: the starter is not of real time */
	int rc;       /* 0 or -errno: without CAP_SYS_NICE the limit RLIMIT_RTPRIO has to be as high,
	                 and nothing is above the highest */
};

/*
 * Starts one, which must not end before it is joined. It takes no signal: they are the
 * application's. stack_bytes: 0 for as much as usual. raised: NULL if it does not matter.
 * Returns 0 or -errno.
 */
int thread_start(pthread_t *thread, size_t stack_bytes, void *(*run)(void *), void *arg,
                 struct thread_raised *raised);

/* No signal's handler runs on the calling thread; *was is what was blocked before. */
static inline void signals_hold(sigset_t *was)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, was);
}

static inline void signals_release(const sigset_t *was)
{
	pthread_sigmask(SIG_SETMASK, was, NULL);
}

#endif
