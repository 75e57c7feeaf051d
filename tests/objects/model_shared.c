/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reader-writer locks, barriers and once where nodes may die (dsm/calls/robust_rw.c, robust_meet.c), each
 * thread a node of its own: it dies at any step; until the others are in the next view nobody knows, and
 * then all who sleep are woken. The lock's word is the lower half of the world's, its map the upper one.
 */
#include <stddef.h>

#include "tests/objects/model.h"

enum { DIES = 1, TOO_LATE = 2 }; /* choices */
enum { DEAD = 200 };             /* and nobody knows */
#define LEFT_OUT UINT32_MAX      /* seen_too of who is known to be dead */

static bool goes_to(struct thread *t, unsigned at)
{
	t->at = (uint8_t)at;
	return true;
}

/* How many views there have been after the first: readers. */
static uint32_t view(const struct world *w)
{
	return w->readers + 1u;
}

static bool is_left_out(const struct world *w, unsigned n)
{
	return w->thread[n].seen_too == LEFT_OUT;
}

static bool is_dead(const struct world *w, unsigned n)
{
	return w->thread[n].at == DEAD || is_left_out(w, n);
}

static bool begin_view(struct world *w, unsigned n)
{
	struct thread *t = &w->thread[n];

	model_cancel(w, n);
	model_wake(w, MODEL_THREADS);
	w->readers++;
	t->seen = 0;
	t->seen_too = LEFT_OUT;
	t->late = t->woken = 0;
	return goes_to(t, MODEL_END);
}

/* The rest of its rounds, or the end. */
static bool again(struct thread *t)
{
	t->seen = t->seen_too = 0;
	t->late = t->woken = 0;
	return goes_to(t, --t->rounds ? 0 : MODEL_END);
}

static bool may_die(struct world *w, struct thread *t)
{
	if (!w->events || t->at == DEAD || t->at == MODEL_END)
		return false;
	w->events--;
	return true;
}

/* --- reader-writer lock. taken: a writer has died inside, of whom all are to be told until one has unlocked it;
 * late: this one is told --- */

enum {
	RW_LOAD, RW_SET, RW_CHECK, RW_BACK, RW_TELL_BACK, RW_WAKE_BACK, RW_TURN, RW_MARK, RW_SET_TOO, RW_GIVE_IN,
	RW_READS, RW_LEAVE, RW_TELL, RW_WAKE, RW_LOOK, RW_MAP, RW_SLEEP, RW_ASLEEP, RW_UNMARK, RW_WRITES,
	RW_CLEAR, RW_GIVE
};

static uint32_t word(const struct world *w)
{
	return (uint32_t)w->word;
}

static void set_word(struct world *w, uint32_t to)
{
	w->word = (w->word & ~(uint64_t)UINT32_MAX) | to;
}

static uint64_t bit_of(unsigned n)
{
	return UINT64_C(1) << (32 + n);
}

/* Free, or of somebody who is known to be dead: then late. */
static bool take_turn(struct world *w, unsigned n)
{
	const uint32_t owner = w->word_too;

	if (owner && !is_left_out(w, owner - 1))
		return false;
	w->word_too = n + 1;
	w->thread[n].late = owner != 0;
	return goes_to(&w->thread[n], RW_MARK);
}

static void mark(struct world *w, struct thread *t, uint32_t off, uint32_t on)
{
	const uint32_t orphan = t->late && word(w) & RW_WRITER ? RW_ORPHAN : 0;

	set_word(w, (word(w) & ~off) | on | orphan);
	t->late = (word(w) & RW_ORPHAN) != 0;
}

static bool tell(struct world *w, struct thread *t, unsigned wake, unsigned otherwise)
{
	if (!(word(w) & RW_WRITER))
		return otherwise == MODEL_END ? again(t) : goes_to(t, otherwise);
	set_word(w, rw_left(word(w)));
	return goes_to(t, wake);
}

static bool reads(struct world *w, struct thread *t)
{
	w->inside |= w->taken && !t->late; /* not told */
	return goes_to(t, RW_READS);
}

