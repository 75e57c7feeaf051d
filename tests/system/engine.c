/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the engine of the trap did, as the statistics and the kernel tell it, on pages of 4 KiB
 * or, with --huge, of 2 MiB. DSM_TRAP says which engine is to be seen at work: "rwp" or "wp".
 *
 *	dsmctl run -n NODES engine [--huge]        2 nodes or more
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/system/node.h"

#define TURNS 80 /* more than it takes an extent to be calm, see dsm/trap/rwp_switch.c */

static size_t page_bytes = 4096;
static unsigned pages = 4;
static uint8_t *block;

static struct dsm_stats now(void)
{
	struct dsm_stats stats;

	OK(dsm_get_stats(node.dsm, &stats, sizeof stats));
	return stats;
}

static volatile uint64_t *word(unsigned page, size_t byte)
{
	return (volatile uint64_t *)(block + page * page_bytes + byte);
}

static void equal(const char *what, uint64_t got, uint64_t want)
{
	if (got != want)
		node_fail("%" PRIu64 " %s, not %" PRIu64, got, what, want);
}

static void more_than(const char *what, uint64_t got, uint64_t least)
{
	if (got <= least)
		node_fail("only %" PRIu64 " %s", got, what);
}

/*
 * Node 0 writes the pages, and then node 1 reads them, all the way through and from the end to
 * the beginning, which no stream is made of: a fault, a request and a transfer for each page.
 */
static void one_of_each(void)
{
	struct dsm_stats before, after;

	before = now();
	for (unsigned i = pages; i-- && node.rank == 0;) {
		for (size_t at = 0; at < page_bytes; at += 512)
			*word(i, at) = i + at;
	}
	after = now();
	if (node.rank == 0)
		equal("faults for the pages written", after.faults - before.faults, pages);
	node_barrier();
	before = now();
	for (unsigned i = pages; i-- && node.rank == 1;) {
		for (size_t at = 0; at < page_bytes; at += 512)
			CHECK(*word(i, at) == i + at);
	}
	after = now();
	if (node.rank == 1) {
		equal("faults for the pages read", after.faults - before.faults, pages);
		equal("pages fetched", after.pages_fetched - before.pages_fetched, pages);
	}
	node_barrier();
}

/* All nodes write all pages by turns. Nobody reads: who waits does so in a barrier. */
static void by_turns(void)
{
	for (int turn = 0; turn < TURNS; turn++) {
		for (unsigned i = 0; i < pages && turn % node.size == node.rank; i++)
			__atomic_fetch_add(word(i, 64), 1, __ATOMIC_RELAXED);
		node_barrier();
	}
}

static void all_read(uint64_t want)
{
	for (unsigned i = 0; i < pages; i++)
		equal("turns counted", *word(i, 64), want);
	node_barrier();
}

/* The window's mapping that has the block, as the kernel describes it: what a line says in KiB. */
static long smaps(const char *name)
{
	const uintptr_t at = (uintptr_t)block;
	FILE *file = fopen("/proc/self/smaps", "r");
	unsigned long from, to;
	char line[512];
	long value = -1;
	int inside = 0;

	CHECK(file);
	while (value < 0 && fgets(line, sizeof line, file)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			inside = from <= at && at < to;
		else if (inside && !strncmp(line, name, strlen(name)))
			value = strtol(line + strlen(name), NULL, 10);
	}
	fclose(file);
	return value;
}

static void mapped_as_it_should_be(void)
{
	equal("KiB is what the kernel's page has", (uint64_t)smaps("KernelPageSize:"),
	      page_bytes / 1024);
	equal("KiB is what an entry maps", (uint64_t)smaps("MMUPageSize:"), page_bytes / 1024);
	if (page_bytes == HUGE_PAGE)
		more_than("KiB mapped by huge entries",
		          (uint64_t)(smaps("Shared_Hugetlb:") + smaps("Private_Hugetlb:")), 0);
	node_barrier();
}

int main(int argc, char **argv)
{
	const char *engine = getenv("DSM_TRAP"), *faults = getenv("DSM_FAULTS");
	const int signal = faults && !strcmp(faults, "signal");
	struct dsm_stats stats;
	int huge = 0;

	if (argc > 1 && !strcmp(argv[1], "--huge")) {
		huge = 1;
		page_bytes = HUGE_PAGE;
		pages = 2;
		node.huge_bytes = pages * HUGE_PAGE;
	}
	node_join("engine", 240);
	if (node.size < 2 || argc > 1 + huge) {
		fprintf(stderr, "usage: dsmctl run -n NODES engine [--huge]\n");
		return 2;
	}
	block = node_shared_in("engine", pages * page_bytes, page_bytes, huge ? DSM_HUGE : 0);
	node_barrier();
	one_of_each();
	by_turns();
	all_read(TURNS);
	mapped_as_it_should_be();
	by_turns();
	all_read(2 * TURNS);

	stats = now();
	printf("engine: node %d, %s, pages of %zu KiB: %" PRIu64 " faults, %" PRIu64
	       " of them by RWP; extents: %" PRIu64 " to WP, %" PRIu64 " to RWP, %" PRIu64
	       " stayed\n",
	       node.rank, engine ? engine : "auto", page_bytes / 1024, stats.faults,
	       stats.faults_rwp, stats.extents_to_wp, stats.extents_to_rwp,
	       stats.extents_stayed_wp);
	if (engine && !strcmp(engine, "wp"))
		equal("RWP faults and switches",
		      stats.faults_rwp + stats.extents_to_wp + stats.extents_to_rwp, 0);
	if (engine && !strcmp(engine, "rwp")) {
		if (!signal) /* where a fault does not tell what it was */
			more_than("faults by RWP", stats.faults_rwp, TURNS / 10);
		more_than("extents went to WP", stats.extents_to_wp, 0);
		more_than("extents went to RWP", stats.extents_to_rwp, 0);
	}
	node_barrier();
	node_unshare("engine", block);
	node_leave();
	return 0;
}
