/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dsm-bench-secure ROUNDS REPS: what unlocking takes when pages were written that two nodes hold. dsm-bench runs it
 * as a job whose nodes may die. Node 0 writes to so many pages, under a mutex that is in other memory and that nobody
 * else wants, and unlocks it; each repetition is a line of times in us, each a median:
 *
 *	unlock after 1, 16 and 256 pages that two nodes hold; after 16 of other memory; and to write
 *	one of the former, for each of 256, which were put on two nodes before
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "dsm/dsm_survive.h"

#define PAGE_WORDS 512
#define MOST 256

static dsm_t *dsm;

static void must(int rc)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "dsm-bench-secure: %s\n", dsm_strerror(rc));
	exit(1);
}

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *us, unsigned n)
{
	qsort(us, n, sizeof *us, compare);
	return us[n / 2];
}

/* Of unlocking after so many pages were written; *writes: of writing them, each. */
static double unlock_us(struct dsm_sync_mutex *mutex, volatile uint64_t *word, unsigned pages, unsigned rounds,
                        double *us, double *writes)
{
	double *of_writes = us + rounds;

	for (unsigned i = 0; i < rounds; i++) {
		double start;

		must(dsm_sync_mutex_lock(dsm, mutex));
		start = now_us();
		for (unsigned p = 0; p < pages; p++)
			word[p * PAGE_WORDS]++;
		of_writes[i] = (now_us() - start) / pages;
		start = now_us();
		must(dsm_sync_mutex_unlock(dsm, mutex));
		us[i] = now_us() - start;
	}
	*writes = median(of_writes, rounds);
	return median(us, rounds);
}

static void measure(unsigned rounds, unsigned reps)
{
	struct dsm_sync_mutex *mutex;
	uint64_t *kept, *other;
	double *us = calloc(2 * rounds, sizeof *us), write, one, some, most, ordinary, ignored;

	if (!us)
		must(DSM_ERR_NOMEM);
	must(dsm_alloc(dsm, sizeof *mutex, 4096, 0, (void **)&mutex));
	must(dsm_alloc(dsm, MOST * PAGE_WORDS * sizeof *kept, 0, DSM_KEEP2, (void **)&kept));
	must(dsm_alloc(dsm, MOST * PAGE_WORDS * sizeof *other, 0, 0, (void **)&other));
	for (unsigned i = 0; i < reps; i++) {
		one = unlock_us(mutex, kept, 1, rounds, us, &ignored);
		some = unlock_us(mutex, kept, 16, rounds, us, &ignored);
		most = unlock_us(mutex, kept, MOST, rounds, us, &write);
		ordinary = unlock_us(mutex, other, 16, rounds, us, &ignored);
		printf("%f %f %f %f %f\n", one, some, most, ordinary, write);
		fflush(stdout);
	}
	free(us);
}

int main(int argc, char **argv)
{
	const unsigned rounds = argc == 3 ? (unsigned)atoi(argv[1]) : 0;

	if (!rounds)
		return 2;
	if (dsm_init(NULL, &dsm)) {
		fprintf(stderr, "dsm-bench-secure: %s\n", dsm_init_error());
		return 1;
	}
	if (dsm_rank(dsm) == 0)
		measure(rounds, (unsigned)atoi(argv[2]));
	must(dsm_barrier(dsm));
	return dsm_fini(dsm) != 0;
}
