/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A sparse matrix of n rows times a vector, again and again, the product being the next vector.
 * Half of a row's entries are near the diagonal, half are anywhere. Members own rows; everybody
 * reads nearly all of the vector.
 */
#include "tools/bench/apps/kernels.h"

#define ENTRIES 16 /* of a row */
#define NEAR 64    /* as far from the diagonal */

struct entry {
	double value;
	uint32_t column;
};

static void fill(struct team *t, struct entry *matrix, double *x)
{
	const size_t n = t->n;

	for (size_t i = team_from(t, n); i < team_to(t, n); i++) {
		x[i] = team_random(i);
		for (size_t j = 0; j < ENTRIES; j++) {
			const uint64_t random = team_hash(n + i * ENTRIES + j);
			struct entry *e = &matrix[i * ENTRIES + j];

			e->column = (uint32_t)(j % 2 ? random % n : (i + random % NEAR) % n);
			e->value = (double)(random >> 40) / (1 << 24) / ENTRIES * 2;
		}
	}
}

static void multiply(struct team *t, const struct entry *matrix, const double *x, double *y)
{
	for (size_t i = team_from(t, t->n); i < team_to(t, t->n); i++) {
		const struct entry *row = &matrix[i * ENTRIES];
		double sum = 0;

		for (size_t j = 0; j < ENTRIES; j++)
			sum += row[j].value * x[row[j].column];
		y[i] = sum;
	}
}

static void run(struct team *t)
{
	struct entry *matrix = team_take(t, t->n * ENTRIES * sizeof *matrix);
	double *x = team_take(t, t->n * sizeof *x), *y = team_take(t, t->n * sizeof *y), *old;

	fill(t, matrix, x);
	team_barrier(t);
	for (unsigned i = 0; i < t->work; i++) {
		multiply(t, matrix, x, y);
		old = x;
		x = y;
		y = old;
		team_barrier(t);
	}
	t->result = x;
	t->result_bytes = t->n * sizeof *x;
}

const struct kernel kernel_sparse = { .name = "sparse",
	                              .run = run,
	                              .bytes = 9 << 20,
	                              .full = { .n = 1 << 15, .work = 20 },
	                              .few = { .n = 1 << 11, .work = 3 } };
