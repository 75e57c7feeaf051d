/* SPDX-License-Identifier: BSD-2-Clause */
/* Deadlines of holds. */
#include "dsm/node/tenure.h"

#include <string.h>

#include "dsm/base/base.h"

#define LIMIT_BASES 128 /* bases that a page is held at most */
#define QUIET_NS 10000  /* a page that has changed, and not for so long, has been left alone */
#define IDLE_PART 8     /* of a base for which one that is kept has not changed */

void tenure_init(struct tenure *t, uint64_t base_ns, unsigned rank)
{
	memset(t, 0, sizeof *t);
	t->base_ns = base_ns;
	t->limit_ns = base_ns * LIMIT_BASES;
	t->random = rank;
	stretch_init(&t->stretch, base_ns);
	t->next_ns = UINT64_MAX;
}

static uint64_t draw(struct tenure *t)
{
	uint64_t z = t->random += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z >> 32;
}

/* Mostly a base or two, seldom very long: of several threads that want the same pages, one
 * now and then holds what it has until the others have given way. */
static uint64_t draw_limit(struct tenure *t)
{
	return t->limit_ns / (1 + draw(t) % LIMIT_BASES);
}

static void set_deadline(struct tenure *t, struct tenure_slot *s, uint64_t at_ns)
{
	s->deadline_ns = at_ns;
	if (at_ns < t->next_ns)
		t->next_ns = at_ns;
}

/* From now on it has to change. */
static void watch(struct tenure *t, struct tenure_slot *s, uint64_t now_ns)
{
	s->wanted = 1;
	s->look_ns = now_ns + t->base_ns / IDLE_PART;
	if (s->look_ns < s->start_ns + t->base_ns)
		s->look_ns = s->start_ns + t->base_ns;
	if (s->looked.at)
		s->last = looks_content(&s->looked);
	if (s->look_ns < t->next_ns)
		t->next_ns = s->look_ns;
}

/* While it is written, and until its thread has waited for too long. */
static void keep_on(struct tenure *t, struct tenure_slot *s, uint64_t now_ns)
{
	s->waits = 0;
	if (s->wanted)
		watch(t, s, now_ns);
	if (s->kept_ns > now_ns + t->base_ns)
		set_deadline(t, s, s->kept_ns);
}

static void given_early(struct tenure *t, struct tenure_slot *s, uint64_t now_ns)
{
	if (s->looked.early)
		stretch_early(&t->stretch, now_ns);
	if (s->looked.often)
		s->kept_ns = stretch_keeps(&t->stretch, draw(t), now_ns);
	if (!s->kept_ns)
		return;
	t->kept++;
	keep_on(t, s, now_ns);
}

void tenure_start(struct tenure *t, unsigned slot, uint32_t thread, const struct looked *w,
                  uint64_t now_ns)
{
	struct tenure_slot *s = &t->slot[slot];

	*s = (struct tenure_slot){.start_ns = now_ns,
	                          .thread = thread,
	                          .limit_ns = draw_limit(t),
	                          .step_ns = QUIET_NS};
	if (w) {
		s->looked = *w;
		s->last = w->was;
	}
	t->running++;
	if (slot >= t->top)
		t->top = slot + 1;
	set_deadline(t, s, now_ns + t->base_ns);
	given_early(t, s, now_ns);
}

static void stop(struct tenure *t, unsigned slot)
{
	t->slot[slot].deadline_ns = 0;
	t->kept -= t->slot[slot].kept_ns > 0;
	while (t->top && !t->slot[t->top - 1].deadline_ns)
		t->top--;
	if (--t->running)
		return;
	t->deferred = 0;
	t->next_ns = UINT64_MAX;
}

void tenure_lowered(struct tenure *t, uint64_t first, uint32_t n)
{
	for (unsigned i = 0; i < t->top; i++) {
		struct looked *w = &t->slot[i].looked;

		if (w->at && w->page >= first && w->page < first + n)
			*w = (struct looked){0};
	}
}

/* From now on it is like any other. */
static void keep_no_longer(struct tenure *t, struct tenure_slot *s)
{
	t->kept--;
	s->kept_ns = 0;
	if (s->looked.at && looks_content(&s->looked) != s->looked.was)
		s->done = 1;
	set_deadline(t, s, s->start_ns + (s->waits && !s->done ? s->limit_ns : t->base_ns));
}

void tenure_wanted(struct tenure *t, unsigned slot, int to_read, uint64_t now_ns)
{
	struct tenure_slot *s = &t->slot[slot];

	t->deferred = 1;
	if (s->deadline_ns && s->kept_ns && to_read)
		keep_no_longer(t, s);
	else if (s->deadline_ns && s->kept_ns)
		watch(t, s, now_ns);
	for (unsigned i = 0; i < t->top; i++)
		if (t->slot[i].deadline_ns && t->slot[i].looked.may_go)
			t->next_ns = 1; /* a look, at once; 0 would be none */
}

