/* SPDX-License-Identifier: BSD-2-Clause */
/* Counting the instructions that fault, in a table that stays as small as it is. */
#include "dsm/node/lines.h"

#include <string.h>

void lines_watch(struct lines *lines, uint64_t now_ns)
{
	if (!lines->until_ns || now_ns >= lines->until_ns)
		memset(lines, 0, sizeof *lines);
	lines->until_ns = now_ns + LINES_WATCH_NS;
}

/* Not in a fixed rhythm: the program may have the same. */
static uint64_t pause_ns(uint64_t now_ns)
{
	const uint64_t mixed = (now_ns ^ now_ns >> 29) * UINT64_C(0x9e3779b97f4a7c15);

	return LINES_EVERY_NS / 2 + (mixed >> 32) % LINES_EVERY_NS;
}

int lines_due(struct lines *lines, uint64_t now_ns)
{
	if (now_ns >= lines->until_ns)
		lines->until_ns = 0;
	if (!lines->until_ns || now_ns < lines->next_ns)
		return 0;
	lines->next_ns = now_ns + pause_ns(now_ns);
	return 1;
}

static int is_line(const struct line *l, uint64_t pc, uint64_t page, int write)
{
	return l->count && l->pc == pc && l->page == page && l->write == write;
}

static struct line *place_of(struct lines *lines, uint64_t pc, uint64_t page, int write)
{
	const uint64_t mixed = (pc ^ page << 20) * UINT64_C(0x9e3779b97f4a7c15);
	struct line *set = lines->set[(mixed >> 40) % LINES_SETS], *least = set;

	for (unsigned i = 0; i < LINES_WAYS; i++) {
		if (is_line(&set[i], pc, page, write))
			return &set[i];
		if (set[i].count < least->count)
			least = &set[i];
	}
	*least = (struct line){ .pc = pc,
		                .page = page,
		                .first = UINT32_MAX,
		                .count = least->count,
		                .over = least->count,
		                .write = write };
	return least;
}

void lines_note(struct lines *lines, uint64_t pc, uint64_t page, uint32_t byte, int write)
{
	struct line *l = place_of(lines, pc, page, !!write);

	l->count++;
	if (byte < l->first)
		l->first = byte;
	if (byte > l->last)
		l->last = byte;
}

unsigned lines_list(const struct lines *lines, struct line *out, unsigned max)
{
	unsigned n = 0;

	for (unsigned i = 0; max && i < LINES_SETS * LINES_WAYS; i++) {
		const struct line *l = &lines->set[i / LINES_WAYS][i % LINES_WAYS];
		unsigned at = n < max ? n : max - 1;
		if (!l->count || (n == max && out[at].count >= l->count))
			continue;
		n += n < max;
		for (; at > 0 && out[at - 1].count < l->count; at--)
			out[at] = out[at - 1];
		out[at] = *l;
	}
	return n;
}
