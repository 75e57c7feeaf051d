/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All that threads can do at the same time with the words of dsm_sync.h (dsm/calls/states.h): nobody
 * is where another one is, nobody sleeps for ever, nothing is lost, whatever their times are.
 */
#include <stdio.h>
#include <string.h>

#include "tests/objects/model.h"

static bool goes_to(struct thread *t, unsigned at)
{
	t->at = (uint8_t)at;
	return true;
}

/* --- a gate: enter, sleep or give up, be inside, leave, wake --- */

enum { ENTER, ASK, ASLEEP, GIVE_UP, INSIDE, LEAVE, WAKE, AGAIN };

static int32_t left(const struct world *w)
{
	return mutex_left((uint32_t)w->word);
}

static bool has_place(struct world *w, struct thread *t)
{
	w->inside++;
	return goes_to(t, INSIDE);
}

/* Asleep: woken, or too late, which is a way of its own. */
static bool gate_asleep(struct world *w, unsigned n, unsigned choice)
{
	struct thread *t = &w->thread[n];

	if (choice == 0)
		return t->woken && has_place(w, t);
	if (t->woken || t->late)
		return false;
	model_cancel(w, n);
	t->late = 1;
	return goes_to(t, GIVE_UP);
}

static bool gate_step(struct world *w, unsigned n, unsigned choice)
{
	struct thread *t = &w->thread[n];
	int32_t before = left(w);

	if (t->at == ASLEEP)
		return gate_asleep(w, n, choice);
	if (choice)
		return false;
	switch (t->at) {
	case ENTER:
		w->word = (uint32_t)(w->word - 1);
		return gate_has_room(before) ? has_place(w, t) : goes_to(t, ASK);
	case ASK: model_sleep(w, n); return goes_to(t, ASLEEP);
	case GIVE_UP:
		if (!gate_may_leave(before))
			return goes_to(t, ASK); /* and is not late again */
		w->word = (uint32_t)(w->word + 1);
		return goes_to(t, AGAIN);
	case INSIDE: w->inside--; return goes_to(t, LEAVE);
	case LEAVE:
		w->word = (uint32_t)(w->word + 1);
		return goes_to(t, gate_owes(before) ? WAKE : AGAIN);
	case WAKE: return model_wake(w, 1) && goes_to(t, AGAIN);
	default: t->late = 0; return goes_to(t, --t->rounds ? ENTER : MODEL_END);
	}
}

static bool all_at_end(const struct world *w, unsigned threads)
{
	for (unsigned n = 0; n < threads; n++)
		if (w->thread[n].at != MODEL_END)
			return false;
	return true;
}

static const char *mutex_wrong(const struct world *w)
{
	if (w->inside > 1)
		return "two have the mutex";
	return all_at_end(w, 3) && w->word ? "the mutex is not free at the end" : NULL;
}

static const char *sem_wrong(const struct world *w)
{
	if (w->inside > 2)
		return "more have a place than there are";
	return all_at_end(w, 4) && left(w) != 2 ? "places are missing at the end" : NULL;
}

/* --- a condition: consumers wait for events, producers signal; the mutex is one step --- */

enum { LOOK, COND_ASK, COND_ASLEEP, COND_LEAVE, COND_RAISE, COND_WAKE };

/* Under the mutex: takes an event, or counts itself and lets go. */
static bool cond_look(struct world *w, struct thread *t)
{
	if (w->events) {
		w->events--;
		w->taken++;
		return goes_to(t, MODEL_END);
	}
	t->seen = cond_turn(w->word);
	w->word += COND_ONE_WAITS;
	return goes_to(t, COND_ASK);
}

static bool consumer_step(struct world *w, unsigned n, unsigned choice)
{
	struct thread *t = &w->thread[n];

	if (t->at == COND_ASLEEP && choice) {
		if (t->woken || t->late)
			return false;
		model_cancel(w, n);
		t->late = 1;
		return goes_to(t, COND_LEAVE);
	}
	if (choice)
		return false;
	switch (t->at) {
	case LOOK: return cond_look(w, t);
	case COND_ASK:
		if (cond_turn(w->word) != t->seen)
			return goes_to(t, LOOK);
		model_sleep(w, n);
		return goes_to(t, COND_ASLEEP);
	case COND_LEAVE:
		if (cond_may_leave(w->word, t->seen))
			w->word -= COND_ONE_WAITS;
		return goes_to(t, LOOK);
	default: return t->woken && goes_to(t, LOOK);
	}
}

