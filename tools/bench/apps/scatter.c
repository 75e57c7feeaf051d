/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Radix sort of n keys, a digit of 8 bits in each of four passes. Members own keys by their
 * place; each counts its digits, and then writes its keys to wherever all counts together say: to
 * 256 places at a time, on pages that others write, too.
 */
#include <string.h>

#include "tools/bench/apps/kernels.h"

#define DIGITS 256

/* Where this member's keys of each digit go: behind all smaller digits, and behind the same digit
 * of members before it. */
static void places(const struct team *t, uint32_t (*counts)[DIGITS], uint32_t *place)
{
	uint32_t at = 0;

	for (unsigned digit = 0; digit < DIGITS; digit++)
		for (unsigned rank = 0; rank < t->size; rank++) {
			if (rank == t->rank)
				place[digit] = at;
			at += counts[rank][digit];
		}
}

static void pass(struct team *t, const uint32_t *from, uint32_t *to, uint32_t (*counts)[DIGITS],
                 unsigned shift)
{
	const size_t first = team_from(t, t->n), end = team_to(t, t->n);
	uint32_t count[DIGITS] = { 0 }, place[DIGITS];

	for (size_t i = first; i < end; i++)
		count[from[i] >> shift & (DIGITS - 1)]++;
	memcpy(counts[t->rank], count, sizeof count);
	team_barrier(t);
	places(t, counts, place);
	for (size_t i = first; i < end; i++)
		to[place[from[i] >> shift & (DIGITS - 1)]++] = from[i];
	team_barrier(t);
}

static void run(struct team *t)
{
	const size_t bytes = t->n * sizeof(uint32_t);
	uint32_t *a = team_take(t, bytes), *b = team_take(t, bytes);
	uint32_t(*counts)[DIGITS] = team_take(t, t->size * sizeof *counts);

	for (size_t i = team_from(t, t->n); i < team_to(t, t->n); i++)
		a[i] = (uint32_t)team_hash(i);
	/* Keys are read by who has written them, so this needs no barrier. */
	for (unsigned shift = 0; shift < 32; shift += 16) {
		pass(t, a, b, counts, shift);
		pass(t, b, a, counts, shift + 8);
	}
	t->result = a;
	t->result_bytes = bytes;
}

const struct kernel kernel_scatter = { .name = "scatter",
	                               .run = run,
	                               .bytes = (2 << 20) + TEAM_SIZE_MAX * DIGITS * 4,
	                               .full = { .n = 1 << 18 },
	                               .few = { .n = 1 << 12 } };