static bool shared_reader(struct world *w, unsigned n)
{
	struct thread *t = &w->thread[n];

	switch (t->at) {
	case RW_LOAD: return goes_to(t, word(w) & RW_WRITER ? RW_TURN : RW_SET);
	case RW_SET: w->word |= bit_of(n); return goes_to(t, RW_CHECK);
	case RW_CHECK:
		t->late = (word(w) & RW_ORPHAN) != 0;
		return word(w) & RW_WRITER ? goes_to(t, RW_BACK) : reads(w, t);
	case RW_BACK: w->word &= ~bit_of(n); return goes_to(t, RW_TELL_BACK);
	case RW_TELL_BACK: return tell(w, t, RW_WAKE_BACK, RW_TURN);
	case RW_WAKE_BACK: model_wake(w, MODEL_THREADS); return goes_to(t, RW_TURN);
	case RW_TURN: return take_turn(w, n);
	case RW_MARK: mark(w, t, RW_WRITER, 0); return goes_to(t, RW_SET_TOO);
	case RW_SET_TOO: w->word |= bit_of(n); return goes_to(t, RW_GIVE_IN);
	case RW_GIVE_IN: w->word_too = 0; return reads(w, t);
	case RW_READS: return goes_to(t, RW_LEAVE);
	case RW_LEAVE: w->word &= ~bit_of(n); return goes_to(t, RW_TELL);
	case RW_TELL: return tell(w, t, RW_WAKE, MODEL_END);
	default: model_wake(w, MODEL_THREADS); return again(t);
	}
}

static bool readers_live(const struct world *w)
{
	for (unsigned n = 0; n < MODEL_THREADS; n++)
		if (w->word & bit_of(n) && !is_left_out(w, n))
			return true;
	return false;
}

static bool shared_writer(struct world *w, unsigned n)
{
	struct thread *t = &w->thread[n];

	switch (t->at) {
	case RW_LOAD: return take_turn(w, n);
	case RW_MARK: mark(w, t, 0, RW_WRITER); return goes_to(t, RW_LOOK);
	case RW_LOOK: t->seen = word(w); return goes_to(t, RW_MAP);
	case RW_MAP:
		t->seen_too = view(w);
		if (readers_live(w))
			return goes_to(t, RW_SLEEP);
		w->inside |= w->taken && !t->late;
		return goes_to(t, RW_WRITES);
	case RW_SLEEP:
		if (word(w) != t->seen || view(w) != t->seen_too)
			return goes_to(t, RW_LOOK);
		model_sleep(w, n);
		return goes_to(t, RW_ASLEEP);
	case RW_ASLEEP: return t->woken && goes_to(t, RW_LOOK);
	case RW_UNMARK: set_word(w, word(w) & ~RW_WRITER); return goes_to(t, RW_GIVE);
	case RW_WRITES: return goes_to(t, RW_CLEAR);
	case RW_CLEAR:
		set_word(w, word(w) & ~(RW_WRITER | RW_ORPHAN));
		w->taken = 0;
		return goes_to(t, RW_GIVE);
	default: w->word_too = 0; return again(t);
	}
}

bool shared_step(struct world *w, unsigned n, unsigned choice)
{
	struct thread *t = &w->thread[n];

	if (t->at == DEAD)
		return choice ? false : begin_view(w, n);
	if (choice == DIES) {
		if (!may_die(w, t))
			return false;
		w->taken |= t->at == RW_WRITES || t->at == RW_CLEAR;
		return goes_to(t, DEAD);
	}
	if (choice == TOO_LATE) {
		if (n < 2 || t->at != RW_ASLEEP || t->woken)
			return false;
		model_cancel(w, n);
		return goes_to(t, RW_UNMARK);
	}
	return n < 2 ? shared_reader(w, n) : shared_writer(w, n);
}

const char *shared_wrong(const struct world *w)
{
	unsigned reads = 0, writes = 0;

	for (unsigned n = 0; n < MODEL_THREADS; n++) {
		reads += w->thread[n].at == RW_READS;
		writes += w->thread[n].at == RW_WRITES;
	}
	if (writes > 1 || (writes && reads))
		return "a writer is not alone";
	return w->inside ? "a writer's death is not told" : NULL;
}

/* --- a barrier of three; inside: turns that somebody has left, taken: turns that are broken for somebody --- */

