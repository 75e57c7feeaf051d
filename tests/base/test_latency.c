/* SPDX-License-Identifier: BSD-2-Clause */
/* Histograms of waits: bounds of buckets, counting, quantiles, merging. */
#include <string.h>

#include "dsm/base/latency.h"
#include "tests/suite.h"

#define LAST (DSM_LATENCY_BUCKETS - 1)

static struct latency latency;
static struct dsm_latency *const h = &latency.of[DSM_LATENCY_LOCK];

static void begin(void)
{
	memset(&latency, 0, sizeof latency);
}

static void note(uint64_t ns)
{
	latency_note(&latency, DSM_LATENCY_LOCK, ns);
}

/* Every wait is in the one bucket whose bounds are around it. */
static void test_bounds(void)
{
	uint64_t below = 0;

	CU_ASSERT_EQUAL(dsm_latency_bucket(0), 0);
	for (unsigned k = 0; k < DSM_LATENCY_BUCKETS; k++) {
		const uint64_t bound = dsm_latency_bound(k);
		CU_ASSERT_TRUE(bound > below);
		CU_ASSERT_EQUAL(dsm_latency_bucket(below + 1), k);
		CU_ASSERT_EQUAL(dsm_latency_bucket(bound), k);
		CU_ASSERT_TRUE(k < 8 || bound - below <= below / 8); /* an eighth wide */
		below = bound;
	}
	CU_ASSERT_EQUAL(below, UINT64_C(1) << 42);
	CU_ASSERT_EQUAL(dsm_latency_bucket(below + 1), LAST);
	CU_ASSERT_EQUAL(dsm_latency_bucket(UINT64_MAX), LAST);
}

/* As dsm_latency.h has it, and le of metrics: a power of two ends a bucket. */
static void test_formula(void)
{
	for (unsigned k = 8; k < DSM_LATENCY_BUCKETS; k++)
		CU_ASSERT_EQUAL(dsm_latency_bound(k), (uint64_t)(9 + k % 8) << (k / 8 - 1));
	for (unsigned power = 3; power <= 42; power++)
		CU_ASSERT_EQUAL(dsm_latency_bound((power - 3) * 8 + 7), UINT64_C(1) << power);
}

static void test_counts(void)
{
	begin();
	note(5);
	note(1000);
	note(1024);
	note(1025);
	note(UINT64_C(1) << 50);
	CU_ASSERT_EQUAL(h->count, 5);
	CU_ASSERT_EQUAL(h->sum_ns, 5 + 1000 + 1024 + 1025 + (UINT64_C(1) << 50));
	CU_ASSERT_EQUAL(h->max_ns, UINT64_C(1) << 50);
	CU_ASSERT_EQUAL(h->bucket[4], 1);
	CU_ASSERT_EQUAL(h->bucket[dsm_latency_bucket(1024)], 2);
	CU_ASSERT_EQUAL(h->bucket[dsm_latency_bucket(1024) + 1], 1);
	CU_ASSERT_EQUAL(h->bucket[LAST], 1);
	CU_ASSERT_EQUAL(latency.of[DSM_LATENCY_BARRIER].count, 0);
}

/* Never less than the truth, and an eighth more at most. */
static void test_quantiles(void)
{
	static const double parts[] = { 0, 0.01, 0.5, 0.9, 0.99, 0.999, 1 };

	begin();
	CU_ASSERT_EQUAL(dsm_latency_quantile(h, 0.5), 0);
	for (uint64_t us = 1; us <= 10000; us++)
		note(us * 1000);
	for (unsigned i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		const double exact = parts[i] * 10000 < 1 ? 1000 : parts[i] * 10000 * 1000;
		const double said = (double)dsm_latency_quantile(h, parts[i]);
		CU_ASSERT_TRUE(said >= exact && said <= exact * 1.126);
	}
	CU_ASSERT_EQUAL(dsm_latency_quantile(h, 1), 10000 * 1000);
}

/* The longest, where a bucket is wider than that. */
static void test_quantile_of_few(void)
{
	begin();
	note(1000);
	CU_ASSERT_EQUAL(dsm_latency_quantile(h, 0.5), 1000);
	note(UINT64_C(1) << 50);
	CU_ASSERT_EQUAL(dsm_latency_quantile(h, 0.5), 1024);
	CU_ASSERT_EQUAL(dsm_latency_quantile(h, 0.99), UINT64_C(1) << 50);
}

/* Two halves together are the whole. */
static void test_merge(void)
{
	struct dsm_latency sum = { 0 }, half;

	begin();
	for (uint64_t ns = 1; ns < 1000000; ns += 977)
		note(ns);
	half = *h;
	dsm_latency_merge(&sum, h);
	begin();
	for (uint64_t ns = 500000; ns < 90000000; ns += 9973)
		note(ns);
	dsm_latency_merge(&sum, h);
	for (uint64_t ns = 1; ns < 1000000; ns += 977)
		note(ns);
	CU_ASSERT_EQUAL(memcmp(&sum, h, sizeof sum), 0);
	dsm_latency_merge(&half, &(struct dsm_latency){ 0 });
	CU_ASSERT_EQUAL(half.max_ns, 1 + 1023 * 977);
}

static void test_names(void)
{
	CU_ASSERT_STRING_EQUAL(dsm_latency_name(DSM_LATENCY_READ_MISS), "read_miss");
	for (int kind = 1; kind <= LATENCY_KINDS; kind++)
		CU_ASSERT_PTR_NOT_NULL(dsm_latency_name(kind));
	CU_ASSERT_PTR_NULL(dsm_latency_name(0));
	CU_ASSERT_PTR_NULL(dsm_latency_name(LATENCY_KINDS + 1));
	CU_ASSERT_PTR_NULL(dsm_latency_name(-1));
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "bounds", test_bounds },
		{ "the formula", test_formula },
		{ "counts", test_counts },
		{ "quantiles", test_quantiles },
		{ "quantiles of few", test_quantile_of_few },
		{ "merge", test_merge },
		{ "names", test_names },
		CU_TEST_INFO_NULL,
	};

	return suite_run("latency", NULL, NULL, tests, 10);
}
