/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages that are asked for together because they were the last time. */
#include "dsm/node/trails.h"

#include <stddef.h>

#define SURE 3     /* faults that make a trail: from then on it is followed ahead */
#define SEEN 2     /* times that make it known */
#define DOUBT 4    /* more of them, each time that a page was not used */
#define DOUBT_MAX 60
#define TRUSTED 15 /* times that it is taken for what it was, before it is looked at again */

static struct trail_known *place_of(struct trails *t, uint64_t first)
{
	return &t->known[(first * UINT64_C(0x9e3779b97f4a7c15) >> 32) % TRAILS_KNOWN];
}

/* It goes on, and is so long by now. */
static void learn(struct trails *t, const struct trail *o)
{
	const uint64_t n = o->last - o->first + 1;
	struct trail_known *k = place_of(t, o->first);

	if (k->first != o->first + 1)
		*k = (struct trail_known){ .first = o->first + 1 };
	k->seen += !k->followed && k->seen < SEEN + k->doubt;
	k->followed = 1;
	k->n = (uint16_t)(n < TRAILS_MAX ? n : TRAILS_MAX);
}

/* One begins: how long it is, if that is known. */
static unsigned known(struct trails *t, uint64_t first)
{
	struct trail_known *k = place_of(t, first);

	if (k->first != first + 1)
		return 1;
	if (k->seen >= SEEN + k->doubt && k->trusted < TRUSTED) {
		k->trusted++;
		return k->n;
	}
	if (!k->followed)
		k->seen = 0;
	else if (k->seen >= SEEN + k->doubt)
		k->seen = (uint8_t)(SEEN + k->doubt - 1); /* what comes now tells */
	k->followed = k->trusted = 0;
	return 1;
}

/* Which one, or TRAILS_OPEN. */
static unsigned find(const struct trails *t, uint64_t page)
{
	unsigned i = 0;

	while (i < TRAILS_OPEN &&
	       !(t->open[i].next && page >= t->open[i].first && page <= t->open[i].next))
		i++;
	return i;
}

static unsigned begin(struct trails *t, struct trail *o, uint64_t page)
{
	*o = (struct trail){ .first = page, .last = page, .faults = 1, .asked = known(t, page) };
	o->next = page + o->asked;
	return o->asked;
}

/* Behind all that was asked for. */
static unsigned go_on(struct trails *t, struct trail *o, uint64_t page)
{
	o->faults++;
	o->last = page;
	o->asked = o->faults < SURE ? 1 : 2 * o->asked;
	if (o->asked > TRAILS_AHEAD)
		o->asked = TRAILS_AHEAD;
	o->next = page + o->asked;
	learn(t, o);
	return o->asked;
}

unsigned trails_fault(struct trails *t, uint64_t page)
{
	const unsigned i = find(t, page);
	struct trail *o = i < TRAILS_OPEN ? &t->open[i] : NULL;

	if (o && page == o->next)
		return go_on(t, o, page);
	if (o && page > o->last)
		return 1; /* it was asked for: somebody was faster */
	if (!o) {
		t->newest = (t->newest + 1) % TRAILS_OPEN;
		o = &t->open[t->newest];
	}
	return begin(t, o, page); /* or it comes back */
}

void trails_asked(struct trails *t, uint64_t page, unsigned n)
{
	for (unsigned i = 0; i < TRAILS_OPEN; i++)
		if (t->open[i].next && t->open[i].last == page)
			t->open[i].next = page + n;
}

/* --- whether it was of use --- */

uint64_t trails_first(const struct trails *t, uint64_t page)
{
	const unsigned i = find(t, page);

	return i < TRAILS_OPEN ? t->open[i].first : page;
}

void trails_used(struct trails *t, uint64_t first, int used)
{
	struct trail_known *k = place_of(t, first);

	if (k->first != first + 1)
		return;
	if (used) {
		k->doubt -= k->doubt > 0;
		return;
	}
	k->seen = 0;
	if (k->doubt < DOUBT_MAX)
		k->doubt += DOUBT;
}
