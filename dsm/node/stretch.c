/* SPDX-License-Identifier: BSD-2-Clause */
/* How long a node keeps what others want as much. */
#include "dsm/node/stretch.h"

#include <string.h>

#include "dsm/base/base.h"

/* In bases (tenure.h). In the shortest stretch some hundred pages come. Patience lasts longer than one
 * takes that nobody keeps, up to twice this: in the simulator 16 and 64 nodes do best with 1 or 2, and
 * with 8 worse than without any of this; 2 to 8 nodes do not care. */
#define LENGTH 64
#define LENGTH_MOST (4 * LENGTH)
#define PATIENCE 2
#define LONGEST_NS UINT64_C(60000000) /* whatever the base is */
#define EARLY_BASES 64                /* the time in which so many make it a fight */
#define VAIN_MOST 4                   /* of the longest, before a rest */
#define RESTS_MOST 6                  /* then a rest takes 64 of the longest stretches */

void stretch_init(struct stretch *s, uint64_t base_ns)
{
	memset(s, 0, sizeof *s);
	s->base_ns = base_ns;
	s->length_ns = clock_earlier(LENGTH * base_ns, LONGEST_NS);
}

void stretch_early(struct stretch *s, uint64_t now_ns)
{
	uint64_t *oldest = &s->early_ns[s->early++ % STRETCH_EARLY];

	if (s->early > STRETCH_EARLY && now_ns < *oldest + EARLY_BASES * s->base_ns)
		s->needed_ns = now_ns + 2 * s->length_ns;
	*oldest = now_ns;
}

/* It has taken its time. Were there still more than half as many faults at the end? */
static void judge(struct stretch *s)
{
	const uint64_t most = clock_earlier(LENGTH_MOST * s->base_ns, LONGEST_NS);

	if (2 * s->faults[1] <= s->faults[0]) {
		s->vain = s->rests = 0;
		return;
	}
	if (s->length_ns < most) {
		s->length_ns = clock_earlier(2 * s->length_ns, most);
		return;
	}
	if (++s->vain < VAIN_MOST)
		return;
	s->vain = 0;
	s->rest_ns = s->end_ns + (most << s->rests);
	s->rests += s->rests < RESTS_MOST;
}

static void begin(struct stretch *s, uint64_t now_ns)
{
	s->end_ns = now_ns + s->length_ns;
	s->faults[0] = s->faults[1] = 0;
	s->gave_way = 0;
}

uint64_t stretch_keeps(struct stretch *s, uint64_t chance, uint64_t now_ns)
{
	if (now_ns >= s->end_ns) {
		if (s->end_ns && !s->gave_way)
			judge(s);
		s->end_ns = 0;
		if (now_ns >= s->needed_ns || now_ns < s->rest_ns)
			return 0;
		begin(s, now_ns);
		s->patience_ns = PATIENCE * s->base_ns * (256 + (chance & 255)) / 256;
	}
	return s->gave_way ? 0 : s->end_ns;
}

void stretch_fault(struct stretch *s, uint64_t now_ns)
{
	if (now_ns < s->end_ns)
		s->faults[now_ns >= s->end_ns - s->length_ns / 2]++;
}

void stretch_give_way(struct stretch *s, uint64_t now_ns)
{
	begin(s, now_ns);
	s->gave_way = 1;
}

void stretch_end(struct stretch *s)
{
	if (s->end_ns && !s->gave_way)
		s->vain = s->rests = 0; /* it was long enough */
	s->end_ns = 0;
}
