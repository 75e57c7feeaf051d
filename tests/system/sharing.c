/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two nodes share pages in ways that dsmctl hot tells apart: one page for a word of each, one
 * for a word of both, and one that a single node uses; and many pages that both write all over in
 * turns, and one that is hardly used. Then they wait to be looked at.
 *
 *	dsmctl run -n 2 sharing     ends when its standard input does
 */
#include <stdio.h>
#include <unistd.h>

#include "tests/system/node.h"

#define TURNS 40
#define PAGE 4096
#define ROWS 16

/* In no order that a node could foresee: what comes ahead of a fault is none, and all rows are to have as many. A row comes
 * more than TRAILS_OPEN pages after the one before it, and the first one so long after the three pages before the rows. */
static const int order[ROWS] = { 3, 9, 2, 8, 1, 15, 7, 14, 6, 13, 12, 0, 11, 10, 5, 4 };

struct page {
	volatile uint64_t word[PAGE / 8];
};

/* Names without a block of their own. */
static void name_halves(struct page *apart)
{
	if (node.rank)
		return;
	OK(dsm_publish(node.dsm, "left", (void *)&apart->word[0]));
	OK(dsm_publish(node.dsm, "right", (void *)&apart->word[PAGE / 16]));
}

int main(void)
{
	struct page *apart, *same, *alone, *rows, *rare;
	char byte;

	node_join("sharing", 60);
	CHECK(node.size == 2);
	apart = node_shared("apart", PAGE, PAGE);
	same = node_shared("same", PAGE, PAGE);
	alone = node_shared("alone", PAGE, PAGE);
	rows = node_shared("rows", (size_t)ROWS * PAGE, PAGE);
	rare = node_shared("rare", PAGE, PAGE);
	rare->word[0] = 1;
	name_halves(apart);
	for (int turn = 0; turn < TURNS; turn++) {
		apart->word[node.rank * PAGE / 16]++;
		if (node.rank == 1)
			OK(dsm_prefetch(node.dsm, alone, PAGE)); /* which is no fault, and takes it from the other */
		node_barrier();
		if (turn % 2 == node.rank)
			same->word[8]++;
		if (node.rank == 0)
			alone->word[0]++;
		for (int i = 0; turn % 2 == node.rank && i < ROWS; i++)
			rows[order[i]].word[0]++;
		node_barrier();
	}
	if (node.rank == 0) {
		puts("ready");
		while (read(0, &byte, 1) > 0)
			;
	}
	node_barrier();
	CHECK(same->word[8] == TURNS && apart->word[0] == TURNS && apart->word[PAGE / 16] == TURNS);
	node_leave();
	return 0;
}
