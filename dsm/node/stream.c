/* SPDX-License-Identifier: BSD-2-Clause */
/* Detecting sequential and strided reading, thread by thread. */
#include "dsm/node/stream.h"

#include <string.h>

#define STRIDE_REPEATS 2    /* the same distance so often makes a stream */
#define STRIDE_MAX (1 << 16) /* pages; farther apart is chance */

/* The stream has ended: what it had asked for ahead is taken for wasted. */
static void give_up(struct streams *s, struct stream_thread *t)
{
	s->wasted += t->run - 1 + t->ahead;
	t->run = 1;
	t->ahead = 0;
}

/* The thread has read through its last run, or to where the grant of it ended. */
static void run_on(struct stream_thread *t, uint64_t distance)
{
	uint64_t run = 2 * distance;

	t->run = run < STREAM_RUN_MAX ? run : STREAM_RUN_MAX;
	t->ahead = 0;
	t->repeats = 0;
	t->stride = 0;
}

/* Strided reading skips the places that were fetched ahead: it faults every ahead + 1st. */
static void stride_on(struct streams *s, struct stream_thread *t, int64_t distance)
{
	int64_t expected = t->stride * (t->ahead + 1);

	if (t->stride && distance == expected) {
		if (t->repeats < STRIDE_REPEATS)
			t->repeats++;
	} else {
		give_up(s, t);
		t->repeats = 0;
		t->stride = distance >= -STRIDE_MAX && distance <= STRIDE_MAX ? distance : 0;
	}
	if (t->repeats >= STRIDE_REPEATS)
		t->ahead = t->ahead ? t->ahead * 2 : 1;
	if (t->ahead > STREAM_AHEAD_MAX)
		t->ahead = STREAM_AHEAD_MAX;
}

struct stream_advice stream_fault(struct streams *s, uint32_t thread, uint64_t page,
                                  int on_its_way)
{
	struct stream_thread *t = &s->entry[thread % STREAM_THREADS];
	int64_t distance = (int64_t)(page - t->last);

	if (t->thread != thread) /* a newcomer; a clash costs both their streams */
		*t = (struct stream_thread){.thread = thread, .run = 1};
	else if (distance > 0 && distance < t->run && on_its_way)
		; /* it reads faster than pages come: the run stays as long */
	else if (distance > 0 && distance <= t->run)
		run_on(t, distance);
	else if (distance != 0)
		stride_on(s, t, distance);
	else
		t->run = 1; /* nothing came of the run: somebody holds its first page */
	t->last = page;
	return (struct stream_advice){.run = t->run, .ahead = t->ahead, .stride = t->stride};
}

void stream_asked(struct streams *s, uint32_t thread, uint64_t page, uint16_t run)
{
	struct stream_thread *t = &s->entry[thread % STREAM_THREADS];

	if (t->thread == thread && t->last == page)
		t->run = run;
}
