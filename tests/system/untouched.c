/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A job that goes on from what tests/checkpoint/make_sparse.c makes, and touches little of it:
 *
 *	untouched GIB [PLACES]
 *
 * What it has read is counted. The first that a place sees is something else each time; then it is
 * changed by an atomic, read by all, and pages beside it are written, without being read before.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "dsm/dsm_checkpoint.h"
#include "dsm/dsm_coll.h"
#include "dsm/dsm_futex.h"
#include "tests/system/node.h"

#define RUN_WORDS (64 * UINT64_C(512))
#define MARKED 1000
#define PAGE_WORDS 512

static uint64_t *sparse;

/* Of all nodes at once. */
static void touch_first(unsigned way, uint64_t *at, uint64_t run)
{
	switch (way) {
	case 0: CHECK(at[0] == run + 1); break;
	case 1: break; /* the atomic, on which a node waits in a call */
	case 2:
		OK(dsm_pin(node.dsm, at, 64, DSM_PIN_READ));
		CHECK(at[0] == run + 1);
		OK(dsm_unpin(node.dsm, at, 64));
		break;
	case 3:
		EXPECT(DSM_ERR_CHANGED,
		       dsm_futex_wait(node.dsm, (uint32_t *)at, (uint32_t)run, 0));
		break;
	case 4: at[(10 + (uint64_t)node.rank) * PAGE_WORDS] = 1; break;
	default: dsm_prefetch(node.dsm, at, 8 * PAGE_WORDS * sizeof *at); break;
	}
	node_barrier();
}

static void look(unsigned way, uint64_t run)
{
	uint64_t *at = &sparse[run * RUN_WORDS], old = 0;
	const uint64_t size = (uint64_t)node.size, rank = (uint64_t)node.rank;

	touch_first(way, at, run);
	if (rank == way % size) {
		OK(dsm_fetch_add64(node.dsm, at, 1, &old));
		CHECK(old == run + 1);
	}
	node_barrier();
	CHECK(at[0] == run + 2);
	at[(rank + 1) * PAGE_WORDS] = rank;
	node_barrier();
	for (uint64_t i = 0; i < size; i++)
		CHECK(at[(i + 1) * PAGE_WORDS] == i && at[(i + 1) * PAGE_WORDS + 1] == 0);
}

int main(int argc, char **argv)
{
	const uint64_t gib = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
	const uint64_t places = argc > 2 ? strtoull(argv[2], NULL, 10) : 4;
	const uint64_t runs = (gib << 30) / (RUN_WORDS * sizeof(uint64_t));
	uint64_t sum[3];
	struct dsm_stats s;

	node_join("untouched", 60);
	CHECK(gib > 0);
	OK(dsm_lookup(node.dsm, "sparse", 0, (void **)&sparse));
	for (uint64_t k = 0; k < places; k++)
		look((unsigned)k % 6, runs / places * k / MARKED * MARKED);
	OK(dsm_get_stats(node.dsm, &s, sizeof s));
	sum[0] = s.restore_reads;
	sum[1] = s.pages_restored;
	sum[2] = s.pages_away;
	OK(dsm_reduce(node.dsm, sum, 3, DSM_UINT64, DSM_SUM));
	if (node.rank == 0)
		printf("%" PRIu64 " runs read, %" PRIu64 " pages, %" PRIu64 " left\n", sum[0], sum[1],
		       sum[2]);
	CHECK(sum[1] + sum[2] == runs * 64);
	CHECK(sum[0] >= places && sum[0] <= 3 * places && sum[1] <= 64 * 3 * places);
	node_leave();
	return 0;
}
