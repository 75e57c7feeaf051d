/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A mutex where nodes may die (dsm/calls/robust.c), each thread a node of its own: it dies at any step,
 * also as the holder, or when it has been woken; until the others are in the next view nobody knows, and
 * then all who sleep are woken. The next holder is told of one who has died, and only he.
 */
#include <stddef.h>

#include "tests/objects/model.h"

enum { LOAD, TAKE, MARK, SLEEP, ASLEEP, INSIDE, GIVE, WAKE, AGAIN, DEAD };
#define LEFT_OUT UINT32_MAX

enum { DIES = 1, TOO_LATE = 2 }; /* choices */

static bool goes_to(struct thread *t, unsigned at)
{
	t->at = (uint8_t)at;
	return true;
}

static uint32_t word(const struct world *w)
{
	return (uint32_t)w->word;
}

/* How many nodes have been left out. A thread notes it when it looks whether the owner lives. */
static uint32_t view(const struct world *w)
{
	return w->readers;
}

static bool is_known_dead(const struct world *w, unsigned n)
{
	return w->thread[n].seen_too == LEFT_OUT;
}

/* What it has seen does not matter any more. */
static void forget(struct thread *t)
{
	t->seen = t->seen_too = 0;
	t->woken = t->late = 0;
}

static bool has_waited(struct thread *t)
{
	forget(t);
	t->late = 1;
	return goes_to(t, LOAD);
}

static bool take(struct world *w, unsigned n)
{
	struct thread *t = &w->thread[n];
	const bool orphan = !owned_is_free(t->seen) && is_known_dead(w, owned_node(t->seen));

	t->seen_too = view(w);
	if (!owned_is_free(t->seen) && !orphan)
		return goes_to(t, MARK);
	if (word(w) != t->seen) {
		t->seen = word(w);
		return true;
	}
	w->word = owned_taken(t->seen, n, t->late);
	w->taken |= orphan != (w->word_too != 0); /* told wrongly, or not */
	w->word_too = 0;
	w->inside++;
	forget(t);
	return goes_to(t, INSIDE);
}

static bool die(struct world *w, unsigned n)
{
	struct thread *t = &w->thread[n];

	if (!w->events || t->at == DEAD)
		return false;
	w->events--;
	w->inside -= t->at == INSIDE;
	if (t->at == INSIDE || t->at == GIVE)
		w->word_too = n + 1;
	forget(t);
	return goes_to(t, DEAD);
}

/* The others are in a view without it. */
static bool begin_view(struct world *w, unsigned n)
{
	model_cancel(w, n);
	model_wake(w, MODEL_THREADS);
	w->readers++;
	w->thread[n].seen_too = LEFT_OUT;
	return goes_to(&w->thread[n], MODEL_END);
}

bool owned_step(struct world *w, unsigned n, unsigned choice)
{
	struct thread *t = &w->thread[n];

	if (choice == DIES)
		return die(w, n);
	if (choice == TOO_LATE) {
		if (t->at != ASLEEP || t->woken)
			return false;
		model_cancel(w, n);
		return goes_to(t, AGAIN);
	}
	switch (t->at) {
	case LOAD: t->seen = word(w); return goes_to(t, TAKE);
	case TAKE: return take(w, n);
	case MARK:
		if (t->seen & OWNED_WAITED)
			return goes_to(t, SLEEP);
		if (word(w) != t->seen)
			return has_waited(t);
		w->word |= OWNED_WAITED;
		t->seen = word(w);
		return goes_to(t, SLEEP);
	case SLEEP:
		if (word(w) != t->seen || t->seen_too != view(w))
			return has_waited(t);
		model_sleep(w, n);
		return goes_to(t, ASLEEP);
	case ASLEEP: return t->woken && has_waited(t);
	case INSIDE: w->inside--; return goes_to(t, GIVE);
	case GIVE: {
		const bool waited = word(w) & OWNED_WAITED;
		w->word = 0;
		return goes_to(t, waited ? WAKE : AGAIN);
	}
	case WAKE: model_wake(w, 1); return goes_to(t, AGAIN);
	case DEAD: return begin_view(w, n);
	default: forget(t); return goes_to(t, --t->rounds ? LOAD : MODEL_END);
	}
}

const char *owned_wrong(const struct world *w)
{
	if (w->inside > 1)
		return "two have the mutex";
	return w->taken ? "a holder's death is told wrongly, or not" : NULL;
}
