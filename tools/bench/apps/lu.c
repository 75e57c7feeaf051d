/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * LU of a matrix of n rows by blocks of 16 x 16, without pivoting. The matrix is stored row by row,
 * so a block is 16 pieces of 16 rows, and blocks side by side, which different members own, lie on
 * the same pages.
 */
#include "tools/bench/apps/kernels.h"

#define BLOCK 16

struct lu {
	double *a;
	size_t n, blocks;
	unsigned rank, rows, columns; /* of members, as they are laid over the blocks */
};

static double *block(const struct lu *lu, size_t i, size_t j)
{
	return lu->a + i * BLOCK * lu->n + j * BLOCK;
}

static int is_own(const struct lu *lu, size_t i, size_t j)
{
	return i % lu->rows * lu->columns + j % lu->columns == lu->rank;
}

static void factor(double *d, size_t n)
{
	for (size_t k = 0; k < BLOCK; k++)
		for (size_t i = k + 1; i < BLOCK; i++) {
			d[i * n + k] /= d[k * n + k];
			for (size_t j = k + 1; j < BLOCK; j++)
				d[i * n + j] -= d[i * n + k] * d[k * n + j];
		}
}

/* A block right of the diagonal one. */
static void solve_lower(const double *d, double *b, size_t n)
{
	for (size_t k = 0; k < BLOCK; k++)
		for (size_t i = k + 1; i < BLOCK; i++)
			for (size_t j = 0; j < BLOCK; j++)
				b[i * n + j] -= d[i * n + k] * b[k * n + j];
}

/* One below it. */
static void solve_upper(const double *d, double *b, size_t n)
{
	for (size_t i = 0; i < BLOCK; i++)
		for (size_t k = 0; k < BLOCK; k++) {
			b[i * n + k] /= d[k * n + k];
			for (size_t j = k + 1; j < BLOCK; j++)
				b[i * n + j] -= b[i * n + k] * d[k * n + j];
		}
}

static void subtract(const double *l, const double *u, double *b, size_t n)
{
	for (size_t i = 0; i < BLOCK; i++)
		for (size_t k = 0; k < BLOCK; k++)
			for (size_t j = 0; j < BLOCK; j++)
				b[i * n + j] -= l[i * n + k] * u[k * n + j];
}

static void step(struct team *t, const struct lu *lu, size_t k)
{
	if (is_own(lu, k, k))
		factor(block(lu, k, k), lu->n);
	team_barrier(t);
	for (size_t i = k + 1; i < lu->blocks; i++) {
		if (is_own(lu, i, k))
			solve_upper(block(lu, k, k), block(lu, i, k), lu->n);
		if (is_own(lu, k, i))
			solve_lower(block(lu, k, k), block(lu, k, i), lu->n);
	}
	team_barrier(t);
	for (size_t i = k + 1; i < lu->blocks; i++)
		for (size_t j = k + 1; j < lu->blocks; j++)
			if (is_own(lu, i, j))
				subtract(block(lu, i, k), block(lu, k, j), block(lu, i, j), lu->n);
	team_barrier(t);
}

/* Each its own blocks; the diagonal is large enough to do without pivots. */
static void fill(const struct lu *lu)
{
	for (size_t i = 0; i < lu->n; i++)
		for (size_t j = 0; j < lu->n; j++)
			if (is_own(lu, i / BLOCK, j / BLOCK))
				lu->a[i * lu->n + j] =
					team_random(i * lu->n + j) + (i == j ? (double)lu->n : 0);
}

static void run(struct team *t)
{
	struct lu lu = { .n = t->n, .blocks = t->n / BLOCK, .rank = t->rank, .rows = 1 };

	for (unsigned rows = 1; rows * rows <= t->size; rows++)
		if (t->size % rows == 0)
			lu.rows = rows;
	lu.columns = t->size / lu.rows;
	lu.a = team_take(t, lu.n * lu.n * sizeof(double));
	fill(&lu);
	team_barrier(t);
	for (size_t k = 0; k < lu.blocks; k++)
		step(t, &lu, k);
	t->result = lu.a;
	t->result_bytes = lu.n * lu.n * sizeof(double);
}

const struct kernel kernel_lu = {
	.name = "lu", .run = run, .bytes = 2 << 20, .full = { .n = 512 }, .few = { .n = 64 }
};
