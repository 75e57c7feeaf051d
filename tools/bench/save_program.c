/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dsm-bench-save MIB DIR REPS: a job that saves itself. dsm-bench runs it; its node 0 prints a line for
 * each repetition, after all pages were written:
 *
 *	MiB/s of a save; ms per GiB that a save in the background holds the program; ms of an
 *	incremental one after a hundredth of the pages was written
 *
 * dsm-bench-save MIB, in a job that goes on from DIR, reads a word of each page, each node of its part,
 * and prints the MiB/s of that; then it looks at all words.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "dsm/dsm_checkpoint.h"

#define MIB (UINT64_C(1) << 20)
#define PAGE_WORDS 512
#define SOME 100 /* one page in so many */

static dsm_t *dsm;
static uint64_t *word, first, end; /* those of this node */

static _Noreturn void fail(const char *why)
{
	fprintf(stderr, "dsm-bench-save: %s\n", why);
	exit(1);
}

static void must(int rc)
{
	if (rc < 0)
		fail(dsm_strerror(rc));
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint64_t content(uint64_t i, unsigned rep)
{
	return (i + rep) * UINT64_C(0x9e3779b97f4a7c15);
}

/* Seconds until the call has come back. */
static double save(const char *dir, unsigned flags)
{
	struct dsm_checkpoint_args args = DSM_CHECKPOINT_ARGS_INIT;
	double start;

	args.dir = dir;
	args.flags = flags;
	must(dsm_barrier(dsm));
	start = now();
	if (dsm_checkpoint(dsm, &args))
		fail(dsm_checkpoint_error());
	return now() - start;
}

static void one_rep(const char *dir, double mib, unsigned rep)
{
	double whole, pause, increment;

	for (uint64_t i = first; i < end; i++)
		word[i] = content(i, rep);
	whole = save(dir, 0);
	pause = save(dir, DSM_CHECKPOINT_BACKGROUND);
	must(dsm_checkpoint_wait(dsm));
	save(dir, DSM_CHECKPOINT_INCREMENTAL);
	for (uint64_t i = first; i < end; i += SOME * PAGE_WORDS)
		word[i] = content(i, rep); /* as it is: the last one can be checked */
	increment = save(dir, DSM_CHECKPOINT_INCREMENTAL);
	if (dsm_rank(dsm) == 0)
		printf("%f %f %f\n", mib / whole, pause * 1e3 * 1024 / mib, increment * 1e3);
	fflush(stdout);
}

static void read_all(double mib)
{
	const unsigned rep = (unsigned)(word[0] * UINT64_C(0xf1de83e19937733d)); /* content()'s inverse */
	uint64_t wrong = 0;
	double start;

	must(dsm_barrier(dsm));
	start = now();
	for (uint64_t i = first; i < end; i += PAGE_WORDS)
		wrong += word[i] != content(i, rep);
	must(dsm_barrier(dsm));
	if (dsm_rank(dsm) == 0)
		printf("%f\n", mib / (now() - start));
	for (uint64_t i = first; i < end; i++)
		wrong += word[i] != content(i, rep);
	if (wrong)
		fail("the checkpoint does not hold what was saved");
}

int main(int argc, char **argv)
{
	const uint64_t mib = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
	uint64_t each;
	void *at = NULL;

	if (!mib)
		fail("takes MIB [DIR REPS]");
	if (dsm_init(NULL, &dsm))
		fail(dsm_init_error());
	if (argc > 3 && dsm_rank(dsm) == 0) {
		must(dsm_alloc(dsm, mib * MIB, 4096, 0, &at));
		must(dsm_publish(dsm, "saved", at));
	}
	must(dsm_lookup(dsm, "saved", -1, &at));
	word = at;
	each = mib * MIB / sizeof *word / (uint64_t)dsm_size(dsm);
	first = each * (uint64_t)dsm_rank(dsm);
	end = first + each;
	for (int rep = 0; argc > 3 && rep < atoi(argv[3]); rep++)
		one_rep(argv[2], (double)mib, (unsigned)rep);
	if (argc <= 3)
		read_all((double)mib);
	must(dsm_fini(dsm));
	return 0;
}
