/* SPDX-License-Identifier: BSD-2-Clause */
/* How long faults took since the nodes told before: of their histograms, which are objects of kinds
 * with "buckets", a list of pairs of the bucket's bound in nanoseconds and its count. */
#include "config.h"

#include <stdlib.h>

#include "tools/ctl/top.h"

#define KINDS 3 /* those of faults */
#define BUCKETS_MAX (KINDS * 1024)

struct bucket {
	json_int_t bound, count;
};

struct spread {
	struct bucket bucket[BUCKETS_MAX];
	size_t n;
	json_int_t count;
};

static const json_t *buckets_of(const json_t *latency, const char *kind)
{
	return json_object_get(json_object_get(latency, kind), "buckets");
}

static json_int_t element(const json_t *pair, size_t i)
{
	return json_integer_value(json_array_get(pair, i));
}

static json_int_t count_of(const json_t *buckets, json_int_t bound)
{
	json_t *pair;
	size_t i;

	json_array_foreach(buckets, i, pair)
		if (element(pair, 0) == bound)
			return element(pair, 1);
	return 0;
}

static void add(struct spread *s, const json_t *now, const json_t *before)
{
	json_t *pair;
	size_t i;

	json_array_foreach(now, i, pair) {
		const json_int_t bound = element(pair, 0);
		const json_int_t count = element(pair, 1) - count_of(before, bound);
		if (count <= 0 || s->n == BUCKETS_MAX)
			continue;
		s->bucket[s->n++] = (struct bucket){ bound, count };
		s->count += count;
	}
}

static int by_bound(const void *a, const void *b)
{
	const struct bucket *x = a, *y = b;

	return (x->bound > y->bound) - (x->bound < y->bound);
}

/* The bound below which that part of them lies, in microseconds. */
static double quantile(const struct spread *s, double part)
{
	const double wanted = part * (double)s->count;
	double below = 0;

	for (size_t i = 0; i < s->n; i++) {
		below += (double)s->bucket[i].count;
		if (below >= wanted)
			return (double)s->bucket[i].bound / 1000;
	}
	return TOP_UNKNOWN;
}

static const json_t *answer_of(const struct answers *answers, int rank)
{
	for (int i = 0; i < answers->count; i++)
		if (answers->list[i].rank == rank)
			return answers->list[i].json;
	return NULL;
}

void top_latency(const struct top *top, struct top_row *row)
{
	static const char *const kind[KINDS] = { "read_miss", "write_miss", "upgrade" };
	static struct spread s;

	s.n = 0;
	s.count = 0;
	for (int i = 0; i < top->latency.count; i++) {
		const json_t *now = top->latency.list[i].json;
		const int rank = top->latency.list[i].rank;
		const json_t *before = answer_of(&top->latency_before, rank);
		if (!now || !before || (row->rank >= 0 && row->rank != rank))
			continue;
		for (int k = 0; k < KINDS; k++)
			add(&s, buckets_of(now, kind[k]), buckets_of(before, kind[k]));
	}
	qsort(s.bucket, s.n, sizeof *s.bucket, by_bound);
	row->value[TOP_P50] = quantile(&s, 0.5);
	row->value[TOP_P99] = quantile(&s, 0.99);
}

int top_has_latency(const struct top *top)
{
	for (int i = 0; i < top->latency.count; i++)
		if (top->latency.list[i].json)
			return 1;
	return 0;
}
