/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A Fourier transform of n * n points in six steps: transpose, transform the rows, twiddle,
 * transpose, transform the rows, transpose. Members own rows; a transpose reads columns, which
 * are pieces of everybody's pages.
 */
#include <math.h>
#include <stdlib.h>

#include "tools/bench/apps/kernels.h"

#define TILE 16

struct point {
	double re, im;
};

static struct point times(struct point a, struct point b)
{
	return (struct point){ a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re };
}

static struct point root(size_t k, size_t n)
{
	const double angle = -2 * M_PI * (double)k / (double)n;

	return (struct point){ cos(angle), sin(angle) };
}

static void reverse(struct point *row, size_t n)
{
	for (size_t i = 1, j = 0; i < n; i++) {
		size_t bit = n >> 1;

		for (; j & bit; bit >>= 1)
			j ^= bit;
		j ^= bit;
		if (i < j) {
			struct point other = row[i];

			row[i] = row[j];
			row[j] = other;
		}
	}
}

/* n is a power of two; roots has n / 2 of order n. */
static void transform(struct point *row, size_t n, const struct point *roots)
{
	reverse(row, n);
	for (size_t half = 1; half < n; half *= 2)
		for (size_t start = 0; start < n; start += 2 * half)
			for (size_t k = 0; k < half; k++) {
				struct point *a = &row[start + k], *b = a + half;
				struct point odd = times(*b, roots[k * (n / 2 / half)]);

				*b = (struct point){ a->re - odd.re, a->im - odd.im };
				*a = (struct point){ a->re + odd.re, a->im + odd.im };
			}
}

static void twiddle(struct point *row, size_t i, size_t n)
{
	const struct point step = root(i, n * n);
	struct point now = { 1, 0 };

	for (size_t j = 0; j < n; j++, now = times(now, step))
		row[j] = times(row[j], now);
}

/* Into the own rows of to. */
static void transpose(struct team *t, const struct point *from, struct point *to)
{
	const size_t n = t->n, end = team_to(t, n);

	for (size_t i = team_from(t, n); i < end; i += TILE)
		for (size_t j = 0; j < n; j += TILE)
			for (size_t k = i; k < i + TILE && k < end; k++)
				for (size_t l = j; l < j + TILE && l < n; l++)
					to[k * n + l] = from[l * n + k];
}

static void run(struct team *t)
{
	const size_t n = t->n, first = team_from(t, n), end = team_to(t, n);
	struct point *a = team_take(t, n * n * sizeof *a), *b = team_take(t, n * n * sizeof *b);
	struct point *roots = team_private(n / 2 * sizeof *roots);

	for (size_t k = 0; k < n / 2; k++)
		roots[k] = root(k, n);
	for (size_t i = first * n; i < end * n; i++)
		a[i] = (struct point){ team_random(2 * i), team_random(2 * i + 1) };
	team_barrier(t);
	transpose(t, a, b);
	for (size_t i = first; i < end; i++) {
		transform(&b[i * n], n, roots);
		twiddle(&b[i * n], i, n);
	}
	team_barrier(t);
	transpose(t, b, a);
	for (size_t i = first; i < end; i++)
		transform(&a[i * n], n, roots);
	team_barrier(t);
	transpose(t, a, b);
	free(roots);
	t->result = b;
	t->result_bytes = n * n * sizeof *b;
	team_barrier(t);
}

const struct kernel kernel_transpose = {
	.name = "transpose", .run = run, .bytes = 8 << 20, .full = { .n = 512 }, .few = { .n = 32 }
};
