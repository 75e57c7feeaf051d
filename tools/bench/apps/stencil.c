/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Heat in a plate of n x n points, in so many sweeps: each point becomes the mean of its four
 * neighbours. Members own rows, and read one more row above and below.
 */
#include "tools/bench/apps/kernels.h"

static void fill(struct team *t, double *a, double *b)
{
	const size_t n = t->n, end = team_to(t, n) * n;

	for (size_t i = team_from(t, n) * n; i < end; i++)
		a[i] = b[i] = team_random(i);
}

/* The border of the plate stays as it is. */
static void sweep(struct team *t, const double *from, double *to)
{
	const size_t n = t->n, end = team_to(t, n) < n - 1 ? team_to(t, n) : n - 1;

	for (size_t i = team_from(t, n) ? team_from(t, n) : 1; i < end; i++) {
		const double *row = from + i * n;

		for (size_t j = 1; j < n - 1; j++)
			to[i * n + j] = (row[j - n] + row[j - 1] + row[j + 1] + row[j + n]) / 4;
	}
}

static void run(struct team *t)
{
	const size_t bytes = t->n * t->n * sizeof(double);
	double *a = team_take(t, bytes), *b = team_take(t, bytes), *old;

	fill(t, a, b);
	team_barrier(t);
	for (unsigned i = 0; i < t->work; i++) {
		sweep(t, a, b);
		old = a;
		a = b;
		b = old;
		team_barrier(t);
	}
	t->result = a;
	t->result_bytes = bytes;
}

const struct kernel kernel_stencil = { .name = "stencil",
	                               .run = run,
	                               .bytes = 16 << 20,
	                               .full = { .n = 1024, .work = 30 },
	                               .few = { .n = 64, .work = 4 } };
