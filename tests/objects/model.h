/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A world of a few threads, one word and those who sleep for it, as dsm_futex has them: a wait that
 * compares and falls asleep in one step, a wake that takes the oldest. Programs take one step at a
 * time; all orders of steps are gone through, each state once.
 */
#ifndef MODEL_H
#define MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "dsm/calls/states.h"

#define MODEL_THREADS 4

struct thread {
	uint8_t at;     /* in its program */
	uint8_t rounds; /* that are left */
	uint8_t woken;  /* it was asleep, and is not */
	uint8_t late;   /* its time is over */
	uint32_t seen, seen_too;
};

/* No padding: states are compared byte by byte. */
struct world {
	uint64_t word;
	uint32_t word_too;           /* of a reader-writer lock: the turn */
	uint8_t inside, readers;     /* who is where only one may be; who reads */
	uint8_t events, taken;       /* of conditions */
	uint8_t line[MODEL_THREADS]; /* asleep, the oldest first: numbers from 1 */
	struct thread thread[MODEL_THREADS];
};

struct program {
	const char *name;
	unsigned threads;
	struct world start;
	/* One step of thread n, of the choice-th way it may go: false: there is no such way now.
	 * A thread whose at is MODEL_END has ended. */
	bool (*step)(struct world *w, unsigned n, unsigned choice);
	/* NULL, or what is wrong. */
	const char *(*wrong)(const struct world *w);
};
#define MODEL_END 255
#define MODEL_CHOICES 3

/* A step that falls asleep: nothing else happens in it. */
void model_sleep(struct world *w, unsigned n);
/* Asleep: there is no step, but for time, which may be over. */
bool model_is_asleep(const struct world *w, unsigned n);
/* At most count of them: how many. */
unsigned model_wake(struct world *w, unsigned count);
/* Its time is over: out of the line. */
void model_cancel(struct world *w, unsigned n);

/* --- model_owned.c; as in struct program. events: how many may die --- */
bool owned_step(struct world *w, unsigned n, unsigned choice);
const char *owned_wrong(const struct world *w);

/* --- model_shared.c: the same, of reader-writer locks (the first two threads read), barriers, once --- */
bool shared_step(struct world *w, unsigned n, unsigned choice);
const char *shared_wrong(const struct world *w);
bool shared_barrier_step(struct world *w, unsigned n, unsigned choice);
const char *shared_barrier_wrong(const struct world *w);
bool shared_once_step(struct world *w, unsigned n, unsigned choice);
const char *shared_once_wrong(const struct world *w);

/* Goes through all; ends the process where something is wrong, with the way there. Returns how many
 * states there were. */
unsigned long model_explore(const struct program *p);

#endif
