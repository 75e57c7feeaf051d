/* SPDX-License-Identifier: BSD-2-Clause */
/* Deadlines of holds. */
#include "dsm/tenure.h"

#include <string.h>

#define LIMIT_BASES 8      /* bases that a page is held at most, */
#define LIMIT_RANK_BASES 2 /* and these for each rank above one's own */

void tenure_init(struct tenure *t, uint64_t base_ns, unsigned rank, unsigned size)
{
	memset(t, 0, sizeof *t);
	t->base_ns = base_ns;
	t->limit_ns = base_ns * (LIMIT_BASES + LIMIT_RANK_BASES * (size - 1 - rank));
	t->next_ns = UINT64_MAX;
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
	t->running++;
	set_deadline(t, s, now_ns + t->base_ns);
}

int tenure_due(struct tenure *t, uint64_t now_ns)
{
	int due = -1;
	uint64_t next = UINT64_MAX;

	if (now_ns < t->next_ns)
		return -1;
	for (unsigned i = 0; i < TENURE_SLOTS; i++) {
		uint64_t at = t->slot[i].deadline_ns;
		if (!at)
			continue;
		if (due < 0 && at <= now_ns)
			due = (int)i;
		else if (at < next)
			next = at;
	}
	t->next_ns = next;
	if (due >= 0) {
		t->slot[due].deadline_ns = 0;
		if (--t->running == 0)
			t->deferred = 0;
	}
	return due;
}

void tenure_thread_waits(struct tenure *t, uint32_t thread)
{
	if (!t->running || !thread)
		return;
	for (unsigned i = 0; i < TENURE_SLOTS; i++) {
		struct tenure_slot *s = &t->slot[i];
		if (s->deadline_ns && s->thread == thread)
			set_deadline(t, s, s->start_ns + t->limit_ns);
	}
}

void tenure_thread_runs(struct tenure *t, uint32_t thread, uint64_t now_ns)
{
	if (!t->running || !thread)
		return;
	for (unsigned i = 0; i < TENURE_SLOTS; i++) {
		struct tenure_slot *s = &t->slot[i];
		uint64_t limit = s->start_ns + t->limit_ns, at = now_ns + t->base_ns;
		if (s->deadline_ns && s->thread == thread)
			set_deadline(t, s, at < limit ? at : limit);
	}
}
