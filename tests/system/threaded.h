/* SPDX-License-Identifier: BSD-2-Clause */
/* What programs with threads that are tests have in common. They know nothing of libdsm. */
#ifndef THREADED_H
#define THREADED_H

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CHECK(condition)                                                                      \
	((condition) ? (void)0                                                                \
	             : (fprintf(stderr, "%s: line %d: %s: %s\n", __FILE__, __LINE__, #condition, \
	                        strerror(errno)),                                             \
	                _exit(1)))

/* Calls fn(arg) by a thread of its own, and waits for that. */
static inline void *by_thread(void *(*fn)(void *), void *arg)
{
	pthread_t thread;
	void *value;

	CHECK(!pthread_create(&thread, NULL, fn, arg));
	CHECK(!pthread_join(thread, &value));
	return value;
}

#endif
