/* SPDX-License-Identifier: BSD-2-Clause */
/* Step 3: every node has counters of its own, on a page of their own. */
#include <dsm.h>
#include <dsm_coll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct row {
	long count[4096 / sizeof(long)]; /* a page */
};

static struct row *rows;
static long *count; /* this node's */

/* How many digits has the smallest factor of an odd number? 0: it is prime. */
static int digits(long n)
{
	for (long d = 3; d * d <= n; d += 2)
		if (n % d == 0)
			return d < 10 ? 1 : d < 100 ? 2 : d < 1000 ? 3 : 4;
	return 0;
}

/* The odd numbers of [from, to). */
static void count_odd(long from, long to)
{
	for (long n = from | 1; n < to; n += 2)
		count[digits(n)]++;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
	const long below = argc > 1 ? atol(argv[1]) : 4000000;
	struct dsm_stats stats;
	dsm_t *dsm;
	void *shared;

	if (dsm_init(NULL, &dsm)) {
		fprintf(stderr, "%s\n", dsm_init_error());
		return 1;
	}
	if (dsm_shared(dsm, "rows", (size_t)dsm_size(dsm) * sizeof *rows, 0, &shared))
		return 1;
	rows = shared;
	count = rows[dsm_rank(dsm)].count;

	const int rank = dsm_rank(dsm), size = dsm_size(dsm);
	dsm_barrier(dsm);
	const double start = seconds();

	count_odd(below * rank / size, below * (rank + 1) / size);
	dsm_barrier(dsm);
	const double end = seconds();
	dsm_get_stats(dsm, &stats, sizeof stats);
	if (rank == 0) {
		for (int i = 1; i < size; i++)
			for (int digit = 0; digit < 5; digit++)
				count[digit] += rows[i].count[digit];
		printf("primes: %ld; smallest factor of 1 digit: %ld, 2: %ld, 3: %ld, 4: %ld\n",
		       count[0], count[1], count[2], count[3], count[4]);
		printf("%.1f ms, %lu pages came\n", (end - start) * 1e3,
		       (unsigned long)stats.pages_fetched);
	}
	return dsm_fini(dsm) != 0;
}