/* An event under the mutex, then a signal without it; seen: a broadcast, and all events at once. */
static bool producer_step(struct world *w, unsigned n, unsigned choice)
{
	struct thread *t = &w->thread[n];

	if (choice)
		return false;
	switch (t->at) {
	case LOOK: w->events += t->seen ? t->rounds : 1; return goes_to(t, COND_RAISE);
	case COND_RAISE:
		if (!cond_waits(w->word))
			break;
		w->word = t->seen ? cond_broadcast(w->word) : cond_signalled(w->word);
		return goes_to(t, COND_WAKE);
	default: model_wake(w, t->seen ? MODEL_THREADS : 1);
	}
	t->rounds = t->seen ? 0 : t->rounds - 1;
	return goes_to(t, t->rounds ? LOOK : MODEL_END);
}

static bool cond_step(struct world *w, unsigned n, unsigned choice)
{
	return n < 2 ? consumer_step(w, n, choice) : producer_step(w, n, choice);
}

static const char *cond_wrong(const struct world *w)
{
	return cond_waits(w->word) > 8 ? "more leave than have come" : NULL;
}

/* --- a barrier, used again and again --- */

static bool barrier_step(struct world *w, unsigned n, unsigned choice)
{
	enum { COME, SLEEP, SLEPT, OPEN, CALL };
	struct thread *t = &w->thread[n];
	uint64_t before = w->word;

	if (choice)
		return false;
	switch (t->at) {
	case COME:
		w->word++;
		w->events++; /* have come at all */
		t->seen = barrier_turn(before);
		return goes_to(t, barrier_is_full(before, 3) ? OPEN : SLEEP);
	case SLEEP:
		if (barrier_turn(w->word) == t->seen) {
			model_sleep(w, n);
			return goes_to(t, SLEPT);
		}
		break;
	case SLEPT: return t->woken && goes_to(t, SLEEP);
	case OPEN: w->word += barrier_next(3); return goes_to(t, CALL);
	default: model_wake(w, MODEL_THREADS);
	}
	if (w->events < 3 * (t->seen + 1))
		w->inside = 1; /* through before all have come */
	return goes_to(t, --t->rounds ? COME : MODEL_END);
}

static const char *barrier_wrong(const struct world *w)
{
	return w->inside ? "one is through before all have come" : NULL;
}

/* --- a reader-writer lock; its turn is a mutex that is one step to take --- */

enum {
	RW_BEGIN,
	RW_TURN,
	RW_COUNT,
	RW_GIVE,
	RW_READS,
	RW_CALL,
	RW_BLOCK,
	RW_DRAIN,
	RW_SLEPT,
	RW_WRITES,
	RW_UNBLOCK
};

static bool reader_step(struct world *w, unsigned n)
{
	struct thread *t = &w->thread[n];
	uint64_t before = w->word;

	switch (t->at) {
	case RW_BEGIN:
		if (!rw_lets_read((uint32_t)before))
			return goes_to(t, RW_TURN);
		w->word++;
		w->readers++;
		return goes_to(t, RW_READS);
	case RW_TURN:
		if (w->word_too)
			return false;
		w->word_too = 1;
		return goes_to(t, RW_COUNT);
	case RW_COUNT:
		w->word++;
		w->readers++;
		return goes_to(t, RW_GIVE);
	case RW_GIVE: w->word_too = 0; return goes_to(t, RW_READS);
	case RW_READS:
		w->word--;
		w->readers--;
		if (rw_owes((uint32_t)before))
			return goes_to(t, RW_CALL);
		break;
	default: model_wake(w, 1);
	}
	return goes_to(t, --t->rounds ? RW_BEGIN : MODEL_END);
}

static bool writer_step(struct world *w, unsigned n, unsigned choice)
{
	struct thread *t = &w->thread[n];

	if (choice && (t->at != RW_SLEPT || t->woken))
		return false;
	switch (t->at) {
	case RW_BEGIN:
		if (w->word_too)
			return false;
		w->word_too = 1;
		return goes_to(t, RW_BLOCK);
	case RW_BLOCK:
		w->word += RW_WRITER;
		t->seen = (uint32_t)w->word;
		return goes_to(t, RW_DRAIN);
	case RW_DRAIN:
		if (rw_lets_write(t->seen)) {
			w->inside++;
			return goes_to(t, RW_WRITES);
		}
		if ((uint32_t)w->word != t->seen) {
			t->seen = (uint32_t)w->word;
			return true;
		}
		model_sleep(w, n);
		return goes_to(t, RW_SLEPT);
	case RW_SLEPT:
		if (choice) { /* too late */
			model_cancel(w, n);
			return goes_to(t, RW_UNBLOCK);
		}
		t->seen = (uint32_t)w->word;
		return t->woken && goes_to(t, RW_DRAIN);
	case RW_WRITES: w->inside--; return goes_to(t, RW_UNBLOCK);
	case RW_UNBLOCK: w->word -= RW_WRITER; return goes_to(t, RW_GIVE);
	default: w->word_too = 0;
	}
	return goes_to(t, --t->rounds ? RW_BEGIN : MODEL_END);
}

