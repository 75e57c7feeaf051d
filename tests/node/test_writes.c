/* SPDX-License-Identifier: BSD-2-Clause */
/* Streams of writes: simulated threads write, and fault where nothing was granted ahead. */
#include <string.h>

#include "dsm/node/writes.h"
#include "tests/suite.h"

#define PAGES 4096

static struct writes writes;
static uint8_t here[PAGES];
static unsigned faults, asked;

static void begin(void)
{
	memset(&writes, 0, sizeof writes);
	memset(here, 0, sizeof here);
	faults = asked = 0;
}

/* A home grants so many pages of a request; no request leaves a block of so many. */
static void write_page(uint64_t page, unsigned grant, unsigned block)
{
	unsigned n;

	if (here[page])
		return;
	faults++;
	n = writes_fault(&writes, page);
	CU_ASSERT_TRUE(n >= 1 && n <= WRITES_RUN_MAX);
	if (n > block - page % block) {
		n = block - (unsigned)page % block;
		writes_asked(&writes, page, n);
	}
	asked += n;
	for (unsigned i = 0; i < n && i < grant; i++)
		here[page + i] = 1;
	CU_ASSERT_TRUE(here[page]);
}

static void test_in_order(void)
{
	begin();
	for (uint64_t p = 0; p < PAGES; p++)
		write_page(p, PAGES, 64);
	CU_ASSERT_TRUE(faults <= PAGES / 64 + 6);
	CU_ASSERT_EQUAL(asked, PAGES);
}

/* Blocks do not begin where the stream does. */
static void test_from_the_middle(void)
{
	begin();
	for (uint64_t p = 16; p < PAGES; p++)
		write_page(p, PAGES, 64);
	CU_ASSERT_TRUE(faults <= PAGES / 64 + 6);
}

/* Pages that others have had come one by one, and little is asked for in vain. */
static void test_not_granted(void)
{
	begin();
	for (uint64_t p = 0; p < PAGES / 2; p++)
		write_page(p, 1, 64);
	CU_ASSERT_EQUAL(faults, PAGES / 2);
	CU_ASSERT_TRUE(asked <= PAGES / 2 + PAGES / 4 + PAGES / 64); /* more where blocks begin */
}

/* Somebody has all pages: a run is answered with nothing, and its first page faults once more. */
static void test_refused(void)
{
	begin();
	for (uint64_t p = 0; p < PAGES; p++)
		for (unsigned n = 2; n > 1; faults++)
			n = writes_fault(&writes, p);
	CU_ASSERT_TRUE(faults >= PAGES + 1); /* it is tried again, should they be fresh now */
	CU_ASSERT_TRUE(faults <= PAGES + PAGES / 64 + 6);
}

static void test_arrays(void)
{
	begin();
	for (uint64_t p = 0; p < PAGES / 8; p++)
		for (unsigned array = 0; array < 8; array++)
			write_page(array * (PAGES / 8) + p, PAGES, 64);
	CU_ASSERT_TRUE(faults <= PAGES / 64 + 8 * 6);
}

static void test_no_stream(void)
{
	begin();
	for (uint64_t p = 0; p < PAGES; p += 3)
		write_page(p, PAGES, 64);
	CU_ASSERT_EQUAL(asked, faults);
	begin();
	for (uint64_t p = PAGES; p-- > 0;)
		write_page(p, PAGES, 64);
	CU_ASSERT_EQUAL(asked, faults);
}

static void test_same_page(void)
{
	begin();
	for (unsigned i = 0; i < 10; i++)
		CU_ASSERT_EQUAL(writes_fault(&writes, 7), 1);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "in order", test_in_order },
		{ "from the middle", test_from_the_middle },
		{ "not granted", test_not_granted },
		{ "refused", test_refused },
		{ "several arrays", test_arrays },
		{ "no stream", test_no_stream },
		{ "same page", test_same_page },
		CU_TEST_INFO_NULL,
	};

	return suite_run("writes", NULL, NULL, tests, 60);
}
