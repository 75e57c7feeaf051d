/* SPDX-License-Identifier: BSD-2-Clause */
/* Instructions that fault are sampled while somebody looks, and no longer; counted, with the bytes
 * that they access. */
#include <string.h>

#include "dsm/node/lines.h"
#include "tests/suite.h"

#define MS UINT64_C(1000000)

static struct lines lines;

/* Samples that a fault every us would give from one time to another. */
static unsigned sampled(uint64_t from_ns, uint64_t to_ns)
{
	unsigned n = 0;

	for (uint64_t now = from_ns; now < to_ns; now += 1000)
		n += lines_due(&lines, now);
	return n;
}

static void test_looks_end(void)
{
	const uint64_t start = 7 * MS;
	unsigned n;

	memset(&lines, 0, sizeof lines);
	CU_ASSERT_EQUAL(sampled(start, start + 100 * MS), 0);
	lines_watch(&lines, start);
	n = sampled(start, start + 1000 * MS);
	CU_ASSERT(n > 900 && n < 1100);
	lines_watch(&lines, start + 1000 * MS); /* still looking */
	CU_ASSERT(sampled(start + LINES_WATCH_NS, start + LINES_WATCH_NS + 10 * MS) > 0);
	CU_ASSERT_EQUAL(sampled(start + 1000 * MS + LINES_WATCH_NS, start + 2 * LINES_WATCH_NS), 0);
	CU_ASSERT_EQUAL(lines.until_ns, 0);
}

static void test_counted(void)
{
	struct line out[4];

	memset(&lines, 0, sizeof lines);
	lines_watch(&lines, MS);
	for (int i = 0; i < 5; i++)
		lines_note(&lines, 0x1000, 3, 8 * (4 - i) + 64, 1);
	lines_note(&lines, 0x1000, 3, 0, 0);
	lines_note(&lines, 0x1000, 4, 0, 1);
	lines_note(&lines, 0x1004, 3, 0, 1);
	lines_note(&lines, 0x1004, 3, 4088, 1);
	CU_ASSERT_EQUAL_FATAL(lines_list(&lines, out, 4), 4);
	CU_ASSERT_EQUAL(out[0].pc, 0x1000);
	CU_ASSERT_EQUAL(out[0].page, 3);
	CU_ASSERT_EQUAL(out[0].count, 5);
	CU_ASSERT_EQUAL(out[0].first, 64);
	CU_ASSERT_EQUAL(out[0].last, 96);
	CU_ASSERT_EQUAL(out[0].write, 1);
	CU_ASSERT_EQUAL(out[1].pc, 0x1004);
	CU_ASSERT_EQUAL(out[1].first, 0);
	CU_ASSERT_EQUAL(out[1].last, 4088);
	CU_ASSERT_EQUAL(lines_list(&lines, out, 1), 1);
	CU_ASSERT_EQUAL(out[0].count, 5);
	CU_ASSERT_EQUAL(lines_list(&lines, out, 0), 0);
	lines_watch(&lines, MS + 1); /* goes on */
	CU_ASSERT_EQUAL(lines_list(&lines, out, 4), 4);
	lines_watch(&lines, MS + 2 * LINES_WATCH_NS); /* another look */
	CU_ASSERT_EQUAL(lines_list(&lines, out, 4), 0);
}

/* One that is seen often stays, whatever else comes. */
static void test_among_many(void)
{
	struct line out;

	memset(&lines, 0, sizeof lines);
	lines_watch(&lines, MS);
	for (uint64_t i = 0; i < 20000; i++) {
		lines_note(&lines, 0x4000 + 4 * i, i % 97, 0, i & 1);
		if (i % 8 == 0)
			lines_note(&lines, 0x1000, 5, 16, 1);
	}
	CU_ASSERT_EQUAL_FATAL(lines_list(&lines, &out, 1), 1);
	CU_ASSERT_EQUAL(out.pc, 0x1000);
	CU_ASSERT(out.count >= 2500 && out.count - out.over <= 2500);
	CU_ASSERT_EQUAL(out.first, 16);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "looks end", test_looks_end },
		{ "counted", test_counted },
		{ "among many", test_among_many },
		CU_TEST_INFO_NULL,
	};

	return suite_run("lines", NULL, NULL, tests, 60);
}
