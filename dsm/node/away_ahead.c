/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading on: where pages of a checkpoint are wanted in their order, those behind them are read
 * before they are. A stream begins with a page that is wanted; one that is wanted within a run of
 * the files behind it shows that there is one. From then on it is kept AHEAD_BYTES in front of what
 * threads touch, so who reads without order pays nothing, and who reads a part a little.
 */
#include "dsm/node/away.h"

#define AHEAD_BYTES (4u << 20)
#define AHEAD_HUGE 2 /* pages of 2 MiB */
#define RUN_BYTES (256u << 10) /* of the files */

static uint64_t pages_of(const struct away *a, uint64_t page, uint64_t bytes)
{
	return page < a->huge ? bytes / 4096 : bytes == RUN_BYTES ? 1 : AHEAD_HUGE;
}

/* The stream that this page goes on. */
static struct away_stream *find(struct away *a, uint64_t page)
{
	const uint64_t run = pages_of(a, page, RUN_BYTES);

	for (unsigned i = 0; i < AWAY_STREAMS; i++) {
		struct away_stream *s = &a->stream[i];

		if (s->end && page >= s->at && page < s->end + run)
			return s;
	}
	return NULL;
}

void away_ahead(struct away *a, uint64_t page, int is_away)
{
	const uint64_t run = pages_of(a, page, RUN_BYTES);
	const uint64_t end = page + pages_of(a, page, AHEAD_BYTES);
	struct away_stream *s = find(a, page);

	if (!s && is_away) {
		a->stream[a->streams++ % AWAY_STREAMS] =
			(struct away_stream){.at = page, .next = page, .end = page + 1};
		return;
	}
	if (!s)
		return;
	s->open |= is_away && page != s->at;
	s->at = page;
	if (!s->open) {
		s->end = page + 1;
		return;
	}
	if (end < s->end + run)
		return; /* not worth waking anybody */
	s->end = end < a->count ? end : a->count;
	pthread_cond_signal(&a->work);
}

int away_next_ahead(struct away *a, uint64_t *page)
{
	for (unsigned i = 0; i < AWAY_STREAMS; i++) {
		struct away_stream *s = &a->stream[i];

		if (s->next < s->at)
			s->next = s->at;
		if (s->open && s->next < s->end) {
			*page = s->next++;
			return 1;
		}
	}
	return 0;
}
