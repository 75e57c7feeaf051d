/* SPDX-License-Identifier: BSD-2-Clause */
/* Deadlines of holds. */
#include "dsm/node/tenure.h"

#include <string.h>

#define LIMIT_BASES 128 /* bases that a page is held at most */

void tenure_init(struct tenure *t, uint64_t base_ns, unsigned rank)
{
	memset(t, 0, sizeof *t);
	t->base_ns = base_ns;
	t->limit_ns = base_ns * LIMIT_BASES;
	t->random = rank;
	t->next_ns = UINT64_MAX;
}

/* Mostly a base or two, seldom very long: of several threads that want the same pages, one
 * now and then holds what it has until the others have given way. */
static uint64_t draw_limit(struct tenure *t)
{
	uint64_t z = t->random += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return t->limit_ns / (1 + (z >> 32) % LIMIT_BASES);
}

static void set_deadline(struct tenure *t, struct tenure_slot *s, uint64_t at_ns)
{
	s->deadline_ns = at_ns;
	if (at_ns < t->next_ns)
		t->next_ns = at_ns;
}

void tenure_start(struct tenure *t, unsigned slot, uint32_t thread, uint64_t now_ns)
{
	struct tenure_slot *s = &t->slot[slot];

	s->start_ns = now_ns;
	s->thread = thread;
	s->limit_ns = draw_limit(t);
	t->running++;
	if (slot >= t->top)
		t->top = slot + 1;
	set_deadline(t, s, now_ns + t->base_ns);
}

static void stop(struct tenure *t, unsigned slot)
{
	t->slot[slot].deadline_ns = 0;
	while (t->top && !t->slot[t->top - 1].deadline_ns)
		t->top--;
	if (--t->running)
		return;
	t->deferred = 0;
	t->next_ns = UINT64_MAX;
}

int tenure_due(struct tenure *t, uint64_t now_ns)
{
	int due = -1;
	uint64_t next = UINT64_MAX;

	if (now_ns < t->next_ns)
		return -1;
	for (unsigned i = 0; i < t->top; i++) {
		uint64_t at = t->slot[i].deadline_ns;
		if (!at)
			continue;
		if (due < 0 && at <= now_ns)
			due = (int)i;
		else if (at < next)
			next = at;
	}
	t->next_ns = next;
	if (due >= 0)
		stop(t, due);
	return due;
}

int tenure_thread_done(struct tenure *t, uint32_t thread)
{
	if (!t->running || !thread)
		return -1;
	for (unsigned i = 0; i < t->top; i++)
		if (t->slot[i].deadline_ns && t->slot[i].thread == thread) {
			stop(t, i); /* next_ns may be too early now, which costs a look */
			return (int)i;
		}
	return -1;
}

void tenure_thread_waits(struct tenure *t, uint32_t thread)
{
	if (!t->running || !thread)
		return;
	for (unsigned i = 0; i < t->top; i++) {
		struct tenure_slot *s = &t->slot[i];
		if (s->deadline_ns && s->thread == thread)
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
		if (s->deadline_ns && s->thread == thread)
			set_deadline(t, s, at < limit ? at : limit);
	}
}
