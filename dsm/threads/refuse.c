/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a program cannot have here, said by name when it asks for it; and what names a thread in calls
 * of libc's that only its own node can carry out.
 */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dsm/threads/threads.h"

static void say(const char *text)
{
	static uint32_t said;
	char line[256];

	if (__atomic_fetch_add(&said, 1, __ATOMIC_RELAXED) >= 20)
		return;
	snprintf(line, sizeof line, "libdsm-threads: node %d: %s\n", here.rank, text);
	if (write(STDERR_FILENO, line, strlen(line)) < 0)
		return;
}

/* The child would have no shared memory, so neither variables nor a stack. */
EXPORT pid_t fork(void)
{
	if (!is_program())
		return NEXT(fork)();
	say("fork is not there for programs with threads on many nodes; posix_spawn, vfork, system and "
	    "popen are");
	errno = ENOSYS;
	return -1;
}

/* What the loader keeps of an object is this process's, and its own threads look at it. */
EXPORT void *dlopen(const char *file, int mode)
{
	void *object;

	private_depth++;
	object = NEXT(dlopen)(file, mode);
	private_depth--;
	return object;
}

/* libc's name of a thread that runs here; 0: it runs elsewhere, which has been said. */
static pthread_t own(pthread_t thread, const char *call)
{
	struct thread *t = (struct thread *)thread;
	char text[128];

	if (!here.ready || !is_shared(t))
		return thread;
	if (t->node == here.rank)
		return t->libc;
	snprintf(text, sizeof text, "%s is for a thread on node %d, and does nothing", call, t->node);
	say(text);
	return 0;
}

/* What is to be done with a signal the program has said here; it is to be the same there. */
static int kill_elsewhere(const struct thread *t, int number)
{
	long action[16]; /* more than the kernel's sigaction; of the program's stack, so shared */
	const long set_bytes = 8;

	if (number && number != SIGKILL && number != SIGSTOP &&
	    (NEXT(syscall)(SYS_rt_sigaction, number, NULL, action, set_bytes) ||
	     errand_send(t->node, SYS_rt_sigaction, number, (long)action, 0, set_bytes)))
		return errno;
	return errand_send(t->node, SYS_tgkill, 0, t->tid, number, 0) ? errno : 0;
}

EXPORT int pthread_kill(pthread_t thread, int number)
{
	const struct thread *t = (const struct thread *)thread;

	if (!here.ready || !is_shared(t))
		return NEXT(pthread_kill)(thread, number);
	if (__atomic_load_n(&t->done, __ATOMIC_ACQUIRE))
		return 0; /* as libc's, for one that nobody has joined yet */
	if (t->node == here.rank)
		return NEXT(pthread_kill)(t->libc, number);
	return kill_elsewhere(t, number);
}

EXPORT int pthread_cancel(pthread_t thread)
{
	const pthread_t libc = own(thread, "pthread_cancel");

	return libc ? NEXT(pthread_cancel)(libc) : ENOTSUP;
}

EXPORT int pthread_setname_np(pthread_t thread, const char *name)
{
	const pthread_t libc = own(thread, "pthread_setname_np");

	return libc ? NEXT(pthread_setname_np)(libc, name) : ENOTSUP;
}

EXPORT int pthread_getname_np(pthread_t thread, char *name, size_t bytes)
{
	const pthread_t libc = own(thread, "pthread_getname_np");

	return libc ? NEXT(pthread_getname_np)(libc, name, bytes) : ENOTSUP;
}

EXPORT int pthread_setaffinity_np(pthread_t thread, size_t bytes, const cpu_set_t *set)
{
	const pthread_t libc = own(thread, "pthread_setaffinity_np");

	return libc ? NEXT(pthread_setaffinity_np)(libc, bytes, set) : ENOTSUP;
}

EXPORT int pthread_getaffinity_np(pthread_t thread, size_t bytes, cpu_set_t *set)
{
	const pthread_t libc = own(thread, "pthread_getaffinity_np");

	return libc ? NEXT(pthread_getaffinity_np)(libc, bytes, set) : ENOTSUP;
}

EXPORT int pthread_setschedparam(pthread_t thread, int policy, const struct sched_param *param)
{
	const pthread_t libc = own(thread, "pthread_setschedparam");

	return libc ? NEXT(pthread_setschedparam)(libc, policy, param) : ENOTSUP;
}

EXPORT int pthread_getschedparam(pthread_t thread, int *policy, struct sched_param *param)
{
	const pthread_t libc = own(thread, "pthread_getschedparam");

	return libc ? NEXT(pthread_getschedparam)(libc, policy, param) : ENOTSUP;
}

EXPORT int pthread_getcpuclockid(pthread_t thread, clockid_t *clock)
{
	const pthread_t libc = own(thread, "pthread_getcpuclockid");

	return libc ? NEXT(pthread_getcpuclockid)(libc, clock) : ENOTSUP;
}

/* The stack that the program sees. */
EXPORT int pthread_getattr_np(pthread_t thread, pthread_attr_t *attr)
{
	const struct thread *t = (const struct thread *)thread;
	const pthread_t libc = own(thread, "pthread_getattr_np");
	int rc = libc ? NEXT(pthread_getattr_np)(libc, attr) : ENOTSUP;

	if (rc == 0 && here.ready && is_shared(t))
		rc = pthread_attr_setstack(attr, t->stack.lo, (size_t)((const char *)t - t->stack.lo));
	return rc;
}
