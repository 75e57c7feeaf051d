/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nodes that allocate and free, of which others die:
 *
 *	survive_alloc FILE RANK DEATHS SEED    somebody else kills rank RANK, or it and the next one
 *
 * Whatever is allocated is zero, and not lost in the view in which it was; what nobody else has pages
 * of is never lost. A small block may be, with its page, which others have written: then it is so until
 * it is freed, and is never zeros instead, whoever allocates beside it. FILE, which all map, tells what the dead had,
 * which is freed and allocated again.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dsm/dsm_survive.h"
#include "tests/system/node.h"
#include "tests/system/survivor.h"

#define NODES_MAX 8
#define BLOCKS 48 /* of a node, at once */
#define PAGE ((size_t)4096)
#define MORE_MS 300

struct tally {
	_Atomic uintptr_t block[NODES_MAX][BLOCKS];
};
struct block {
	uint64_t *at;
	size_t words;
	uint64_t value;
	int is_lost;
};

static struct tally *tally;
static struct block block[BLOCKS];
static unsigned lost, allocated;
static uint32_t view(void)
{
	struct dsm_view v;

	OK(dsm_view(node.dsm, &v));
	return v.number;
}

/* How many words from the first on hold that; -1: there is one that is lost before another value. */
static long holds(const struct block *b, uint64_t value)
{
	volatile long i = 0;

	if (sigsetjmp(way_out, 1)) {
		has_way_out = 0;
		return -1;
	}
	has_way_out = 1;
	while ((size_t)i < b->words && ((volatile uint64_t *)b->at)[i] == value)
		i++;
	has_way_out = 0;
	return i;
}

/* 0; or -1: it is lost. */
static int fill(const struct block *b)
{
	if (sigsetjmp(way_out, 1)) {
		has_way_out = 0;
		return -1;
	}
	has_way_out = 1;
	for (size_t i = 0; i < b->words; i++)
		((volatile uint64_t *)b->at)[i] = b->value;
	has_way_out = 0;
	return 0;
}

static int is_small(const struct block *b)
{
	return b->words * sizeof *b->at < PAGE;
}

/* --- what is done --- */

static void look(struct block *b)
{
	const long n = holds(b, b->value);

	if (n >= 0 && (size_t)n < b->words)
		node_fail("word %ld of %zu holds %llx, where %llx was stored", n, b->words,
		          (unsigned long long)b->at[n], (unsigned long long)b->value);
	if (n >= 0 && b->is_lost)
		node_fail("a block of %zu words was lost, and is not", b->words);
	if (n < 0 && (view() == 1 || !is_small(b)))
		node_fail("a block of %zu words is lost in view %u", b->words, view());
	lost += n < 0 && !b->is_lost;
	b->is_lost = n < 0;
}

static void allocate(struct block *b, uint64_t *random)
{
	const unsigned kind = (unsigned)(node_random(random) % 10);
	const uint64_t size = node_random(random);
	const uint32_t since = view();
	void *at;
	long n;

	b->words = kind < 5   ? 2 + size % 250
	           : kind < 9 ? PAGE / 8 * (1 + size % 16)
	                      : PAGE / 8 * (1 + size % 200);
	b->value = node_random(random) | 1;
	b->is_lost = 0;
	OK(dsm_alloc(node.dsm, b->words * sizeof *b->at, 0, 0, &at));
	b->at = at;
	allocated++;
	n = holds(b, 0);
	if (n >= 0 && (size_t)n < b->words)
		node_fail("word %ld of %zu holds %llx where it is allocated", n, b->words,
		          (unsigned long long)b->at[n]);
	if (n < 0 || fill(b)) {
		if (view() == since)
			node_fail("a block of %zu words is lost in view %u, in which it was allocated",
			          b->words, since);
		b->is_lost = 1; /* since, perhaps; in no case for good */
	}
	atomic_store(&tally->block[node.rank][b - block], (uintptr_t)at);
}

static void release(struct block *b)
{
	atomic_store(&tally->block[node.rank][b - block], 0);
	OK(dsm_free(node.dsm, b->at));
	b->at = NULL;
}

/* By the lowest rank that lives. */
static void release_of_dead(uint64_t members)
{
	if (node.rank != __builtin_ctzll(members))
		return;
	for (int rank = 0; rank < node.size; rank++)
		for (int i = 0; i < BLOCKS && !(members >> rank & 1); i++) {
			const uintptr_t at = atomic_exchange(&tally->block[rank][i], 0);

			if (at)
				OK(dsm_free(node.dsm, (void *)at));
		}
}

static void work(uint64_t *random)
{
	struct block *b = &block[node_random(random) % BLOCKS];

	if (!b->at)
		allocate(b, random);
	else if (b->is_lost && is_small(b) == 0)
		release(b); /* lost while it was filled */
	else if (node_random(random) % 3 == 0)
		release(b);
	else
		look(b);
}

/* --- the start --- */

int main(int argc, char **argv)
{
	uint64_t random, end = 0;
	struct dsm_view now;
	int said = 0, deaths;

	if (argc != 5)
		return 2;
	tally = survivor_tally(argv[1], sizeof *tally);
	deaths = atoi(argv[3]);
	survivor_catch();
	node_join("survive_alloc", 30);
	random = strtoull(argv[4], NULL, 10) * 77 + (unsigned)node.rank + 1;
	for (int i = 0; i < 200; i++)
		work(&random);
	OK(dsm_barrier(node.dsm));
	if (node.rank == 0)
		node_say("all have begun");
	while (!end || node_now_ns() < end) {
		work(&random);
		OK(dsm_view(node.dsm, &now));
		if (now.number == 1)
			continue;
		release_of_dead(now.members);
		if (node.rank == __builtin_ctzll(now.members) && !said++)
			node_say("goes on");
		if ((int)now.number == 1 + deaths && !end)
			end = node_now_ns() + MORE_MS * UINT64_C(1000000);
	}
	for (int i = 0; i < BLOCKS; i++)
		if (block[i].at)
			release(&block[i]);
	node_say("%u blocks, of which %u were lost", allocated, lost);
	OK(dsm_fini(node.dsm));
	return 0;
}
