/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages of which everything is known, for dsmctl heatmap. In block "grid", of 100: page 7 is written
 * by both nodes in turns, pages 10, 17, 12, 19 and 14 are written by node 0 and read by node 1, pages
 * 20 to 29 written by node 1 alone; pages 40 to 99 are nobody's. Block "big" has 5000 pages, of which
 * node 0 has written the last.
 *
 *	dsmctl run -n 2 heat     says "ready"; for a line, both write page 30 in turns, and it says
 *	                         "done"; ends when its standard input does
 */
#include <stdio.h>

#include "dsm/dsm_coll.h"
#include "tests/system/node.h"

#define PAGES 100
#define BIG_PAGES 5000
#define TURNS 20
#define WORDS 512 /* of a page */

static volatile uint64_t *grid, *big;

static void turns(int page)
{
	for (int i = 0; i < TURNS; i++) {
		if (i % 2 == node.rank)
			grid[page * WORDS + i] = 1;
		node_barrier();
	}
}

static void fill(void)
{
	static const int shared[] = { 10, 17, 12, 19, 14 };

	turns(7);
	for (int i = 0; i < 5; i++) {
		if (node.rank == 0)
			grid[shared[i] * WORDS] = 1;
		node_barrier();
		if (node.rank == 1)
			CHECK(grid[shared[i] * WORDS] == 1);
		node_barrier();
	}
	/* Downwards, each by a fault of its own: upwards they come in runs. */
	for (int i = 29; i >= 20 && node.rank == 1; i--)
		grid[i * WORDS] = 1;
	if (node.rank == 0)
		big[(BIG_PAGES - 1) * WORDS] = 1;
	node_barrier();
}

int main(void)
{
	char line[16];
	int go = 0;

	node_join("heat", 60);
	CHECK(node.size == 2);
	grid = node_shared("grid", PAGES * WORDS * 8, WORDS * 8);
	big = node_shared("big", (size_t)BIG_PAGES * WORDS * 8, WORDS * 8);
	fill();
	for (;;) {
		if (node.rank == 0) {
			puts(go ? "done" : "ready");
			fflush(stdout);
			go = fgets(line, sizeof line, stdin) != NULL;
		}
		OK(dsm_broadcast(node.dsm, &go, sizeof go, 0));
		if (!go)
			break;
		turns(30);
	}
	node_leave();
	return 0;
}
