/* SPDX-License-Identifier: BSD-2-Clause */
/* How long a node keeps what others want as much. */
#include "dsm/node/stretch.h"

/* In bases (tenure.h). In a stretch some hundred pages come. Patience lasts longer than one takes that
 * nobody keeps, up to twice this: in the simulator 16 and 64 nodes do best with 1 or 2, and with 8
 * worse than without any of this; 2 to 8 nodes do not care. */
#define LENGTH 64
#define PATIENCE 2

static void begin(struct stretch *s, uint64_t base_ns, uint64_t now_ns)
{
	s->end_ns = now_ns + LENGTH * base_ns;
	s->gave_way = 0;
}

uint64_t stretch_keeps(struct stretch *s, uint64_t base_ns, uint64_t chance, uint64_t now_ns)
{
	if (now_ns >= s->end_ns) {
		begin(s, base_ns, now_ns);
		s->patience_ns = PATIENCE * base_ns * (256 + (chance & 255)) / 256;
	}
	return s->gave_way ? 0 : s->end_ns;
}

void stretch_give_way(struct stretch *s, uint64_t base_ns, uint64_t now_ns)
{
	begin(s, base_ns, now_ns);
	s->gave_way = 1;
}

void stretch_end(struct stretch *s)
{
	s->end_ns = 0;
}
