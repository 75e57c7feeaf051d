/* SPDX-License-Identifier: BSD-2-Clause */
/* Detecting streams of writes, place by place. */
#include "dsm/node/writes.h"

#define WRITES_ALONE_MIN 4

/* The stream that page goes on with, or one that begins in place of the oldest. */
static struct writes_stream *find(struct writes *w, uint64_t page)
{
	struct writes_stream *s;

	for (unsigned i = 0; i < WRITES_STREAMS; i++) {
		s = &w->stream[i];
		if (s->run && page >= s->last && page <= s->next)
			return s;
	}
	w->newest = (w->newest + 1) % WRITES_STREAMS;
	s = &w->stream[w->newest];
	*s = (struct writes_stream){ .last = page, .next = page + 1 };
	return s;
}

/* It was asked for a run there, and the page is still not here. */
static void refused(struct writes_stream *s)
{
	s->alone = s->alone ? 2 * s->alone : WRITES_ALONE_MIN;
	if (s->alone > WRITES_RUN_MAX)
		s->alone = WRITES_RUN_MAX;
	s->left = s->alone;
}

/* The stream goes on behind all that it asked for. */
static uint32_t longer(struct writes_stream *s)
{
	if (s->left) {
		s->left--;
		return 1;
	}
	if (s->run > 1)
		s->alone = 0;
	return 2 * s->run < WRITES_RUN_MAX ? 2 * s->run : WRITES_RUN_MAX;
}

unsigned writes_fault(struct writes *w, uint64_t page)
{
	struct writes_stream *s = find(w, page);

	if (s->run && page == s->last && s->next > page + 1)
		refused(s);
	if (!s->run || page == s->last)
		s->run = 1;
	else if (page == s->next)
		s->run = longer(s);
	else
		s->run = (uint32_t)(page - s->last); /* the grant was as long */
	s->last = page;
	s->next = page + s->run;
	return s->run;
}

void writes_asked(struct writes *w, uint64_t page, unsigned n)
{
	for (unsigned i = 0; i < WRITES_STREAMS; i++)
		if (w->stream[i].run && w->stream[i].last == page)
			w->stream[i].next = page + n;
}
