/* SPDX-License-Identifier: BSD-2-Clause */
/* What tests of jobs whose nodes die have in common. */
#ifndef SURVIVOR_H
#define SURVIVOR_H

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/system/node.h"

/* Where a thread goes on when memory that it touches is lost, while has_way_out is not 0. */
static _Thread_local sigjmp_buf way_out;
static _Thread_local volatile sig_atomic_t has_way_out;

static void on_sigbus(int sig)
{
	if (has_way_out)
		siglongjmp(way_out, 1);
	signal(sig, SIG_DFL);
	raise(sig);
}

static inline void survivor_catch(void)
{
	const struct sigaction action = {.sa_handler = on_sigbus};

	CHECK(sigaction(SIGBUS, &action, NULL) == 0);
}

/* Memory of all nodes that none takes with it when it dies: a file's, which is there. */
static inline void *survivor_tally(const char *path, size_t bytes)
{
	const int fd = open(path, O_RDWR);
	void *tally;

	CHECK(fd >= 0 && ftruncate(fd, (off_t)bytes) == 0);
	tally = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(tally != MAP_FAILED);
	close(fd);
	return tally;
}

/* Of functions with atomics that a signal may end: ThreadSanitizer does them under a lock of its own. */
#define SURVIVOR_ATOMICS __attribute__((noinline, no_sanitize_thread))

/* A thread that ends this process, or stops it, some time; if it goes on, nobody waits for the thread. */
static inline void survivor_end_by(void *(*end)(void *))
{
	pthread_t thread;

	CHECK(pthread_create(&thread, NULL, end, NULL) == 0 && pthread_detach(thread) == 0);
}

#endif