static bool rw_step(struct world *w, unsigned n, unsigned choice)
{
	if (n >= 2)
		return writer_step(w, n, choice);
	return choice ? false : reader_step(w, n);
}

static const char *rw_wrong(const struct world *w)
{
	if (w->inside > 1 || (w->inside && w->readers))
		return "a writer is not alone";
	return all_at_end(w, 4) && (w->word || w->word_too) ? "it is not free at the end" : NULL;
}

/* --- once --- */

static bool once_step(struct world *w, unsigned n, unsigned choice)
{
	enum { TRY, WAIT, SLEPT, DO, SAY, CALL };
	struct thread *t = &w->thread[n];

	if (choice)
		return false;
	switch (t->at) {
	case TRY:
		if (w->word == ONCE_NOT_YET) {
			w->word = ONCE_NOW;
			return goes_to(t, DO);
		}
		return goes_to(t, WAIT);
	case WAIT:
		if (w->word == ONCE_NOW) {
			model_sleep(w, n);
			return goes_to(t, SLEPT);
		}
		break;
	case SLEPT: return t->woken && goes_to(t, WAIT);
	case DO: w->taken++; return goes_to(t, SAY);
	case SAY: w->word = ONCE_DONE; return goes_to(t, CALL);
	default: model_wake(w, MODEL_THREADS);
	}
	w->inside |= w->taken != 1;
	return goes_to(t, MODEL_END);
}

static const char *once_wrong(const struct world *w)
{
	return w->inside ? "one goes on, and it was not done once" : NULL;
}

#define ROUNDS(a, b, c, d) \
	.thread = { { .rounds = (a) }, { .rounds = (b) }, { .rounds = (c) }, { .rounds = (d) } }

int main(void)
{
	static const struct program programs[] = {
		{ "mutex", 3, { ROUNDS(3, 3, 3, 0) }, gate_step, mutex_wrong },
		{ "mutex, one dies", 3, { .events = 1, ROUNDS(2, 2, 1, 0) }, owned_step, owned_wrong },
		{ "mutex, two die", 3, { .events = 2, ROUNDS(2, 1, 1, 0) }, owned_step, owned_wrong },
		{ "semaphore of 2", 4, { .word = 1, ROUNDS(2, 1, 1, 1) }, gate_step, sem_wrong },
		{ "condition, signals", 3, { ROUNDS(1, 1, 2, 0) }, cond_step, cond_wrong },
		{ "condition, two who signal", 4, { ROUNDS(1, 1, 1, 1) }, cond_step, cond_wrong },
		{ "condition, broadcast",
		  3,
		  { .thread = { { .rounds = 1 }, { .rounds = 1 }, { .rounds = 2, .seen = 1 } } },
		  cond_step,
		  cond_wrong },
		{ "barrier", 3, { ROUNDS(3, 3, 3, 0) }, barrier_step, barrier_wrong },
		{ "reader-writer lock", 4, { ROUNDS(2, 2, 2, 2) }, rw_step, rw_wrong },
		{ "reader-writer lock, one dies", 4, { .events = 1, ROUNDS(1, 1, 1, 1) }, shared_step, shared_wrong },
		{ "reader-writer lock, two die", 3, { .events = 2, ROUNDS(2, 1, 2, 0) }, shared_step, shared_wrong },
		{ "barrier, one dies", 3, { .events = 1, ROUNDS(3, 3, 3, 0) }, shared_barrier_step, shared_barrier_wrong },
		{ "barrier, two die", 3, { .events = 2, ROUNDS(2, 2, 2, 0) }, shared_barrier_step, shared_barrier_wrong },
		{ "once", 4, { ROUNDS(1, 1, 1, 1) }, once_step, once_wrong },
		{ "once, two die", 4, { .events = 2, ROUNDS(1, 1, 1, 1) }, shared_once_step, shared_once_wrong },
	};

	for (unsigned i = 0; i < sizeof programs / sizeof *programs; i++)
		printf("%s: %lu states\n", programs[i].name, model_explore(&programs[i]));
	return 0;
}
