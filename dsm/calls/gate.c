/* SPDX-License-Identifier: BSD-2-Clause */
/* Places that threads of all nodes wait for. */
#include "dsm/calls/gate.h"

#include <sched.h>

#include "dsm/calls/words.h"
#include "dsm/node/node.h"

#define YIELDS 16         /* before it takes long */
#define PAUSE_NS 1000000l /* at most */

static int32_t left_of(const struct gate *g, uint32_t word)
{
	return (int32_t)word + g->places;
}

int gate_enter(struct dsm *d, const struct gate *g, int near, int *has)
{
	uint32_t was;
	int rc = word_add(d, near, g->word, UINT32_MAX, &was);

	*has = gate_has_room(left_of(g, was));
	return rc;
}

/* --- waiting --- */

/* 1: out of the line; 0: somebody has this thread's place ready. */
static int leave_line(struct dsm *d, const struct gate *g)
{
	uint32_t was, is;
	int rc, near = word_is_here(d, g->word);

	rc = word_load(d, near, g->word, &is);
	while (rc == 0 && gate_may_leave(left_of(g, is))) {
		was = is;
		rc = word_compare_swap(d, near, g->word, was, was + 1, &is);
		if (rc == 0 && is == was)
			return 1;
	}
	return rc;
}

/* A wake or a wait found nobody, or no room: before it is tried again. */
static void pause_before(unsigned again)
{
	if (again < YIELDS)
		sched_yield();
	else
		clock_nap(again < 10 ? 1000l << again : PAUSE_NS);
}

int gate_wait(struct dsm *d, const struct gate *g, uint64_t until_ns)
{
	for (unsigned again = 0;; again++) {
		int rc = word_wait(d, g->word, COH_FUTEX_OWN, 0, until_ns), out;

		if (rc == 0 || rc == DSM_ERR_LOST)
			return rc;
		out = leave_line(d, g);
		if (out < 0)
			return out;
		if (out)
			return rc;
		until_ns = WAITS_FOR_EVER;
		if (rc != DSM_ERR_TIMEDOUT)
			pause_before(again);
	}
}

int gate_try(struct dsm *d, const struct gate *g, int near)
{
	uint32_t was, is;
	int rc = word_load(d, near, g->word, &is);

	while (rc == 0 && gate_has_room(left_of(g, is))) {
		was = is;
		rc = word_compare_swap(d, near, g->word, was, was - 1, &is);
		if (rc == 0 && is == was)
			return 0;
	}
	return rc ? rc : DSM_ERR_BUSY;
}

/* --- giving back --- */

/* There is one who waits, or is about to. Nothing of the gate is touched after it. */
static int wake_one(struct dsm *d, const struct gate *g)
{
	uint32_t woken;

	for (unsigned again = 0;; again++) {
		int rc = word_wake(d, g->word, COH_FUTEX_OWN, 1, &woken);

		if (rc || woken)
			return rc;
		pause_before(again);
	}
}

int gate_leave(struct dsm *d, const struct gate *g, int32_t *left)
{
	uint32_t was;
	int rc = word_add(d, word_is_here(d, g->word), g->word, 1, &was);

	if (rc)
		return rc;
	if (left)
		*left = left_of(g, was);
	return gate_owes(left_of(g, was)) ? wake_one(d, g) : 0;
}
