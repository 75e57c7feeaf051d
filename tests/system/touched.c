/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A job that goes on from what tests/system/checkpoint.c has saved, and touches one word of it:
 *
 *	touched READ LEFT FLAGS
 *
 * So many pages are read for that at most, in one piece, and so many are left at least. Then the block is
 * given back, whose pages may be others' too, and its memory, of dsm_alloc() with these flags, is zero.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "dsm/dsm_checkpoint.h"
#include "dsm/dsm_coll.h"
#include "tests/system/node.h"

#define PAGE_WORDS 512

/* Rank 0. What lies beside it stays as it is. */
static void give_back(uint64_t *word, unsigned flags)
{
	uint64_t *fresh[2], *chain, *state, self;

	OK(dsm_lookup(node.dsm, "state", 0, (void **)&state));
	self = *state;
	CHECK(self > (uintptr_t)state && self < (uintptr_t)state + 4096);
	OK(dsm_free(node.dsm, word));
	for (int i = 0; i < 2; i++) {
		OK(dsm_alloc(node.dsm, HUGE_PAGE / 2, 0, flags, (void **)&fresh[i]));
		for (uint64_t k = 0; k < HUGE_PAGE / 2 / sizeof(uint64_t); k++)
			CHECK(fresh[i][k] == 0);
	}
	CHECK(*(volatile uint64_t *)state == self);
	OK(dsm_lookup(node.dsm, "chain", 0, (void **)&chain));
	for (uint64_t k = PAGE_WORDS; k < 64 * PAGE_WORDS; k++)
		CHECK(chain[k] == k);
}

int main(int argc, char **argv)
{
	const uint64_t most = argc > 2 ? strtoull(argv[1], NULL, 10) : 0;
	const uint64_t least = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	const unsigned flags = argc > 3 ? (unsigned)atoi(argv[3]) : 0;
	uint64_t *word;
	uint64_t sum[3];
	struct dsm_stats s;

	node_join("touched", 60);
	CHECK(most && least);
	OK(dsm_lookup(node.dsm, "word", 0, (void **)&word));
	if (node.rank == 0)
		CHECK((uint32_t)*(volatile uint64_t *)&word[1] == 2);
	node_barrier();
	OK(dsm_get_stats(node.dsm, &s, sizeof s));
	sum[0] = s.restore_reads;
	sum[1] = s.pages_restored;
	sum[2] = s.pages_away;
	OK(dsm_reduce(node.dsm, sum, 3, DSM_UINT64, DSM_SUM));
	if (node.rank == 0)
		printf("%" PRIu64 " pieces read, %" PRIu64 " pages, %" PRIu64 " left\n", sum[0], sum[1],
		       sum[2]);
	CHECK(sum[0] == 1 && sum[1] >= 1 && sum[1] <= most && sum[2] >= least);
	if (node.rank == 0)
		give_back(word, flags);
	node_barrier();
	node_leave();
	return 0;
}