/* What is kept may go. */
static void let_go(struct tenure *t, uint64_t now_ns)
{
	for (unsigned i = 0; t->kept && i < t->top; i++)
		if (t->slot[i].deadline_ns && t->slot[i].kept_ns)
			set_deadline(t, &t->slot[i], now_ns);
}

static void give_way(struct tenure *t, uint64_t now_ns)
{
	if (t->stretch.gave_way)
		return;
	stretch_give_way(&t->stretch, now_ns);
	let_go(t, now_ns);
}

/* Of a page that is kept. */
static uint64_t look_kept(struct tenure *t, struct tenure_slot *s, uint64_t now_ns)
{
	if (now_ns >= s->deadline_ns) {
		if (s->waits && now_ns < s->kept_ns)
			give_way(t, now_ns);
		return 0;
	}
	if (!s->wanted || s->waits || !s->looked.at)
		return s->deadline_ns;
	if (now_ns >= s->look_ns) {
		if (looks_content(&s->looked) == s->last)
			return 0;
		watch(t, s, now_ns);
	}
	return clock_earlier(s->look_ns, s->deadline_ns);
}

/* When the slot is to be looked at again; 0: now it is due. */
static uint64_t look(struct tenure *t, struct tenure_slot *s, uint64_t now_ns)
{
	uint64_t is;

	if (s->kept_ns)
		return look_kept(t, s, now_ns);
	if (now_ns >= s->deadline_ns) {
		if (s->looked.at && s->step_ns > QUIET_NS)
			looks_fought(&t->looks, s->looked.page);
		return 0;
	}
	if (!t->deferred || !s->looked.may_go)
		return s->deadline_ns;
	if (now_ns >= s->look_ns) {
		is = looks_content(&s->looked);
		if (is == s->last && s->changed)
			return 0;
		if (is != s->last && s->changed)
			s->step_ns *= 2; /* it is being written */
		s->changed |= is != s->last;
		s->last = is;
		s->look_ns = now_ns + s->step_ns;
	}
	return clock_earlier(s->look_ns, s->deadline_ns);
}

int tenure_due(struct tenure *t, uint64_t now_ns)
{
	int due = -1;
	uint64_t next = UINT64_MAX;

	if (now_ns < t->next_ns)
		return -1;
	t->next_ns = UINT64_MAX; /* a look at one may let others go that have been looked at */
	for (unsigned i = 0; i < t->top; i++) {
		struct tenure_slot *s = &t->slot[i];
		uint64_t at = s->deadline_ns ? look(t, s, now_ns) : UINT64_MAX;
		if (due < 0 && !at)
			due = (int)i;
		else if (at < next)
			next = at;
	}
	t->next_ns = clock_earlier(t->next_ns, next);
	if (due >= 0)
		stop(t, due);
	return due;
}

void tenure_thread_calls(struct tenure *t, uint32_t thread, uint64_t now_ns)
{
	looks_call(&t->looks, thread);
	t->ended = 0;
	stretch_end(&t->stretch);
	let_go(t, now_ns);
}

void tenure_give_way(struct tenure *t, uint64_t now_ns)
{
	if (t->kept)
		give_way(t, now_ns);
}

int tenure_thread_done(struct tenure *t, uint32_t thread)
{
	for (; thread && t->ended < t->top; t->ended++)
		if (t->slot[t->ended].deadline_ns && t->slot[t->ended].thread == thread) {
			stop(t, t->ended); /* next_ns may be too early now, which costs a look */
			return (int)t->ended;
		}
	t->ended = 0;
	return -1;
}

void tenure_thread_waits(struct tenure *t, uint32_t thread, uint64_t now_ns)
{
	stretch_fault(&t->stretch, now_ns);
	if (!t->running || !thread)
		return;
	for (unsigned i = 0; i < t->top; i++) {
		struct tenure_slot *s = &t->slot[i];
		if (!s->deadline_ns || s->thread != thread)
			continue;
		if (s->kept_ns) {
			s->waits = 1;
			set_deadline(t, s, clock_earlier(s->deadline_ns, now_ns + t->stretch.patience_ns));
			continue;
		}
		if (s->looked.at && looks_content(&s->looked) != s->looked.was)
			s->done = 1;
		if (!s->done)
			set_deadline(t, s, s->start_ns + s->limit_ns);
	}
}

void tenure_thread_runs(struct tenure *t, uint32_t thread, uint64_t now_ns)
{
	if (!t->running || !thread)
		return;
	for (unsigned i = 0; i < t->top; i++) {
		struct tenure_slot *s = &t->slot[i];
		uint64_t limit = s->start_ns + s->limit_ns, at = now_ns + t->base_ns;
		if (!s->deadline_ns || s->thread != thread || s->done)
			continue;
		if (!s->kept_ns)
			set_deadline(t, s, clock_earlier(at, limit));
		else if (!t->stretch.gave_way)
			keep_on(t, s, now_ns);
	}
}
