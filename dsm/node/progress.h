/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who looks at the transport: the service thread, or application threads that wait and help;
 * and how the one is told that it has to look. Under the node's lock, but for what does not
 * change after the start, and progress_kick().
 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdint.h>

struct progress {
	unsigned helpers; /* application threads that poll the transport while they wait */
	int asleep;       /* the service thread is, or is just going to be */
	unsigned kept;    /* requests that wait for the service thread */
	uint64_t sleeps;
	/* from the start on: */
	int kick_fd;      /* an eventfd that wakes the service thread; -1: there is none */
	uint64_t spin_ns; /* how long to look for more before sleeping; 0: not at all */
	int crowded;      /* more threads than cores: looking gives way to others */
};

/* Zeroed, and without a descriptor. */
void progress_init(struct progress *progress);
/* -EMFILE and so on. */
int progress_open(struct progress *progress);
void progress_close(struct progress *progress);
/* Makes the service thread look again: something was queued by another thread. Any thread. */
void progress_kick(struct progress *progress);
/* Between two looks at what a thread waits for, at now_ns; without the lock. */
void progress_relax(const struct progress *progress, uint64_t now_ns);

#endif
