/* SPDX-License-Identifier: BSD-2-Clause */
/* Starts threads of the library, and lets them run (thread.h). */
#include "dsm/base/thread.h"

#include <sched.h>

static struct thread_raised raise_above_me(pthread_t thread)
{
	struct thread_raised raised = { 0 };
	struct sched_param param;
	int policy, rc = pthread_getschedparam(pthread_self(), &policy, &param);

	if (rc || (policy != SCHED_FIFO && policy != SCHED_RR)) {
		raised.rc = -rc;
		return raised;
	}
	raised.priority = ++param.sched_priority;
	raised.rc = -pthread_setschedparam(thread, SCHED_FIFO, &param);
	return raised;
}

int thread_start(pthread_t *thread, size_t stack_bytes, void *(*run)(void *), void *arg,
                 struct thread_raised *raised)
{
	struct thread_raised unseen;
	pthread_attr_t attr;
	sigset_t was;
	int rc = pthread_attr_init(&attr);

	if (rc)
		return -rc;
	if (stack_bytes)
		rc = pthread_attr_setstacksize(&attr, stack_bytes);
	if (!rc) {
		signals_hold(&was);
		rc = pthread_create(thread, &attr, run, arg);
		signals_release(&was);
	}
	pthread_attr_destroy(&attr);
	if (!rc)
		*(raised ? raised : &unseen) = raise_above_me(*thread);
	return -rc;
}
