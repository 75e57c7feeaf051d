/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that changes, and pages whose faults come back. */
#include "dsm/node/looks.h"

#define LEFT_ALONE 250 /* times, after it was fought for */
#define EARLY_MAX 6

static struct looks_page *place_of(struct looks *w, uint64_t page)
{
	return &w->page[page % LOOKS_PAGES];
}

static struct looks_thread *thread_of(struct looks *w, uint32_t thread)
{
	return &w->thread[thread % LOOKS_THREADS];
}

void looks_call(struct looks *w, uint32_t thread)
{
	thread_of(w, thread)->calls++;
}

static void count_early(struct looks_page *p, int early)
{
	if (!early)
		p->early -= p->early > 0;
	else if (p->early < EARLY_MAX)
		p->early++;
}

/* The page is a little further on than the thread's last one. */
static int in_order(struct looks_thread *t, const struct looked *looked)
{
	const uint64_t step = looked->page - t->last;

	t->last = looked->page;
	return step - 1 < LOOKS_BEHIND;
}

void looks_given(struct looks *w, struct looked *looked, uint64_t offset)
{
	struct looks_page *p = place_of(w, looked->page);
	struct looks_thread *t = thread_of(w, looked->thread);
	const uint32_t calls = t->calls << 16 ^ looked->thread;
	const int ordered = in_order(t, looked);
	int again;

	if (p->page != looked->page + 1) {
		*p = (struct looks_page){.page = looked->page + 1, .at = offset, .calls = calls};
		return;
	}
	again = p->at == offset;
	looked->early = looked->missed && !again && !ordered && p->calls == calls;
	count_early(p, looked->early);
	p->at = (uint16_t)offset;
	p->calls = calls;
	looked->often = p->early > 0;
	looked->may_go = again && !p->fought;
	p->fought -= p->fought > 0;
}

void looks_fought(struct looks *w, uint64_t page)
{
	struct looks_page *p = place_of(w, page);

	if (p->page == page + 1)
		p->fought = LEFT_ALONE;
}

uint64_t looks_content(const struct looked *w)
{
	const uint64_t *word = w->at;
	uint64_t sum = 0;

	if (w->bytes == 4)
		return *(const volatile uint32_t *)w->at;
	/* Factors that differ: two words that swap do not go unseen. */
	for (uint32_t i = 0; i < w->bytes / 8; i++)
		sum += word[i] * (2 * (uint64_t)i + 1);
	return sum;
}
