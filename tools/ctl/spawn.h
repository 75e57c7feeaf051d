/* SPDX-License-Identifier: BSD-2-Clause */
/* Starts the process of one rank. */
#ifndef SPAWN_H
#define SPAWN_H

#include <sys/types.h>

struct spawn {
	char **argv;          /* the command, ended by NULL */
	int rank, size;
	const char *job_dir;
	const char *provider, *region, *faults, *log, *restore, *restore_pages, *on_loss; /* NULL: as the environment has it */
	const char *preload, *place; /* with threads: what is put before LD_PRELOAD, else ""; and where */
	int in; /* standard input, or -1: /dev/null. Stays the caller's */
};

struct spawned {
	pid_t pid;    /* leads a process group of its own */
	int out, err; /* where its standard output and error are read: the caller's */
};

/* Lets this process have as many descriptors as it may; nodes start with the limit it has now. */
void spawn_raise_limit(void);

/* 0; or the exit status that says why the command cannot run, once that has been told. It
 * dies with the calling thread. */
int spawn_rank(const struct spawn *s, struct spawned *out);

#endif
