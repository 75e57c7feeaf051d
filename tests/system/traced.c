/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A load of which everything is known, for dsmctl trace: node 1 writes PAGES pages that node 0 has,
 * at byte 40 of each, and takes a mutex LOCKS times; then all meet BARRIERS times.
 *
 *	dsmctl run -n 2 traced     says "ready", does it once for a line, says "done", and so on
 *	                           after one more line; ends when its standard input does
 */
#include <stdio.h>

#include "dsm/dsm_coll.h"
#include "tests/system/node.h"

#define PAGES 64
#define LOCKS 5
#define BARRIERS 3
#define WORDS 512 /* of a page */

/* Node 0 has read a line. */
static int told_to(const char *say)
{
	char line[16];
	int go = 0;

	if (node.rank == 0) {
		puts(say);
		fflush(stdout);
		go = fgets(line, sizeof line, stdin) != NULL;
	}
	OK(dsm_broadcast(node.dsm, &go, sizeof go, 0));
	return go;
}

static void load(volatile uint64_t *words, dsm_mutex mutex)
{
	if (node.rank == 1) {
		/* Downwards, a fault each: upwards it might ask for runs. */
		for (int i = PAGES - 1; i >= 0; i--)
			words[i * WORDS + 5] = 1;
		for (int i = 0; i < LOCKS; i++) {
			OK(dsm_mutex_lock(node.dsm, mutex));
			OK(dsm_mutex_unlock(node.dsm, mutex));
		}
	}
	for (int i = 0; i < BARRIERS; i++)
		node_barrier();
}

int main(void)
{
	volatile uint64_t *words;
	dsm_mutex mutex;

	node_join("traced", 60);
	CHECK(node.size == 2);
	words = node_shared("load", PAGES * WORDS * 8, WORDS * 8);
	if (node.rank == 0)
		OK(dsm_mutex_create(node.dsm, &mutex));
	OK(dsm_broadcast(node.dsm, &mutex, sizeof mutex, 0));
	do {
		for (int i = 0; i < PAGES && node.rank == 0; i++)
			words[i * WORDS] = 1;
		node_barrier();
		if (!told_to("ready"))
			break;
		load(words, mutex);
	} while (told_to("done"));
	node_leave();
	return 0;
}
