/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dsm-bench-recover MIB KEPT_MIB: a job whose last node dies when each page of MIB is at the node that has written it and
 * at the one before that, and KEPT_MIB of DSM_KEEP2 are written. dsm-bench runs it. Lines of what, and when, in ms of
 * the machine's clock:
 *
 *	a  the last node is about to die
 *	b  of each other node: it is in the view without it
 *	c  it has read pages from everywhere since
 *	d  what it has stored is on two nodes: all such memory is again
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "dsm/dsm_survive.h"

#define MIB (UINT64_C(1) << 20)
#define PAGE_WORDS 512
#define SAMPLES 256

static dsm_t *dsm;
static uint64_t rank, nodes;

static _Noreturn void fail(const char *why)
{
	fprintf(stderr, "dsm-bench-recover: %s\n", why);
	exit(1);
}

static void must(int rc)
{
	if (rc < 0)
		fail(dsm_strerror(rc));
}

/* A line at once: who writes it may be dead then. */
static void tell(char what)
{
	struct timespec t;
	char line[64];
	int n;

	clock_gettime(CLOCK_MONOTONIC, &t);
	n = snprintf(line, sizeof line, "%c %.3f\n", what, (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6);
	if (write(STDOUT_FILENO, line, (size_t)n) != n)
		fail("cannot write");
}

static uint64_t *find(const char *name, uint64_t mib, unsigned flags)
{
	void *at = NULL;

	if (rank == 0) {
		must(dsm_alloc(dsm, mib * MIB, 4096, flags, &at));
		must(dsm_publish(dsm, name, at));
	}
	must(dsm_lookup(dsm, name, -1, &at));
	return at;
}

static uint64_t content(uint64_t i)
{
	return (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

/* One word of each page of the n-th node's part. */
static void fill(uint64_t *word, uint64_t words, uint64_t n)
{
	for (uint64_t i = words / nodes * n; i < words / nodes * (n + 1); i += PAGE_WORDS)
		word[i] = content(i);
}

static void check(const uint64_t *word, uint64_t first, uint64_t end, uint64_t step)
{
	for (uint64_t i = first; i < end; i += step)
		if (word[i] != content(i))
			fail("what was written is not there");
}

static void live_on(const uint64_t *word, uint64_t words)
{
	must(dsm_wait_view(dsm, 1, -1));
	tell('b');
	check(word, 0, words, words / SAMPLES);
	tell('c');
	must(dsm_secure(dsm));
	tell('d');
}

int main(int argc, char **argv)
{
	const uint64_t mib = argc == 3 ? strtoull(argv[1], NULL, 10) : 0;
	const uint64_t kept_mib = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
	const uint64_t words = mib * MIB / sizeof(uint64_t), kept_words = kept_mib * MIB / sizeof(uint64_t);
	uint64_t *word, *kept, next;

	if (!mib || !kept_mib)
		fail("takes MIB KEPT_MIB");
	if (dsm_init(NULL, &dsm))
		fail(dsm_init_error());
	rank = (uint64_t)dsm_rank(dsm);
	nodes = (uint64_t)dsm_size(dsm);
	word = find("block", mib, 0);
	kept = find("kept", kept_mib, DSM_KEEP2);
	fill(word, words, rank);
	fill(kept, kept_words, rank);
	must(dsm_barrier(dsm));
	next = (rank + 1) % nodes;
	check(word, words / nodes * next, words / nodes * (next + 1), PAGE_WORDS);
	must(dsm_barrier(dsm));
	if (rank == nodes - 1) {
		tell('a');
		kill(getpid(), SIGKILL);
	}
	live_on(word, words);
	return dsm_fini(dsm) != 0;
}
