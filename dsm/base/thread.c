/* SPDX-License-Identifier: BSD-2-Clause */
/* Starts threads of the library, and lets them run (thread.h). */
#include "dsm/base/thread.h"

#include <sched.h>
#include <signal.h>

int thread_start(pthread_t *thread, size_t stack_bytes, void *(*run)(void *), void *arg)
{
	pthread_attr_t attr;
	sigset_t all, old;
	int priority, rc = pthread_attr_init(&attr);

	if (rc)
		return -rc;
	if (stack_bytes)
		rc = pthread_attr_setstacksize(&attr, stack_bytes);
	if (!rc) {
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &old);
		rc = pthread_create(thread, &attr, run, arg);
		pthread_sigmask(SIG_SETMASK, &old, NULL);
	}
	pthread_attr_destroy(&attr);
	if (!rc)
		thread_raise(*thread, &priority); /* where it may be */
	return -rc;
}

int thread_raise(pthread_t thread, int *priority)
{
	struct sched_param param;
	int policy, rc = pthread_getschedparam(pthread_self(), &policy, &param);

	*priority = 0;
	if (rc || (policy != SCHED_FIFO && policy != SCHED_RR))
		return -rc;
	*priority = ++param.sched_priority;
	return -pthread_setschedparam(thread, SCHED_FIFO, &param);
}
