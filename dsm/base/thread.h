/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads of the library in the program's process. */
#ifndef THREAD_H
#define THREAD_H

#include <pthread.h>
#include <stddef.h>

/*
 * Starts one, which must not end before it is joined. It takes no signal: they are the
 * application's; and it is raised, see below, where it may be. stack_bytes: 0 for as much as usual.
 * Returns 0 or -errno.
 */
int thread_start(pthread_t *thread, size_t stack_bytes, void *(*run)(void *), void *arg);

/*
 * A thread of real time that never sleeps keeps all of its own priority and below from its
 * processor (sched(7)), and thread has the caller's policy and processors. If the caller is of
 * real time, gives it a priority above the caller's, which *priority is then; 0 otherwise.
 * Returns 0 or -errno: without CAP_SYS_NICE the limit RLIMIT_RTPRIO has to be as high, and nothing
 * is above the highest.
 */
int thread_raise(pthread_t thread, int *priority);

#endif
