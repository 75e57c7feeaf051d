/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of tests/sim/secure share. */
#ifndef SIM_SECURE_H
#define SIM_SECURE_H

#include <stdint.h>

#include "coherence/coh.h"
#include "tests/sim/rng.h"

#define NODES 64
#define PAGES 24
#define SECURE 16 /* the first ones */
#define THREADS 2
#define WRITES 400000

struct queue {
	struct coh_msg *msg;
	uint32_t head, len, cap;
};
struct move {
	unsigned from, to;
	uint64_t page;
	uint32_t view, tag;
};
struct node {
	struct coh *coh;
	uint32_t frame[PAGES], stage[PAGES], wrote[SECURE]; /* its last write of each */
	uint32_t told[SECURE];                /* what it had written when it called */
	uint8_t access[PAGES], refused[PAGES], dead, late, calls, renews;
	uint8_t alone; /* what it pushes it alone may have, as a neighbour has died */
	struct {
		uint8_t page, writes, waits;
	} thread[THREADS];
};
struct secure_job {
	unsigned nodes, deaths, living;
	int any, draining;
	uint64_t seed, events, members, reads, messages, fell, lost, told, copies, renewals;
	uint32_t view, clock, last[PAGES], floor[SECURE];
	uint32_t renewed[PAGES]; /* made anew after so many writes: older ones are gone for good */
	struct rng rng;
	struct node node[NODES];
	struct queue wire[NODES][NODES];
	struct move *move;
	unsigned n_moves;
	struct coh_effects fx;
	uint8_t *writer;
	uint32_t (*seen)[SECURE]; /* by write: what its node had written by then */
};
extern struct secure_job s;
enum { CALL_COOKIE = 1, RENEW_COOKIE };

static inline uint32_t below(uint32_t n)
{
	return rng_below(&s.rng, n);
}
__attribute__((format(printf, 1, 2), noreturn)) void fail(const char *fmt, ...);

/* --- secure_step.c --- */
int step(unsigned node, const struct coh_event *ev);
/* What a node finds in its frame, when it may read it; it writes it. */
void look(unsigned node, unsigned page);
void write_page(unsigned node, unsigned page);

#endif
