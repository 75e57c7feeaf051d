/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages that are needed with a mutex come with it: two nodes have the same pages by turns, under one. When they
 * have had them a few times the pages come although nobody touches them, whether it is a mutex of the library's or
 * one in memory; later others do. All that was written in a turn is seen in the next.
 */
#include <time.h>

#include "dsm/dsm_sync.h"
#include "tests/system/node.h"

#define PAGE 4096
#define PAGES 4
#define TURNS 120 /* of both nodes together */
#define LEARNED 40 /* after so many they come */
#define PATIENCE_NS UINT64_C(100000000)

struct shared {
	_Alignas(PAGE) dsm_mutex served;
	_Alignas(PAGE) struct dsm_sync_mutex mutex;
	_Alignas(PAGE) uint64_t page[2 * PAGES][PAGE / 8];
};

static struct shared *shared;

static uint64_t fetched(void)
{
	struct dsm_stats stats;

	OK(dsm_get_stats(node.dsm, &stats, sizeof stats));
	return stats.pages_fetched;
}

/* Whether so many have come, before long. */
static bool have_come(uint64_t enough)
{
	const struct timespec moment = { .tv_nsec = 100000 };
	const uint64_t end = node_now_ns() + PATIENCE_NS;

	while (fetched() < enough && node_now_ns() < end)
		nanosleep(&moment, NULL);
	return fetched() >= enough;
}

static void take(bool in_memory)
{
	if (in_memory)
		OK(dsm_sync_mutex_lock(node.dsm, &shared->mutex));
	else
		OK(dsm_mutex_lock(node.dsm, shared->served));
}

static void give(bool in_memory)
{
	if (in_memory)
		OK(dsm_sync_mutex_unlock(node.dsm, &shared->mutex));
	else
		OK(dsm_mutex_unlock(node.dsm, shared->served));
}

/* In how many turns, of those when that is known, all of these pages came by themselves. */
static unsigned play(bool in_memory, unsigned first)
{
	unsigned came = 0;

	for (unsigned turn = 0; turn < TURNS; turn++) {
		const uint64_t before = fetched();

		node_barrier();
		if (turn % 2 != (unsigned)node.rank)
			continue;
		take(in_memory);
		if (turn >= LEARNED)
			came += have_come(before + PAGES);
		for (unsigned i = first; i < first + PAGES; i++) {
			CHECK(shared->page[i][0] == turn);
			shared->page[i][0]++;
			shared->page[i][1 + node.rank] = turn;
		}
		give(in_memory);
	}
	node_barrier();
	return came;
}

static void check_kind(bool in_memory)
{
	unsigned came, others;

	if (node.rank == 0)
		for (unsigned i = 0; i < 2 * PAGES; i++)
			shared->page[i][0] = 0;
	node_barrier();
	came = play(in_memory, 0);
	others = play(in_memory, PAGES);
	node_say("%s: they came in %u of %u turns, and then others in %u", in_memory ? "in memory" : "served", came,
	         (TURNS - LEARNED) / 2, others);
	CHECK(came >= (TURNS - LEARNED) / 8);
	CHECK(others >= (TURNS - LEARNED) / 8);
}

int main(void)
{
	node_join("bound", 60);
	CHECK(node.size == 2);
	shared = node_shared("shared", sizeof *shared, PAGE);
	if (node.rank == 0)
		OK(dsm_mutex_create(node.dsm, &shared->served));
	node_barrier();
	check_kind(false);
	check_kind(true);
	node_barrier();
	if (node.rank == 0)
		OK(dsm_mutex_destroy(node.dsm, shared->served));
	node_leave();
	return 0;
}
