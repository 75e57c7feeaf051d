/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A job that goes on from what tests/system/checkpoint.c has saved, and touches one word of it:
 *
 *	touched READ LEFT
 *
 * So many pages are read for that at most, in one piece, and so many are left at least.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "dsm/dsm_checkpoint.h"
#include "dsm/dsm_coll.h"
#include "tests/system/node.h"

int main(int argc, char **argv)
{
	const uint64_t most = argc > 2 ? strtoull(argv[1], NULL, 10) : 0;
	const uint64_t least = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	volatile uint64_t *word;
	uint64_t sum[3];
	struct dsm_stats s;

	node_join("touched", 60);
	CHECK(most && least);
	OK(dsm_lookup(node.dsm, "word", 0, (void **)&word));
	if (node.rank == 0)
		CHECK((uint32_t)word[1] == 2);
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
	node_leave();
	return 0;
}
