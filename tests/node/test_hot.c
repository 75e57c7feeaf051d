/* SPDX-License-Identifier: BSD-2-Clause */
/* The pages that fault most: counted exactly while there is room, and found among any number
 * of others. */
#include <stdlib.h>
#include <string.h>

#include "dsm/node/hot.h"
#include "tests/suite.h"

static struct hot hot;

static void test_exact(void)
{
	struct hot_page out[4];

	memset(&hot, 0, sizeof hot);
	CU_ASSERT_EQUAL(hot_list(&hot, out, 4), 0);
	for (int i = 0; i < 5; i++)
		hot_note(&hot, 7, 3, 1);
	hot_note(&hot, 7, 63, 0);
	hot_note(&hot, 0, 0, 0);
	for (int i = 0; i < 3; i++)
		hot_note(&hot, UINT64_C(1) << 40, 9, 0);
	CU_ASSERT_EQUAL_FATAL(hot_list(&hot, out, 4), 3);
	CU_ASSERT_EQUAL(out[0].page, 7);
	CU_ASSERT_EQUAL(out[0].writes, 5);
	CU_ASSERT_EQUAL(out[0].reads, 1);
	CU_ASSERT_EQUAL(out[0].over, 0);
	CU_ASSERT_EQUAL(out[0].write_parts, UINT64_C(1) << 3);
	CU_ASSERT_EQUAL(out[0].read_parts, UINT64_C(1) << 63);
	CU_ASSERT_EQUAL(out[1].page, UINT64_C(1) << 40);
	CU_ASSERT_EQUAL(out[2].page, 0);
	CU_ASSERT_EQUAL(hot_list(&hot, out, 1), 1);
	CU_ASSERT_EQUAL(out[0].page, 7);
	CU_ASSERT_EQUAL(hot_list(&hot, out, 0), 0);
}

/* Where a page is used now counts, not where it was. */
static void test_habits_change(void)
{
	struct hot_page out;

	memset(&hot, 0, sizeof hot);
	for (int i = 0; i < 100; i++)
		hot_note(&hot, 3, 1, 1);
	for (int i = 0; i < 200; i++)
		hot_note(&hot, 3, 2, i & 1);
	CU_ASSERT_EQUAL_FATAL(hot_list(&hot, &out, 1), 1);
	CU_ASSERT_EQUAL(out.reads + out.writes, 300);
	CU_ASSERT_EQUAL(out.read_parts, 1 << 2);
	CU_ASSERT_EQUAL(out.write_parts, 1 << 2);
}

/* A page with more than its share of a set's faults is in the table, and its count is right
 * within `over`. */
static void test_among_many(void)
{
	struct hot_page out[16];
	uint32_t noted = 0;

	memset(&hot, 0, sizeof hot);
	srand(1);
	for (int i = 0; i < 1000000; i++) {
		const int rare = rand() % 100 != 0;
		hot_note(&hot, rare ? 1000 + (uint64_t)(rand() % 100000) : 5, 1, 1);
		noted += !rare;
	}
	CU_ASSERT_EQUAL_FATAL(hot_list(&hot, out, 16), 16);
	CU_ASSERT_EQUAL(out[0].page, 5);
	CU_ASSERT(out[0].writes + out[0].reads >= noted);
	CU_ASSERT(out[0].writes + out[0].reads - out[0].over <= noted);
	for (unsigned i = 1; i < 16; i++)
		CU_ASSERT(out[i - 1].reads + out[i - 1].writes >= out[i].reads + out[i].writes);
}

/* A newcomer says what it does not know. */
static void test_newcomer(void)
{
	struct hot_page out[HOT_WAYS + 1];
	unsigned n, newcomers = 0;

	memset(&hot, 0, sizeof hot);
	for (uint64_t i = 0; i < HOT_WAYS + 1; i++)
		for (unsigned k = 0; k < 10; k++)
			hot_note(&hot, i << 18, (unsigned)i, 0); /* all in one set */
	n = hot_list(&hot, out, HOT_WAYS + 1);
	CU_ASSERT_EQUAL_FATAL(n, HOT_WAYS);
	for (unsigned i = 0; i < n; i++) {
		newcomers += out[i].over > 0;
		CU_ASSERT_EQUAL(out[i].reads - out[i].over, 10);
		CU_ASSERT_EQUAL(out[i].read_parts, UINT64_C(1) << (out[i].page >> 18));
	}
	CU_ASSERT_EQUAL(newcomers, 1);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "exact", test_exact },
		{ "habits change", test_habits_change },
		{ "among many", test_among_many },
		{ "a newcomer", test_newcomer },
		CU_TEST_INFO_NULL,
	};

	return suite_run("hot pages", NULL, NULL, tests, 60);
}
