/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * madvise(2) of the program on shared memory. It may refuse, but what it accepts leaves every
 * node the data that it had: whatever the page is at the node that asks, and whoever is its home.
 * MADV_REMOVE alone takes data away: that of pages which this node has for writing, and those
 * read as zero then, everywhere.
 *
 *	advice         all that, but for MADV_REMOVE on pages that are here for reading
 *	advice remove  that: the data comes again, or the job ends, with a word on why
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/system/node.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* Linux 5.14 */
#define MADV_POPULATE_WRITE 23
#endif

#define PAGE 4096
#define PAGES 128 /* homes of two nodes */
#define STEP 9    /* those that are used, or it takes long */
#define WORDS (PAGE / sizeof(uint64_t))

static volatile uint64_t (*block)[WORDS];

/* What the pages are at the node that asks. */
enum state { COLD, READ_HERE, WRITTEN_HERE, WRITTEN_ELSEWHERE, STATES };
static const char *const state_name[] = { "cold", "read", "written", "written elsewhere" };

static const struct {
	int advice;
	const char *name;
} advices[] = {
	{ MADV_DONTNEED, "MADV_DONTNEED" }, { MADV_FREE, "MADV_FREE" },
	{ MADV_PAGEOUT, "MADV_PAGEOUT" },   { MADV_COLD, "MADV_COLD" },
	{ MADV_WILLNEED, "MADV_WILLNEED" }, { MADV_POPULATE_READ, "MADV_POPULATE_READ" },
	{ MADV_POPULATE_WRITE, "MADV_POPULATE_WRITE" },
	{ MADV_REMOVE, "MADV_REMOVE" },
};

static uint64_t value(unsigned round, uint64_t page)
{
	return (uint64_t)round * 1000 + page + 1;
}

static void fill(unsigned round)
{
	for (uint64_t page = 0; page < PAGES; page += STEP)
		block[page][7] = value(round, page);
}

static void prepare(enum state state, int actor, unsigned round)
{
	const int other = (actor + 1) % node.size;

	node_barrier();
	if (node.rank == (state == WRITTEN_HERE ? actor : other) && state != COLD)
		fill(round);
	node_barrier();
	if (node.rank == actor && state == READ_HERE)
		for (uint64_t page = 0; page < PAGES; page += STEP)
			CHECK(block[page][7] == value(round, page));
	node_barrier();
}

static void look(const char *name, enum state state, unsigned round, int removed)
{
	for (uint64_t page = 0; page < PAGES; page += STEP) {
		uint64_t got = block[page][7], want = state == COLD ? 0 : value(round, page);

		if (removed && state == WRITTEN_HERE)
			want = 0;
		if (got != want)
			node_fail("after %s of pages that were %s, page %llu has %llu, not %llu",
			          name, state_name[state], (unsigned long long)page,
			          (unsigned long long)got, (unsigned long long)want);
	}
}

static void advise(int actor, unsigned i, enum state state, unsigned round)
{
	const int removes = advices[i].advice == MADV_REMOVE;

	block = node_shared("block", PAGES * PAGE, PAGE);
	prepare(state, actor, round);
	if (node.rank == actor) {
		if (madvise((void *)block, PAGES * PAGE, advices[i].advice))
			CHECK(!removes && (errno == EINVAL || errno == EFAULT || errno == ENOMEM));
		look(advices[i].name, state, round, removes);
	}
	node_barrier();
	look(advices[i].name, state, round, removes);
	node_barrier();
	node_unshare("block", (void *)block);
}

int main(int argc, char **argv)
{
	const unsigned kinds = sizeof advices / sizeof *advices;
	unsigned round = 1;

	node_join("advice", 60);
	/* The last one first: it has copies of pages whose home is another. */
	for (int actor = node.size - 1; actor >= 0; actor--)
		for (unsigned i = argc > 1 ? kinds - 1 : 0; i < kinds; i++)
			for (enum state s = COLD; s < STATES; s++, round++)
				if ((s == READ_HERE && i == kinds - 1) == (argc > 1))
					advise(actor, i, s, round);
	if (node.rank == 0)
		printf("advice: %d nodes over %s: %u kinds on pages of %d kinds\n", node.size,
		       dsm_provider(node.dsm), kinds, STATES);
	node_leave();
	return 0;
}
