/* SPDX-License-Identifier: BSD-2-Clause */
/* Step 0: what are the smallest factors of odd numbers? One process, no library. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static long count[5];

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
	const double start = seconds();

	count_odd(0, below);
	printf("primes: %ld; smallest factor of 1 digit: %ld, 2: %ld, 3: %ld, 4: %ld\n",
	       count[0], count[1], count[2], count[3], count[4]);
	printf("%.1f ms\n", (seconds() - start) * 1e3);
	return 0;
}
