/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What becomes of the program's system calls. Its descriptors, its directory, its timers and its
 * number are those of the process that main is in, on node 0; threads and memory are a node's own.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dsm/threads/calls.h"

/* --- those that need a word of their own --- */

static long refuse(const char *name, const char *why)
{
	char text[160];

	snprintf(text, sizeof text, "%s: %s", name, why);
	threads_say(text);
	return -ENOSYS;
}

static void make_process(struct call *c, uint64_t flags)
{
	if (!(flags & CLONE_VM)) {
		if (c->of_program)
			call_returns(c, refuse("fork", THREADS_NO_FORK));
		else
			call_native(c);
		return;
	}
	if (c->of_program && flags & CLONE_THREAD) /* not by pthread_create: for a timer, say */
		threads_say("clone: what a thread that libc makes for itself allocates is this node's own");
	if (c->of_program && here.rank && !(flags & CLONE_THREAD))
		call_returns(c, refuse("vfork", "a thread elsewhere starts other programs by "
		                                "posix_spawn and system only"));
	else
		call_twice(c);
}

/* A file of main's, in memory of this node's: what it has now. */
static long map_file(const struct call *c)
{
	const size_t bytes = (size_t)c->arg[1];
	const long shared = c->arg[3] & MAP_TYPE;
	long at;

	if (shared != MAP_PRIVATE && c->arg[2] & PROT_WRITE)
		return refuse("mmap", "a thread elsewhere cannot have a file that main has opened in "
		                      "memory, and change it");
	at = NEXT(syscall)(SYS_mmap, c->arg[0], bytes, PROT_READ | PROT_WRITE,
	                   (c->arg[3] & ~MAP_TYPE) | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == -1)
		return -errno;
	for (size_t done = 0; done < bytes; ) {
		const long arg[6] = { c->arg[4], at + (long)done, (long)(bytes - done),
			              c->arg[5] + (long)done };
		const long n = forward(way_of(SYS_pread64), arg);

		if (n < 0) {
			NEXT(syscall)(SYS_munmap, at, bytes);
			return n == -ESPIPE ? -ENODEV : n;
		}
		if (n == 0)
			break;
		done += (size_t)n;
	}
	NEXT(syscall)(SYS_mprotect, at, bytes, c->arg[2]);
	return at;
}

/* false: it has none. */
static bool make_special(struct call *c)
{
	switch (c->number) {
	case SYS_exit_group:
		here.end_now((int)c->arg[0]);
		return true;
	case SYS_execve:
	case SYS_execveat:
		call_returns(c, refuse("execve", "the job would lose this node; posix_spawn, vfork, "
		                                 "system and popen are there"));
		return true;
	case SYS_shmat:
		threads_say("shmat: its memory is this node's own, and not of threads elsewhere");
		return false;
	case SYS_getpid:
		call_returns(c, here.world->pid);
		return true;
	case SYS_tgkill: /* to itself, or by libc to one of this node's */
		if (c->arg[0] == here.world->pid)
			c->arg[0] = here.pid;
		return false;
	case SYS_mmap:
		if (!here.rank || c->arg[3] & MAP_ANONYMOUS)
			return false;
		call_returns(c, map_file(c));
		return true;
	default:
		return false;
	}
}

/* --- all of them --- */

void call_make(struct call *c)
{
	const struct way *way;

	switch (c->number) {
	case SYS_futex:
		if (here.ready && is_shared((void *)c->arg[0])) {
			call_returns(c, futex_make(c->arg));
			return;
		}
		break;
	case SYS_mmap:
		if (load_at && !c->of_program && !c->arg[0] && c->arg[3] & MAP_DENYWRITE) { /* an object */
			c->arg[0] = (long)load_at;
			load_at += ((uintptr_t)c->arg[1] + EXTENT - 1) & ~(EXTENT - 1);
			call_native(c);
			return;
		}
		break;
	case SYS_clone:
		make_process(c, (uint64_t)c->arg[0]);
		return;
	case SYS_clone3:
		make_process(c, *(const uint64_t *)c->arg[0]);
		return;
	case SYS_vfork:
		make_process(c, CLONE_VM);
		return;
	case SYS_fork:
		make_process(c, 0);
		return;
	default:
		break;
	}
	if (signals_make(c) || (c->of_program && make_special(c)))
		return;
	way = c->of_program && here.rank ? way_of(c->number) : NULL;
	if (way)
		call_returns(c, forward(way, c->arg));
	else
		call_native(c);
}
