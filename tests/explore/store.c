/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which states were seen: 64 bits of hash each (two states with the same hash would be
 * taken for one; x_result_print() tells how likely that is), and by number the state
 * each was first reached from, and how.
 */
#include <stdlib.h>

#include "tests/explore/explore.h"

#define FIRST_SIZE (UINT64_C(1) << 16)

void x_store_open(struct x_store *s, int live, uint64_t max_states)
{
	uint64_t room = max_states < UINT32_MAX - 1 ? max_states + 1 : UINT32_MAX;

	*s = (struct x_store){ .mask = FIRST_SIZE - 1, .cap = (uint32_t)room };
	s->fp = x_map(FIRST_SIZE * sizeof *s->fp);
	s->number = live ? x_map(FIRST_SIZE * sizeof *s->number) : NULL;
	s->parent = x_map(room * sizeof *s->parent);
	s->action = x_map(room * sizeof *s->action);
}

void x_store_close(struct x_store *s)
{
	x_unmap(s->fp, (s->mask + 1) * sizeof *s->fp);
	x_unmap(s->number, (s->mask + 1) * sizeof *s->number);
	x_unmap(s->parent, s->cap * sizeof *s->parent);
	x_unmap(s->action, s->cap * sizeof *s->action);
}

static uint64_t find(const struct x_store *s, uint64_t fp)
{
	uint64_t at = fp & s->mask;

	while (s->fp[at] && s->fp[at] != fp)
		at = (at + 1) & s->mask;
	return at;
}

static void grow(struct x_store *s)
{
	struct x_store old = *s;
	uint64_t size = 2 * (old.mask + 1);

	s->mask = size - 1;
	s->fp = x_map(size * sizeof *s->fp);
	s->number = old.number ? x_map(size * sizeof *s->number) : NULL;
	for (uint64_t i = 0; i <= old.mask; i++) {
		if (!old.fp[i])
			continue;
		uint64_t at = find(s, old.fp[i]);
		s->fp[at] = old.fp[i];
		if (s->number)
			s->number[at] = old.number[i];
	}
	x_unmap(old.fp, (old.mask + 1) * sizeof *old.fp);
	x_unmap(old.number, (old.mask + 1) * sizeof *old.number);
}

int x_store_add(struct x_store *s, uint64_t fp, uint32_t *number)
{
	uint64_t at;

	if (4 * (s->len + 1) > 3 * (s->mask + 1))
		grow(s);
	fp += !fp;
	at = find(s, fp);
	if (s->fp[at]) {
		if (s->number)
			*number = s->number[at];
		return 0;
	}
	s->fp[at] = fp;
	*number = (uint32_t)s->len++;
	if (s->number)
		s->number[at] = *number;
	return 1;
}
