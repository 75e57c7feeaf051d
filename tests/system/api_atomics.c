/* SPDX-License-Identifier: BSD-2-Clause */
/* dsm_fetch_add*, dsm_swap*, dsm_compare_swap*, towards each other and C11 atomics. */
#include "tests/system/api.h"

#include <string.h>

enum { ROUNDS = 300 };

static struct shared {
	uint64_t sum64, token, turns;
	uint32_t before, sum32, after, turn32;
	uint64_t swapped;
} * shared;

/* All nodes add to the same words, in both ways. */
static void add(unsigned n)
{
	uint64_t old64, last64 = 0;
	uint32_t old32;

	for (int i = 0; i < ROUNDS; i++) {
		OK(dsm_fetch_add64(node.dsm, &shared->sum64, 3, &old64));
		CHECK(i == 0 || old64 > last64);
		last64 = old64;
		OK(dsm_fetch_add32(node.dsm, &shared->sum32, 1, i % 2 ? &old32 : NULL));
		if (i % 4 == 0) {
			old64 = __atomic_fetch_add(&shared->sum64, 3, __ATOMIC_SEQ_CST);
			CHECK(old64 > last64);
			last64 = old64;
			__atomic_fetch_add(&shared->sum32, 1, __ATOMIC_SEQ_CST);
		}
	}
}

/* Every value that is swapped in comes out once; what is left is the last. */
static void swap(unsigned n)
{
	uint64_t old, mine = 0;

	for (uint64_t i = 1; i <= ROUNDS; i++) {
		uint64_t value = (uint64_t)(n + 1) << 32 | i;

		if (i % 3)
			OK(dsm_swap64(node.dsm, &shared->token, value, &old));
		else
			old = __atomic_exchange_n(&shared->token, value, __ATOMIC_SEQ_CST);
		mine += value - old;
	}
	/* In all: everything that went in less everything that came out. */
	OK(dsm_fetch_add64(node.dsm, &shared->swapped, mine, NULL));
}

/* A turn that only a compare-and-swap of the right value moves on. */
static void take_turns(unsigned n)
{
	uint64_t threads = (uint64_t)node.size * API_THREADS, old;
	uint32_t old32;

	for (uint64_t i = 0; i < 10; i++) {
		uint64_t mine = i * threads + n;

		for (;;) {
			OK(dsm_compare_swap64(node.dsm, &shared->turns, mine, mine + 1, &old));
			if (old == mine)
				break;
			CHECK(old < mine);
		}
		/* Only the one whose turn it was comes here with this value. */
		OK(dsm_compare_swap32(node.dsm, &shared->turn32, UINT32_MAX, 0, &old32));
		CHECK(old32 != UINT32_MAX);
		OK(dsm_fetch_add32(node.dsm, &shared->turn32, 1, NULL));
	}
}

static void arguments(void)
{
	uint64_t on_stack = 0, old;
	uint32_t old32;
	char *at = (char *)shared;

	EXPECT(DSM_ERR_INVAL, dsm_fetch_add64(node.dsm, (uint64_t *)(at + 4), 1, &old));
	EXPECT(DSM_ERR_INVAL, dsm_swap64(node.dsm, &on_stack, 1, &old));
	EXPECT(DSM_ERR_INVAL, dsm_fetch_add32(node.dsm, (uint32_t *)(at + 2), 1, &old32));
	EXPECT(DSM_ERR_INVAL, dsm_compare_swap64(node.dsm, NULL, 1, 1, &old));
	CHECK(on_stack == 0);
}

/* Atomics on another node's page do not bring it here. */
static void stays_away(void)
{
	struct dsm_stats before, after;
	uint64_t *page = node_shared("stays", PAGE, PAGE);

	if (node.rank == 0)
		page[1] = 5;
	node_barrier();
	if (node.rank == node.size - 1 && node.size > 1) {
		OK(dsm_get_stats(node.dsm, &before, sizeof before));
		for (int i = 0; i < 20; i++)
			OK(dsm_fetch_add64(node.dsm, &page[0], 1, NULL));
		OK(dsm_get_stats(node.dsm, &after, sizeof after));
		CHECK(after.read_misses == before.read_misses);
		CHECK(after.write_misses == before.write_misses);
		CHECK(page[0] == 20 && page[1] == 5);
	}
	node_unshare("stays", page);
}

void api_atomics(void)
{
	uint64_t threads = (uint64_t)node.size * API_THREADS;
	uint32_t old32;

	shared = node_shared("atomics", sizeof *shared, PAGE);
	arguments();
	node_barrier();
	if (node.rank == 0)
		shared->before = shared->after = 0xdeadbeef;
	node_barrier();
	api_threads(add);
	node_barrier();
	CHECK(shared->sum64 == threads * (ROUNDS + ROUNDS / 4) * 3);
	CHECK(shared->sum32 == threads * (ROUNDS + ROUNDS / 4));
	CHECK(shared->before == 0xdeadbeef && shared->after == 0xdeadbeef);
	api_threads(swap);
	node_barrier();
	CHECK(shared->swapped == shared->token);
	api_threads(take_turns);
	node_barrier();
	CHECK(shared->turns == threads * 10);
	CHECK(shared->turn32 == threads * 10);
	node_barrier();
	/* 32 bits wrap, and leave their neighbours alone. */
	if (node.rank == node.size - 1) {
		OK(dsm_swap32(node.dsm, &shared->sum32, UINT32_MAX, NULL));
		OK(dsm_fetch_add32(node.dsm, &shared->sum32, 2, &old32));
		CHECK(old32 == UINT32_MAX && shared->sum32 == 1);
		CHECK(shared->before == 0xdeadbeef && shared->after == 0xdeadbeef);
	}
	node_barrier();
	stays_away();
	node_unshare("atomics", shared);
}
