/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages that are kept for another node: each where it was, until it is dropped, and no more memory than was used at
 * once. */
#include <string.h>

#include "dsm/memory/memory.h"
#include "tests/suite.h"

#define FIRST 1000
#define PAGES 5000

static struct stages s;

static uint8_t *put(uint64_t page)
{
	uint8_t *at = stages_put(&s, page);

	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	memset(at, (int)(page % 251), STAGES_PAGE_BYTES);
	return at;
}

static int holds(uint64_t page)
{
	const uint8_t *at = stages_at(&s, page);

	for (unsigned i = 0; at && i < STAGES_PAGE_BYTES; i++)
		if (at[i] != page % 251)
			return 0;
	return at != NULL;
}

static void test_pages(void)
{
	uint8_t *at;

	CU_ASSERT_EQUAL_FATAL(stages_open(&s, FIRST, PAGES), 0);
	for (uint64_t p = FIRST; p < FIRST + 100; p++)
		put(p);
	at = put(FIRST + 7);
	CU_ASSERT_PTR_EQUAL(stages_put(&s, FIRST + 7), at); /* the same */
	CU_ASSERT_EQUAL(stages_count(&s), 100);
	for (uint64_t p = FIRST; p < FIRST + 100; p++)
		CU_ASSERT(holds(p));
	CU_ASSERT_PTR_NULL(stages_at(&s, FIRST + 100));
	CU_ASSERT_PTR_NULL(stages_at(&s, FIRST - 1));
	CU_ASSERT_PTR_NULL(stages_put(&s, FIRST - 1)); /* there may be none of these */
	CU_ASSERT_PTR_NULL(stages_put(&s, FIRST + PAGES));
	stages_drop(&s, FIRST + 7);
	stages_drop(&s, FIRST + 7);
	CU_ASSERT_PTR_NULL(stages_at(&s, FIRST + 7));
	CU_ASSERT_PTR_EQUAL(put(FIRST + PAGES - 1), at); /* in its place */
	CU_ASSERT_EQUAL(stages_count(&s), 100);
	stages_close(&s);
}

static int is_odd(const void *ctx, uint64_t page)
{
	return page % 2 && ctx == &s;
}

static void test_sweep(void)
{
	CU_ASSERT_EQUAL_FATAL(stages_open(&s, FIRST, PAGES), 0);
	for (unsigned round = 0; round < 5; round++) {
		for (uint64_t p = FIRST; p < FIRST + 400; p++)
			put(p);
		stages_sweep(&s, is_odd, &s);
		CU_ASSERT_EQUAL(stages_count(&s), 200);
		for (uint64_t p = FIRST; p < FIRST + 400; p++)
			CU_ASSERT(p % 2 ? holds(p) : !stages_at(&s, p));
	}
	CU_ASSERT_EQUAL(s.used, 400); /* no more than were there at once */
	stages_close(&s);
}

static void test_all(void)
{
	CU_ASSERT_EQUAL_FATAL(stages_open(&s, FIRST, PAGES), 0);
	for (uint64_t p = FIRST; p < FIRST + PAGES; p++)
		put(p);
	for (uint64_t p = FIRST; p < FIRST + PAGES; p++)
		CU_ASSERT(holds(p));
	stages_close(&s);
	CU_ASSERT_EQUAL_FATAL(stages_open(&s, 0, 2 * STAGES_MOST), 0);
	for (uint64_t p = 0; p < STAGES_MOST; p++)
		CU_ASSERT_PTR_NOT_NULL(stages_put(&s, p));
	CU_ASSERT_PTR_NULL(stages_put(&s, STAGES_MOST)); /* too many */
	CU_ASSERT_PTR_NOT_NULL(stages_put(&s, 5));
	stages_close(&s);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "of pages", test_pages },
		{ "of what is not needed any more", test_sweep },
		{ "of as many as there may be", test_all },
		CU_TEST_INFO_NULL,
	};

	return suite_run("stages", NULL, NULL, tests, 60);
}
