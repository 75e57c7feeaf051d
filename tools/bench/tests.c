/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of tests, floors and kernels. */
#include "tools/bench/tests.h"

#include <string.h>

#include "tools/bench/apps/kernels.h"
#include "tools/bench/bare.h"
#include "tools/bench/shared.h"

/* What every entry has, and what most have. */
#define TEST(name_, nodes_, seconds_, about_) \
	.name = #name_, .run = name_, .nodes = (nodes_), .seconds = (seconds_), .about = (about_)
#define FLOOR(f) .is_floor = true, .floor = (f)
#define APP(name_, about_) \
	.name = #name_, .kernel = &kernel_##name_, .nodes = 2, .seconds = 600, .about = (about_)
/* As many faults as at least, and as long as with threads, times this. */
#define FAULTS(bound) { NULL, "faults_ratio", AT_MOST, (bound) }
#define TIME(bound) { NULL, "ratio", AT_MOST, (bound) }
#define RATIO(bound) .target = { { NULL, "ratio", AT_MOST, (bound) } }

/* In the order in which they run. */
const struct test tests[] = {
	{ TEST(bare_trap, 2, 60, "floor: a fault on a page that is here"), FLOOR(FLOOR_TRAP) },
	{ TEST(bare_trap_upgrade, 2, 60, "floor: a write fault on a page that may be read"),
	  FLOOR(FLOOR_TRAP_UPGRADE) },
	{ TEST(bare_round_trip, 2, 60, "floor: a small message there and back"),
	  FLOOR(FLOOR_ROUND_TRIP) },
	{ TEST(bare_page_round_trip, 2, 60, "floor: a small message there, a page back"),
	  FLOOR(FLOOR_PAGE) },
	{ TEST(bare_miss, 2, 60, "floor: fault, request, page, map; no protocol"),
	  FLOOR(FLOOR_MISS) },
	{ TEST(revoke_protect, 2, 60, "floor: one page made read-only"), FLOOR(FLOOR_PROTECT) },
	{ TEST(revoke_zap, 2, 60, "floor: one page unmapped"), FLOOR(FLOOR_ZAP) },
	{ TEST(bare_bandwidth, 2, 120, "floor: runs of pages, several on their way"),
	  FLOOR(FLOOR_BANDWIDTH) },
	{ TEST(bare_barrier, 2, 120, "floor: all nodes tell each other that they have come"),
	  FLOOR(FLOOR_BARRIER) },
	{ TEST(bare_page_round_trip_2m, 2, 60, "floor: bare_page_round_trip, pages of 2 MiB"),
	  FLOOR(FLOOR_PAGE_2M), .pmd = true },
	{ TEST(bare_miss_2m, 2, 60, "floor: bare_miss, pages of 2 MiB"), FLOOR(FLOOR_MISS_2M),
	  .pmd = true },

	{ TEST(read_miss, 2, 60, "read a page that its home has written"),
	  .floors = NEED(FLOOR_MISS) | NEED(FLOOR_PROTECT), RATIO(1.25) },
	{ TEST(write_miss, 2, 60, "write a page that its home has written"),
	  .floors = NEED(FLOOR_MISS) | NEED(FLOOR_ZAP), RATIO(1.25) },
	{ TEST(upgrade, 2, 60, "write a page that another node has read"),
	  .floors = NEED(FLOOR_TRAP_UPGRADE) | NEED(FLOOR_ROUND_TRIP) | NEED(FLOOR_ZAP),
	  RATIO(1.25) },
	{ TEST(read_miss_3hop, 3, 120, "read a page that is neither here nor at its home"),
	  .floors = NEED(FLOOR_MISS) | NEED(FLOOR_ROUND_TRIP) | NEED(FLOOR_PROTECT), RATIO(1.25) },
	{ TEST(miss_while_target_computes, 2, 120, "read_miss, the other node makes no call"),
	  RATIO(3) },
	{ TEST(sequential_read, 2, 300, "sum 64 MiB that the other node has written"),
	  .floors = NEED(FLOOR_BANDWIDTH),
	  .target = { { "shm", "value", AT_LEAST, 2000 }, { "tcp", "ratio", AT_LEAST, 0.6 } } },
	{ TEST(strided_read, 2, 120, "sum every fourth page"),
	  .floors = NEED(FLOOR_MISS) | NEED(FLOOR_PROTECT) },
	{ TEST(random_read, 2, 120, "read half of 8192 pages in a random order"),
	  .floors = NEED(FLOOR_MISS) | NEED(FLOOR_PROTECT),
	  .target = { { NULL, "wasted", AT_MOST, 10 } } },
	{ TEST(first_touch, 2, 120, "write 16 MiB of fresh memory in order"),
	  .target = { { NULL, "ratio", AT_LEAST, 0.7 } } },
	{ TEST(pmd_fetch, 2, 120, "read a page of 2 MiB that the other node has written"),
	  .floors = NEED(FLOOR_MISS_2M), .pmd = true, RATIO(1.11) },
	{ TEST(pingpong, 2, 120, "two nodes wait for each other's word"),
	  .floors = NEED(FLOOR_MISS) | NEED(FLOOR_ZAP) },
	{ TEST(producer_consumer, 2, 120, "pages handed on through a ring"),
	  .floors = NEED(FLOOR_MISS) | NEED(FLOOR_PROTECT) },
	{ TEST(false_sharing, 2, 120, "increments of own words on a common page") },
	{ TEST(migratory, 2, 120, "nodes take turns to change a page"), RATIO(1.1) },
	{ TEST(read_mostly, 2, 120, "all read a page that one writes now and then"), RATIO(1.1) },
	{ TEST(lock_counter, 2, 120, "all nodes lock, count and unlock"),
	  .floors = NEED(FLOOR_ROUND_TRIP) | NEED(FLOOR_MISS) | NEED(FLOOR_ZAP),
	  .target = { { "shm", "value", AT_LEAST, 60000 } } },
	{ TEST(fetch_add, 2, 60, "an atomic at another node"), .floors = NEED(FLOOR_ROUND_TRIP),
	  .target = { { NULL, "ratio", AT_MOST, 1.2 }, { "shm", "value", AT_MOST, 10 } } },
	{ TEST(futex_wake, 2, 120, "two nodes change a word and wake each other"),
	  .floors = NEED(FLOOR_ROUND_TRIP) },
	{ TEST(mutex_here, 2, 120, "a mutex in memory that is here, and that nobody else wants") },
	{ TEST(mutex_elsewhere, 2, 120, "the same, on a page that the other node has written"),
	  .floors = NEED(FLOOR_MISS) | NEED(FLOOR_ZAP) },
	{ TEST(mutex_handed_over, 2, 120, "a mutex in memory goes to the next node in line") },
	{ TEST(mutex_contended, 2, 120, "two threads of each node lock, count and unlock") },
	{ TEST(thread_create_join, 2, 120, "start a thread on another node, and join it") },
	{ TEST(malloc_here, 2, HEAPS_SECONDS, "malloc and free in a program under dsmctl run --threads"),
	  RATIO(3) },
	{ TEST(malloc_elsewhere, 2, HEAPS_SECONDS, "the same, malloc on one node and free on the other"),
	  RATIO(3) },
	{ TEST(checkpoint, 2, SAVES_SECONDS, "save a job's memory"),
	  .target = { { NULL, "ratio", AT_LEAST, 0.7 } } },
	{ TEST(checkpoint_pause, 2, SAVES_SECONDS, "what the program waits for a save in the background"),
	  .target = { { NULL, "value", AT_MOST, 50 } } },
	{ TEST(checkpoint_increment, 2, SAVES_SECONDS, "save after a hundredth of the pages was written") },
	{ TEST(restore, 2, SAVES_SECONDS, "go on from a checkpoint, and read all of it"),
	  .target = { { NULL, "ratio", AT_LEAST, 0.7 } } },
	{ TEST(secure_release, 2, SECURES_SECONDS, "unlock after a page was written that two nodes hold") },
	{ TEST(recovery, 2, RECOVERS_SECONDS, "one of 4 nodes with 1 GiB dies: until the others go on"),
	  .target = { { NULL, "value", AT_MOST, 1000 } } },
	{ TEST(barrier, 2, 120, "a barrier of all nodes"),
	  .floors = NEED(FLOOR_ROUND_TRIP) | NEED(FLOOR_BARRIER), RATIO(1.5) },
	{ TEST(barrier_4, 4, 120, "a barrier of 4 nodes"), .exactly = true,
	  .floors = NEED(FLOOR_ROUND_TRIP) | NEED(FLOOR_BARRIER), RATIO(1.5) },
	{ TEST(barrier_8, 8, 120, "a barrier of 8 nodes"), .exactly = true,
	  .floors = NEED(FLOOR_ROUND_TRIP) | NEED(FLOOR_BARRIER) },
	{ TEST(idle_cpu, 2, 60, "what a waiting node uses of a core"),
	  .target = { { NULL, "value", AT_MOST, 1 } } },

	/* dsm-bench apps */
	{ APP(transpose, "Fourier transform of 2^18 points with transposes"),
	  .target = { FAULTS(1.5) } },
	{ APP(stencil, "heat in 1024 x 1024 points: own rows and two borders"),
	  .target = { FAULTS(1.5), TIME(1.3) } },
	{ APP(scatter, "radix sort of 2^18 keys"),
	  .target = { FAULTS(1.5), TIME(2) } },
	{ APP(sparse, "sparse matrix times vector, 2^15 rows"),
	  .target = { FAULTS(1.5), TIME(4) } },
	{ APP(product, "matrix product, 384 x 384"),
	  .target = { FAULTS(1.5), TIME(1.3) } },
	{ APP(queue, "tasks of 50 us in a queue under one mutex"),
	  .target = { FAULTS(1.5), TIME(1.3) } },
	{ APP(queue_short, "the same, tasks of 2 us"),
	  .target = { FAULTS(1.5) } },
	{ APP(lu, "LU, 512 x 512, blocks of all nodes on each page"),
	  .target = { FAULTS(3) } },
	{ APP(histogram, "2^21 values into 4096 bins under 8 locks"),
	  .target = { FAULTS(1.5), TIME(1.3) } },
	{ APP(bodies, "2,048 bodies that attract each other"),
	  .target = { FAULTS(1.5), TIME(1.3) } },
	{ APP(search, "distances in a random graph of 2^16 points"),
	  .target = { FAULTS(1.5) } },
	{ APP(table, "2^14 words into a table under 16 locks"),
	  .target = { FAULTS(1.5) } },
};
const unsigned n_tests = sizeof tests / sizeof *tests;

const struct test *test_find(const char *name, bool apps)
{
	for (unsigned i = 0; i < n_tests; i++)
		if (!strcmp(tests[i].name, name) && apps == !!tests[i].kernel)
			return &tests[i];
	return NULL;
}

const struct test *test_of_floor(enum floor floor)
{
	for (unsigned i = 0; i < n_tests; i++)
		if (tests[i].is_floor && tests[i].floor == floor)
			return &tests[i];
	return NULL;
}

bool test_fits(const struct test *test, int nodes)
{
	return test->exactly ? nodes == test->nodes : nodes >= test->nodes;
}
