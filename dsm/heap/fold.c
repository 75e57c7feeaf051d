/* SPDX-License-Identifier: BSD-2-Clause */
/* Sums and the like of words: integers of 64 bits, and doubles. */
#include "dsm/heap/fold.h"

#include <string.h>

#include "dsm/dsm_coll.h"

static uint64_t fold_doubles(unsigned op, uint64_t a_bits, uint64_t b_bits)
{
	double a, b;

	memcpy(&a, &a_bits, sizeof a);
	memcpy(&b, &b_bits, sizeof b);
	a = op == DSM_SUM ? a + b : (op == DSM_MIN) == (b < a) ? b : a;
	memcpy(&a_bits, &a, sizeof a);
	return a_bits;
}

/* Integers of 32 bits come as ones of 64, with or without their sign. */
static uint64_t fold(struct heap_round what, uint64_t a, uint64_t b)
{
	const int is_signed = what.type == DSM_INT32 || what.type == DSM_INT64;
	const int b_is_less = is_signed ? (int64_t)b < (int64_t)a : b < a;

	if (what.type == DSM_DOUBLE)
		return fold_doubles(what.op, a, b);
	if (what.op == DSM_SUM)
		return a + b;
	return (what.op == DSM_MIN) == b_is_less ? b : a;
}

void heap_fold(struct heap_round what, uint64_t all[HEAP_WORDS], const uint64_t word[HEAP_WORDS])
{
	for (unsigned k = 0; k < HEAP_WORDS; k++)
		all[k] = fold(what, all[k], word[k]);
}
