/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An idle node uses no CPU: all but rank 0 wait in a barrier for it, and it comes late.
 * What each process used in that time, all of its threads, must be below a few percent.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "tests/system/node.h"

#define PERMILLE_MAX 20

static uint64_t cpu_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

int main(int argc, char **argv)
{
	long seconds = argc > 1 ? strtol(argv[1], NULL, 10) : 10;
	struct timespec late = { .tv_sec = seconds };
	uint64_t *shared, cpu, wall, permille;

	if (seconds < 1 || seconds > 3600) {
		fprintf(stderr, "usage: dsmctl run -n NODES idle [SECONDS]\n");
		return 2;
	}
	node_join("idle", (unsigned)seconds + 60);
	/* Some traffic first, so that what it leaves behind is seen, too. */
	shared = node_shared("idle", 64 * 4096, 4096);
	for (unsigned i = 0; i < 64 * 512; i += 8)
		__atomic_fetch_add(&shared[i], 1, __ATOMIC_SEQ_CST);
	node_barrier();
	cpu = cpu_ns();
	wall = node_now_ns();
	if (node.rank == 0)
		nanosleep(&late, NULL);
	node_barrier();
	cpu = cpu_ns() - cpu;
	wall = node_now_ns() - wall;
	permille = cpu * 1000 / wall;
	printf("idle: node %d of %d over %s used %.1f ms of CPU in %.1f s (%.1f %%)\n", node.rank,
	       node.size, dsm_provider(node.dsm), (double)cpu / 1e6, (double)wall / 1e9,
	       (double)permille / 10);
	if (wall < (uint64_t)seconds * 900000000u)
		node_fail("the barrier did not wait for rank 0");
	if (permille > PERMILLE_MAX)
		node_fail("an idle node used %.1f %% of a CPU; %.1f %% are the limit",
		          (double)permille / 10, PERMILLE_MAX / 10.0);
	node_unshare("idle", shared);
	node_leave();
	return 0;
}
