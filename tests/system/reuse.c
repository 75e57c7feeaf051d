/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Freed memory returns: to the system on all nodes that have had it, to the budget, and to the next
 * block, for which no page is transferred. Two nodes or more, of DSM_MEMORY=64M each.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "dsm/dsm_survive.h"
#include "tests/system/node.h"

#define MIB ((size_t)1 << 20)
#define PAGE ((size_t)4096)
#define BLOCK (24 * MIB)
#define SLACK_KIB 1024 /* what else is shared, and pages that are in tenure just then */

/* Shared memory that this process has mapped and that is there. */
static long shmem_kib(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	long kib = -1;

	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "RssShmem: %ld", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib;
}

static struct dsm_stats stats(void)
{
	struct dsm_stats s;

	OK(dsm_get_stats(node.dsm, &s, sizeof s));
	return s;
}

static void *block_of_rank_0(size_t bytes)
{
	void *block = NULL;

	if (node.rank == 0) {
		OK(dsm_alloc(node.dsm, bytes, 0, 0, &block));
		OK(dsm_publish(node.dsm, "block", block));
	}
	OK(dsm_lookup(node.dsm, "block", 20000, &block));
	node_barrier();
	if (node.rank == 0)
		OK(dsm_publish(node.dsm, "block", NULL));
	return block;
}

/* Rank 1 has written it, rank 0 read half of it; rank 0 frees it, and has one like it anew. */
static void returns(void)
{
	long at_first = shmem_kib(), full;
	uint8_t *block = block_of_rank_0(BLOCK), *again = NULL;
	struct dsm_stats before, after;
	uint64_t sum = 0;

	if (node.rank == 1)
		memset(block, 7, BLOCK);
	node_barrier();
	for (size_t i = 0; i < BLOCK / 2 && node.rank == 0; i += PAGE)
		sum += block[i];
	CHECK(node.rank || sum == 7 * (BLOCK / 2 / PAGE));
	node_barrier();
	full = shmem_kib();
	CHECK(node.rank > 1 || full > at_first + (long)(BLOCK / 4 / 1024));
	if (node.rank == 0)
		OK(dsm_free(node.dsm, block));
	node_barrier();
	if (shmem_kib() > at_first + SLACK_KIB)
		node_fail("%ld KiB at first, %ld full, %ld when all is free", at_first, full,
		          shmem_kib());
	/* Pages that were fetched ahead have landed by now: the free has waited for them. */
	before = stats();
	CHECK(before.memory_used < 4 * MIB);
	node_barrier();
	if (node.rank == 0)
		OK(dsm_alloc(node.dsm, BLOCK, 0, 0, (void **)&again));
	node_barrier();
	after = stats();
	CHECK(after.pages_fetched == before.pages_fetched &&
	      after.pages_written == before.pages_written);
	for (size_t i = 0; i < BLOCK && node.rank == 0; i++)
		CHECK(again[i] == 0);
	if (node.rank == 0)
		OK(dsm_free(node.dsm, again));
	node_barrier();
}

/* What the budgets bound is what is allocated, not where. */
static void is_counted(void)
{
	const size_t most = (size_t)node.size * 60 * MIB;
	void *a, *guard, *b = NULL, *c = NULL;

	if (node.rank == 0) {
		OK(dsm_alloc(node.dsm, most / 2, 0, 0, &a));
		OK(dsm_alloc(node.dsm, PAGE, 0, 0, &guard));
		OK(dsm_free(node.dsm, a));
		OK(dsm_alloc(node.dsm, most - 4 * MIB, 0, 0, &b));
		EXPECT(DSM_ERR_NOMEM, dsm_alloc(node.dsm, most / 2, 0, 0, &c));
		OK(dsm_free(node.dsm, b));
		OK(dsm_alloc(node.dsm, most / 2, 0, 0, &c));
		OK(dsm_free(node.dsm, c));
		OK(dsm_free(node.dsm, guard));
	}
	node_barrier();
}

/* Whoever uses what has been freed is wrong; the others do not suffer. */
static void used_after(void)
{
	for (int round = 0; round < 20; round++) {
		_Atomic uint8_t *block = block_of_rank_0(MIB);
		uint8_t *again = NULL;

		for (size_t i = 0; i < MIB && node.rank == 1; i += PAGE)
			block[i] = (uint8_t)(1 + round);
		if (node.rank == 0)
			OK(dsm_free(node.dsm, (void *)block));
		for (size_t i = 0; i < MIB && node.rank == 1; i += PAGE / 2)
			block[i] = block[(i + MIB / 2) % MIB];
		node_barrier();
		if (node.rank == 0) {
			OK(dsm_alloc(node.dsm, MIB, 0, 0, (void **)&again));
			for (size_t i = 0; i < MIB; i++)
				again[i] = 1;
			OK(dsm_free(node.dsm, again));
		}
		node_barrier();
	}
}

/* A page that a node has pinned stays with it, and the free does not wait. */
static void pinned(void)
{
	for (int home = 0; home < 2; home++) {
		uint8_t *block = block_of_rank_0(2 * MIB), *page = block, *again = NULL;

		page += (size_t)home * 64 * PAGE; /* of another home */
		if (node.rank == 1) {
			page[0] = 5;
			OK(dsm_pin(node.dsm, page, PAGE, DSM_PIN_WRITE));
		}
		node_barrier();
		if (node.rank == 0)
			OK(dsm_free(node.dsm, block));
		node_barrier();
		if (node.rank == 1) {
			CHECK(page[0] == 5);
			OK(dsm_unpin(node.dsm, page, PAGE));
		}
		node_barrier();
		if (node.rank == 0) {
			OK(dsm_alloc(node.dsm, 2 * MIB, 0, 0, (void **)&again));
			for (size_t i = 0; i < 2 * MIB; i++)
				CHECK(again[i] == 0);
			OK(dsm_free(node.dsm, again));
		}
		node_barrier();
	}
}

int main(void)
{
	struct dsm_view view;

	node_join("reuse", 120);
	CHECK(node.size > 1);
	returns();
	is_counted();
	used_after();
	OK(dsm_view(node.dsm, &view));
	if (!view.number) /* where nodes may die there are no pins */
		pinned();
	returns();
	node_leave();
	return 0;
}
