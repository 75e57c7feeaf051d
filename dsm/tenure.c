/* SPDX-License-Identifier: BSD-2-Clause */
/* Deadlines of holds, and the growth of tenures for threads without progress. */
#include "dsm/tenure.h"

#include <string.h>

void tenure_init(struct tenure *t, uint64_t base_ns)
{
	memset(t, 0, sizeof *t);
	t->base_ns = base_ns;
	t->next_ns = UINT64_MAX;
}

void tenure_start(struct tenure *t, unsigned slot, unsigned level, uint64_t now_ns)
{
	uint64_t deadline = now_ns + (t->base_ns << level);

	t->deadline_ns[slot] = deadline;
	t->running++;
	if (deadline < t->next_ns)
		t->next_ns = deadline;
}

int tenure_due(struct tenure *t, uint64_t now_ns)
{
	int due = -1;
	uint64_t next = UINT64_MAX;

	if (now_ns < t->next_ns)
		return -1;
	for (unsigned i = 0; i < TENURE_SLOTS; i++) {
		uint64_t at = t->deadline_ns[i];
		if (!at)
			continue;
		if (due < 0 && at <= now_ns)
			due = (int)i;
		else if (at < next)
			next = at;
	}
	t->next_ns = next;
	if (due >= 0) {
		t->deadline_ns[due] = 0;
		if (--t->running == 0)
			t->deferred = 0;
	}
	return due;
}

unsigned tenure_level(struct tenure *t, uint32_t thread, uint64_t page)
{
	/* Threads share an entry by their id; a clash costs a little patience. */
	struct tenure_thread *h = &t->thread[thread % TENURE_THREADS];
	unsigned last = (h->next + TENURE_PAGES - 1) % TENURE_PAGES;
	int seen = 0;

	if (h->thread != thread) {
		memset(h, 0, sizeof *h);
		memset(h->page, 0xff, sizeof h->page);
		h->thread = thread;
	}
	/* One page over and over is a page in demand, and its thread gets on. Pages in
	 * turn may be one instruction that needs them all at once. */
	for (unsigned i = 0; i < TENURE_PAGES; i++)
		seen |= i != last && h->page[i] == page;
	if (h->page[last] != page) {
		h->page[h->next] = page;
		h->next = (h->next + 1) % TENURE_PAGES;
		if (!seen)
			h->revisits = 0;
		else if (h->revisits < 255)
			h->revisits++;
	}
	return h->revisits / 8 < TENURE_LEVEL_MAX ? h->revisits / 8 : TENURE_LEVEL_MAX;
}
