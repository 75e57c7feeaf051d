/* SPDX-License-Identifier: BSD-2-Clause */
/* The product of two matrices of n rows. Members own rows of all three, and read all of the second
 * one. */
#include "tools/bench/apps/kernels.h"

static void fill(struct team *t, double *a, double *b)
{
	const size_t n = t->n;

	for (size_t i = team_from(t, n) * n; i < team_to(t, n) * n; i++) {
		a[i] = team_random(i);
		b[i] = team_random(n * n + i);
	}
}

static void run(struct team *t)
{
	const size_t n = t->n, bytes = n * n * sizeof(double);
	double *a = team_take(t, bytes), *b = team_take(t, bytes), *c = team_take(t, bytes);

	fill(t, a, b);
	team_barrier(t);
	for (size_t i = team_from(t, n); i < team_to(t, n); i++)
		for (size_t k = 0; k < n; k++)
			for (size_t j = 0; j < n; j++)
				c[i * n + j] += a[i * n + k] * b[k * n + j];
	t->result = c;
	t->result_bytes = bytes;
	team_barrier(t);
}

const struct kernel kernel_product = {
	.name = "product", .run = run, .bytes = 4 << 20, .full = { .n = 384 }, .few = { .n = 48 }
};
