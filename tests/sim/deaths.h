/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of tests/sim/deaths share. */
#ifndef SIM_DEATHS_H
#define SIM_DEATHS_H

#include <stddef.h>
#include <stdint.h>

#include "coherence/coh.h"
#include "tests/sim/rng.h"

#define NODES 64
#define THREADS 3
#define LOCKS 3 /* of a home: mutex 0, its condition 1, mutex 2 */
#define WORDS 4 /* one a page, of the first pages of all homes */

#define PAGES 8 /* that threads read, write and renew: the last ones, so that their homes die, too */

enum { IDLE, LOCKS_IT, TRIES, HOLDS, WAITS, COMES, SLEEPS, WAKES, TOUCHES, RENEWS };
struct thread {
	uint8_t state;
	uint32_t mutex; /* home * LOCKS + index, of LOCKS_IT to WAITS */
	uint32_t view;  /* in which the call was made */
	uint32_t page;  /* of TOUCHES and RENEWS, among those */
};
struct queue {
	struct coh_msg *msg;
	uint32_t head, len, cap;
};
struct node {
	struct coh *coh;
	struct thread thread[THREADS];
	uint32_t arrived;
	uint8_t dead, late, entering;
	struct coh_event told[8]; /* comparisons */
	unsigned n_told;
	uint8_t access[PAGES], refused[PAGES];
};

struct deaths {
	unsigned nodes, deaths, living;
	uint64_t seed, events, messages, reports;
	struct rng rng;
	struct node node[NODES];
	struct queue wire[NODES][NODES];
	uint64_t members;
	uint32_t view, word[WORDS];
	int holder[NODES * LOCKS]; /* thread of all, plus one */
	uint8_t orphan[NODES * LOCKS];
	unsigned was_lost; /* of the home that takes a step, before it: a bit a page */
	struct coh_effects fx;
	int draining;
	uint64_t count[16], lost, renewed; /* pages: found to be lost; made anew */
};
extern struct deaths s;

__attribute__((format(printf, 1, 2), noreturn)) void fail(const char *fmt, ...);
static inline uint32_t below(uint32_t n)
{
	return rng_below(&s.rng, n);
}

/* The number of the first of those pages. */
static inline uint64_t first_page(void)
{
	return (s.nodes > WORDS ? s.nodes : WORDS) - 1;
}

/* --- deaths_step.c: events, and what comes of them --- */
int step(unsigned node, const struct coh_event *ev);
/* The oldest message of a pair. */
void deliver(unsigned from, unsigned to);

/* --- deaths_call.c: what threads do --- */
void act(unsigned node, unsigned thread);

#endif
