/* SPDX-License-Identifier: BSD-2-Clause */
/* Medians and percentiles. */
#include "tools/bench/series.h"

#include <assert.h>
#include <stdlib.h>

#include "tools/bench/bench.h"

void series_open(struct series *s, unsigned reps, size_t samples)
{
	*s = (struct series){ .cap = reps * samples, .reps_max = reps };
	s->sample = calloc(s->cap, sizeof *s->sample);
	s->median = calloc(reps, sizeof *s->median);
	if (!s->sample || !s->median)
		bench_fail("out of memory");
	/* Touched now, so that no page of it is new while something is timed. */
	for (size_t i = 0; i < s->cap; i++)
		*(volatile double *)&s->sample[i] = 0;
}

void series_close(struct series *s)
{
	free(s->sample);
	free(s->median);
	*s = (struct series){ 0 };
}

void series_add(struct series *s, double sample)
{
	assert(s->n < s->cap);
	s->sample[s->n++] = sample;
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double sorted_median(const double *sorted, size_t n)
{
	return n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

void series_rep(struct series *s)
{
	size_t n = s->n - s->rep_start;

	assert(n > 0 && s->reps < s->reps_max);
	qsort(s->sample + s->rep_start, n, sizeof *s->sample, by_value);
	s->median[s->reps++] = sorted_median(s->sample + s->rep_start, n);
	s->rep_start = s->n;
}

void series_rep_one(struct series *s, double sample)
{
	series_add(s, sample);
	series_rep(s);
}

void series_summary(struct series *s, enum series_order order, double *value, double *p99)
{
	size_t worse = s->n / 100; /* samples that may be worse than the percentile */

	*value = *p99 = 0;
	if (s->reps == 0)
		return;
	qsort(s->sample, s->n, sizeof *s->sample, by_value);
	*p99 = s->sample[order == SERIES_MORE_IS_BETTER ? worse : s->n - 1 - worse];
	qsort(s->median, s->reps, sizeof *s->median, by_value);
	*value = sorted_median(s->median, s->reps);
}