enum { BA_VIEW, BA_COME, BA_SLEEP, BA_ASLEEP, BA_BREAK, BA_CALL };

static bool has_left(struct world *w, struct thread *t, uint32_t turn)
{
	w->inside |= (uint8_t)(1u << turn);
	return again(t);
}

static bool is_broken(struct world *w, struct thread *t)
{
	w->taken |= (uint8_t)(1u << barrier_turn(w->word));
	t->rounds = 1;
	return again(t);
}

static bool come(struct world *w, struct thread *t)
{
	const uint32_t in = owned_barrier_view(w->word), turn = barrier_turn(w->word);

	if (owned_barrier_come(w->word) == BARRIER_BROKEN)
		return is_broken(w, t);
	if (in > t->seen)
		return goes_to(t, BA_VIEW);
	if (in < t->seen) {
		w->word = owned_barrier_broken(w->word);
		return is_broken(w, t);
	}
	w->word = owned_barrier_next(w->word, t->seen, 3);
	t->seen_too = turn;
	return goes_to(t, owned_barrier_come(w->word) ? BA_SLEEP : BA_CALL);
}

bool shared_barrier_step(struct world *w, unsigned n, unsigned choice)
{
	struct thread *t = &w->thread[n];

	if (t->at == DEAD)
		return choice ? false : begin_view(w, n);
	if (choice)
		return choice == DIES && may_die(w, t) && goes_to(t, DEAD);
	switch (t->at) {
	case BA_VIEW: t->seen = view(w); return goes_to(t, BA_COME);
	case BA_COME: return come(w, t);
	case BA_SLEEP:
		if (view(w) != t->seen)
			return goes_to(t, BA_BREAK);
		if (barrier_turn(w->word) != t->seen_too)
			return has_left(w, t, t->seen_too);
		model_sleep(w, n);
		return goes_to(t, BA_ASLEEP);
	case BA_ASLEEP: return t->woken && goes_to(t, BA_SLEEP);
	case BA_BREAK:
		if (barrier_turn(w->word) != t->seen_too)
			return has_left(w, t, t->seen_too);
		w->word = owned_barrier_broken(w->word);
		return is_broken(w, t);
	default: model_wake(w, MODEL_THREADS); return has_left(w, t, t->seen_too);
	}
}

const char *shared_barrier_wrong(const struct world *w)
{
	return w->inside & w->taken ? "a turn is over for one, and broken for another" : NULL;
}

/* --- once; taken: how often it was done --- */

enum { ON_TRY, ON_SLEEP, ON_ASLEEP, ON_DO, ON_SAY, ON_CALL };

bool shared_once_step(struct world *w, unsigned n, unsigned choice)
{
	struct thread *t = &w->thread[n];

	if (t->at == DEAD)
		return choice ? false : begin_view(w, n);
	if (choice)
		return choice == DIES && may_die(w, t) && goes_to(t, DEAD);
	switch (t->at) {
	case ON_TRY:
		t->seen = word(w);
		t->seen_too = view(w);
		if (t->seen == ONCE_DONE)
			break;
		if (t->seen != ONCE_NOT_YET && !is_left_out(w, once_node(t->seen)))
			return goes_to(t, ON_SLEEP);
		set_word(w, once_now_by(n));
		return goes_to(t, ON_DO);
	case ON_SLEEP:
		if (word(w) != t->seen || view(w) != t->seen_too)
			return goes_to(t, ON_TRY);
		model_sleep(w, n);
		return goes_to(t, ON_ASLEEP);
	case ON_ASLEEP: return t->woken && goes_to(t, ON_TRY);
	case ON_DO: w->taken++; return goes_to(t, ON_SAY);
	case ON_SAY: set_word(w, ONCE_DONE); return goes_to(t, ON_CALL);
	default: model_wake(w, MODEL_THREADS);
	}
	w->inside |= w->taken == 0;
	return again(t);
}

const char *shared_once_wrong(const struct world *w)
{
	unsigned dead = 0;

	for (unsigned n = 0; n < MODEL_THREADS; n++)
		dead += is_dead(w, n);
	if (w->inside)
		return "one goes on, and it was not done";
	return w->taken > 1 + dead ? "it is done twice by who lives" : NULL;
}
