/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls of pthreads that name a thread which only its own node can do something to: made there. What
 * they are about is copied, for it may be in memory that is not shared.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>

#include "dsm/threads/threads.h"

/* On the caller's stack. */
struct request {
	struct thread *thread;
	int (*fn)(pthread_t thread, void *request);
	int number, policy;
	struct sched_param param;
	size_t bytes;
	char room[1024];
};

static bool is_of_program(pthread_t thread)
{
	return here.ready && is_shared((void *)thread);
}

static long at_its_node(const long arg[6])
{
	struct request *r = (struct request *)arg[0];

	return thread_call(r->thread, r->fn, r);
}

static int ask(struct request *r, pthread_t thread, int (*fn)(pthread_t, void *))
{
	r->thread = (struct thread *)thread;
	r->fn = fn;
	return (int)errand_call(r->thread->node, at_its_node, (long)r, 0, 0);
}

/* --- signals and cancellation --- */

static int do_kill(pthread_t thread, void *request)
{
	return NEXT(pthread_kill)(thread, ((struct request *)request)->number);
}

EXPORT int pthread_kill(pthread_t thread, int number)
{
	struct request r;
	int rc;

	if (!is_of_program(thread))
		return NEXT(pthread_kill)(thread, number);
	r.number = number;
	rc = ask(&r, thread, do_kill);
	return rc == ESRCH ? 0 : rc; /* as libc's, for one that has ended and nobody has joined yet */
}

static int do_cancel(pthread_t thread, void *request)
{
	return NEXT(pthread_cancel)(thread);
}

EXPORT int pthread_cancel(pthread_t thread)
{
	struct request r;
	int rc;

	if (!is_of_program(thread))
		return NEXT(pthread_cancel)(thread);
	rc = ask(&r, thread, do_cancel);
	return rc == ESRCH ? 0 : rc;
}

/* --- names --- */

static int do_setname(pthread_t thread, void *request)
{
	return NEXT(pthread_setname_np)(thread, ((struct request *)request)->room);
}

EXPORT int pthread_setname_np(pthread_t thread, const char *name)
{
	struct request r;

	if (!is_of_program(thread))
		return NEXT(pthread_setname_np)(thread, name);
	if (strlen(name) >= sizeof r.room)
		return ERANGE;
	strcpy(r.room, name);
	return ask(&r, thread, do_setname);
}

static int do_getname(pthread_t thread, void *request)
{
	struct request *r = request;

	return NEXT(pthread_getname_np)(thread, r->room, r->bytes);
}

EXPORT int pthread_getname_np(pthread_t thread, char *name, size_t bytes)
{
	struct request r;
	int rc;

	if (!is_of_program(thread))
		return NEXT(pthread_getname_np)(thread, name, bytes);
	r.bytes = bytes < sizeof r.room ? bytes : sizeof r.room;
	rc = ask(&r, thread, do_getname);
	if (rc == 0)
		memcpy(name, r.room, strlen(r.room) + 1);
	return rc;
}

/* --- processors and scheduling --- */

static int do_setaffinity(pthread_t thread, void *request)
{
	struct request *r = request;

	return NEXT(pthread_setaffinity_np)(thread, r->bytes, (cpu_set_t *)r->room);
}

EXPORT int pthread_setaffinity_np(pthread_t thread, size_t bytes, const cpu_set_t *set)
{
	struct request r;

	if (!is_of_program(thread))
		return NEXT(pthread_setaffinity_np)(thread, bytes, set);
	r.bytes = bytes < sizeof r.room ? bytes : sizeof r.room;
	memcpy(r.room, set, r.bytes);
	return ask(&r, thread, do_setaffinity);
}

static int do_getaffinity(pthread_t thread, void *request)
{
	struct request *r = request;

	return NEXT(pthread_getaffinity_np)(thread, r->bytes, (cpu_set_t *)r->room);
}

EXPORT int pthread_getaffinity_np(pthread_t thread, size_t bytes, cpu_set_t *set)
{
	struct request r;
	int rc;

	if (!is_of_program(thread))
		return NEXT(pthread_getaffinity_np)(thread, bytes, set);
	r.bytes = bytes < sizeof r.room ? bytes : sizeof r.room;
	rc = ask(&r, thread, do_getaffinity);
	if (rc == 0) {
		memset(set, 0, bytes);
		memcpy(set, r.room, r.bytes);
	}
	return rc;
}

static int do_setschedparam(pthread_t thread, void *request)
{
	struct request *r = request;

	return NEXT(pthread_setschedparam)(thread, r->policy, &r->param);
}

EXPORT int pthread_setschedparam(pthread_t thread, int policy, const struct sched_param *param)
{
	struct request r;

	if (!is_of_program(thread))
		return NEXT(pthread_setschedparam)(thread, policy, param);
	r.policy = policy;
	r.param = *param;
	return ask(&r, thread, do_setschedparam);
}

static int do_getschedparam(pthread_t thread, void *request)
{
	struct request *r = request;

	return NEXT(pthread_getschedparam)(thread, &r->policy, &r->param);
}

EXPORT int pthread_getschedparam(pthread_t thread, int *policy, struct sched_param *param)
{
	struct request r;
	int rc;

	if (!is_of_program(thread))
		return NEXT(pthread_getschedparam)(thread, policy, param);
	rc = ask(&r, thread, do_getschedparam);
	if (rc == 0) {
		*policy = r.policy;
		*param = r.param;
	}
	return rc;
}

/* --- what no other node can have --- */

EXPORT int pthread_getcpuclockid(pthread_t thread, clockid_t *clock)
{
	const struct thread *t = (const struct thread *)thread;

	if (!is_of_program(thread))
		return NEXT(pthread_getcpuclockid)(thread, clock);
	if (t->node == here.rank)
		return NEXT(pthread_getcpuclockid)(t->libc, clock);
	threads_say("pthread_getcpuclockid: the clock of a thread elsewhere cannot be read, and is refused");
	return ENOTSUP;
}

/* The stack that the program sees. */
EXPORT int pthread_getattr_np(pthread_t thread, pthread_attr_t *attr)
{
	const struct thread *t = (const struct thread *)thread;
	int rc;

	if (!is_of_program(thread))
		return NEXT(pthread_getattr_np)(thread, attr);
	rc = t->node == here.rank ? NEXT(pthread_getattr_np)(t->libc, attr) : pthread_attr_init(attr);
	return rc ? rc : pthread_attr_setstack(attr, t->stack.lo, (size_t)((const char *)t - t->stack.lo));
}
