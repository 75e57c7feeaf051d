/* SPDX-License-Identifier: BSD-2-Clause */
/* Medians and percentiles of dsm-bench. */
#include "tools/bench/series.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/bench/bench.h"
#include "tests/suite.h"

void bench_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	exit(1);
}

static void test_median_of_the_medians(void)
{
	static const double reps[][3] = { { 9, 1, 2 }, { 30, 10, 20 }, { 5, 4, 700 } };
	struct series s;
	double value, p99;

	series_open(&s, 3, 3);
	for (int rep = 0; rep < 3; rep++) {
		for (int i = 0; i < 3; i++)
			series_add(&s, reps[rep][i]);
		series_rep(&s);
	}
	series_summary(&s, SERIES_LESS_IS_BETTER, &value, &p99);
	CU_ASSERT_DOUBLE_EQUAL(value, 5, 0); /* of 2, 20 and 5 */
	CU_ASSERT_DOUBLE_EQUAL(p99, 700, 0);
	series_close(&s);
}

static void test_even_numbers_have_the_mean_of_two(void)
{
	struct series s;
	double value, p99;

	series_open(&s, 2, 1);
	series_rep_one(&s, 3);
	series_rep_one(&s, 1);
	series_summary(&s, SERIES_MORE_IS_BETTER, &value, &p99);
	CU_ASSERT_DOUBLE_EQUAL(value, 2, 0);
	CU_ASSERT_DOUBLE_EQUAL(p99, 1, 0); /* of rates the worst is the least */
	series_close(&s);
}

static void test_one_of_a_hundred_is_worse_than_p99(void)
{
	struct series s;
	double value, p99;

	series_open(&s, 1, 200);
	for (int i = 200; i > 0; i--)
		series_add(&s, i);
	series_rep(&s);
	series_summary(&s, SERIES_LESS_IS_BETTER, &value, &p99);
	CU_ASSERT_DOUBLE_EQUAL(value, 100.5, 0);
	CU_ASSERT_DOUBLE_EQUAL(p99, 198, 0);
	series_summary(&s, SERIES_MORE_IS_BETTER, &value, &p99);
	CU_ASSERT_DOUBLE_EQUAL(p99, 3, 0);
	series_close(&s);
}

static void test_nothing_measured_is_zero(void)
{
	struct series s;
	double value = 7, p99 = 7;

	series_open(&s, 1, 1);
	series_summary(&s, SERIES_LESS_IS_BETTER, &value, &p99);
	CU_ASSERT_DOUBLE_EQUAL(value, 0, 0);
	CU_ASSERT_DOUBLE_EQUAL(p99, 0, 0);
	series_close(&s);
}

int main(void)
{
	static CU_TestInfo tests[] = {
		{ "median of the medians", test_median_of_the_medians },
		{ "even numbers have the mean of two", test_even_numbers_have_the_mean_of_two },
		{ "one of a hundred is worse than p99", test_one_of_a_hundred_is_worse_than_p99 },
		{ "nothing measured is zero", test_nothing_measured_is_zero },
		CU_TEST_INFO_NULL,
	};

	return suite_run("series", NULL, NULL, tests, 60);
}
