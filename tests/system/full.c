/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nodes that wait for the end of their standard input, and then have much to say to each other.
 */
#include <stdio.h>
#include <unistd.h>

#include "tests/system/node.h"

#define PAGES 128
#define ROUNDS 4

int main(void)
{
	uint64_t *pages, got;
	char byte;

	node_join("full", 60);
	pages = node_shared("pages", PAGES * 4096, 4096);
	printf("joined\n");
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	for (int i = 0; i < ROUNDS; i++)
		for (int page = 0; page < PAGES; page++)
			OK(dsm_fetch_add64(node.dsm, &pages[page * 512], 1, &got));
	node_barrier();
	for (int page = 0; page < PAGES; page++)
		CHECK(pages[page * 512] == (uint64_t)node.size * ROUNDS);
	node_leave();
	return 0;
}
