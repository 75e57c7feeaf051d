/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two nodes write words side by side, and so take the page of both from each other all the time,
 * for somebody to find the lines that do (falsely_lines.c). Other nodes wait.
 *
 *	dsmctl run -n 2 falsely     ends when its standard input does
 */
#include "tests/system/falsely.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/system/node.h"

#define PAGE 4096
#define TURNS 10 /* until it says that it is ready */

static _Atomic uint32_t *over; /* on a page that nobody else writes */

static void *wait_for_end(void *unused)
{
	char byte;

	while (read(0, &byte, 1) > 0)
		;
	*over = 1;
	return NULL;
}

int main(void)
{
	volatile struct grid *grid;
	uint64_t turn = 0;
	pthread_t thread;

	node_join("falsely", 60);
	CHECK(node.size >= 2);
	grid = node_shared("grid", PAGE, PAGE);
	over = node_shared("over", PAGE, PAGE);
	if (node.rank == 0)
		CHECK(pthread_create(&thread, NULL, wait_for_end, NULL) == 0);
	while (node.rank < 2 && !*over) {
		turn++;
		if (node.rank == 0)
			put_left(grid, turn);
		else
			put_right(grid, turn);
		if (node.rank == 0 && turn == TURNS) {
			puts("ready");
			fflush(stdout);
		}
	}
	if (node.rank == 0)
		CHECK(pthread_join(thread, NULL) == 0);
	node_barrier();
	CHECK(node.rank != 0 || grid->left == turn);
	CHECK(node.rank != 1 || grid->right == turn);
	node_leave();
	return 0;
}
