/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes that survive each other: each opens a boot and a struct survive, and, as a program would,
 * uses its window all the time that it may. What they see is in memory that the test shares.
 */
#ifndef MEMBERS_CREW_H
#define MEMBERS_CREW_H

#include <pthread.h>
#include <stdint.h>
#include <sys/types.h>

#include "dsm/members/survive.h"
#include "tests/boot/job.h"

#define CREW_MAX 8
#define CREW_VIEWS 16

/* What one has seen, under its lock. */
struct seen {
	pthread_mutex_t lock;
	int code; /* of the start */
	int ready; /* has been usable */
	uint32_t view;
	uint64_t members; /* 1 bit each */
	int usable, ended;
	uint64_t entered_ms[CREW_VIEWS], members_of[CREW_VIEWS]; /* by view; 0: not */
	uint64_t used_ms, freed_ms;      /* when the window was last used; and last taken away */
	char why[256];
	int cut; /* asked for by the test: to take this rank, plus one, for cut off */
};

struct shared {
	int leave; /* atomic: all leave, in good order */
	struct seen seen[CREW_MAX];
};

struct crew {
	unsigned nodes;
	uint32_t loss_ms;
	int by_starter;
	char place[40];
	struct job job; /* by_starter */
	pid_t pids[CREW_MAX]; /* 0: gone */
	struct shared *shared;
};

uint64_t crew_now_ms(void);
/* Starts them, and waits until all may use their windows. By hand on TCP, or by a rendezvous in this
 * process. */
void crew_open(struct crew *c, unsigned nodes, int by_starter, uint32_t loss_ms);
void crew_signal(struct crew *c, unsigned rank, int signal);
/* Ends all connections of node 0, the hub, with the others; of those by hand. 0; -1 where that cannot be
 * had. */
int crew_cut_hub(struct crew *c);
/* A look at everything: serves the rendezvous, reaps. */
void crew_serve(struct crew *c, int ms);
/* Waits until exactly these (1 bit each) live in one view and may use their windows. 0; or -1 after a
 * very long time. */
int crew_wait(struct crew *c, uint64_t living);
/* Waits until those who have not ended live in one view, whoever they are: these. 0 after a very long
 * time. */
uint64_t crew_settle(struct crew *c);
/* Waits until rank has ended, in its own words. */
int crew_wait_end(struct crew *c, unsigned rank);
/* Nobody used its window in a view that it was not in: how many did. */
unsigned crew_trespassers(struct crew *c);
void crew_close(struct crew *c);

#endif
