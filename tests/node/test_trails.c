/* SPDX-License-Identifier: BSD-2-Clause */
/* Trails: simulated threads come to pages, and fault where nothing was asked for. */
#include <string.h>

#include "dsm/node/trails.h"
#include "tests/suite.h"

#define PAGES 4096
#define TIMES 64

static struct trails trails;
static uint8_t here[PAGES];
static uint64_t first_of[PAGES]; /* of what was asked for ahead: its trail, and 1 */
static unsigned faults, asked;

static void begin(void)
{
	memset(&trails, 0, sizeof trails);
	memset(here, 0, sizeof here);
	memset(first_of, 0, sizeof first_of);
	faults = asked = 0;
}

static void come_to(uint64_t page)
{
	unsigned n;

	if (here[page])
		return;
	faults++;
	n = trails_fault(&trails, page);
	CU_ASSERT_TRUE(n >= 1 && n <= TRAILS_MAX);
	asked += n;
	for (uint64_t p = page; p < page + n && p < PAGES; p++) {
		here[p] = 1;
		if (p > page)
			first_of[p] = trails_first(&trails, page) + 1;
	}
}

static void come_through(uint64_t first, unsigned n)
{
	for (uint64_t p = first; p < first + n; p++)
		come_to(p);
}

/* Somebody else takes all that is here; of what was asked for ahead, used says whether it was written. */
static void take_all(int used)
{
	for (uint64_t p = 0; p < PAGES; p++)
		if (here[p] && first_of[p])
			trails_used(&trails, first_of[p] - 1, used);
	memset(here, 0, sizeof here);
	memset(first_of, 0, sizeof first_of);
}

/* What comes back is asked for by one fault, and no more than that. */
static void test_comes_back(void)
{
	begin();
	for (unsigned i = 0; i < TIMES; i++) {
		come_through(100, 4);
		come_through(900, 7);
		take_all(1);
		if (i == 1) /* seen twice */
			faults = asked = 0;
	}
	/* And now and then it is looked how long it is: up to the end of it page by page, and by a few at a time. */
	CU_ASSERT_TRUE(faults <= 2 * (TIMES - 2) + 2 * (TIMES / 15 + 1) * 8);
	CU_ASSERT_TRUE(asked >= 11 * (TIMES - 2) && asked <= 11 * (TIMES - 2) + 2 * (TIMES / 15 + 1) * TRAILS_AHEAD);
}

/* One that has become shorter is found out. */
static void test_shorter(void)
{
	begin();
	for (unsigned i = 0; i < TIMES; i++) {
		come_through(100, i < 10 ? 20 : 2);
		take_all(1);
		if (i == TIMES / 2)
			asked = 0;
	}
	CU_ASSERT_TRUE(asked <= 2 * TIMES / 2 + 8);
}

static void test_longer(void)
{
	begin();
	for (unsigned i = 0; i < TIMES; i++) {
		come_through(100, i < 10 ? 2 : 20);
		take_all(1);
		if (i == TIMES / 2)
			faults = 0;
	}
	CU_ASSERT_TRUE(faults <= 3 * TIMES / 2);
}

/* Pages in no order are no trail. */
static void test_no_order(void)
{
	uint64_t random = 1, page;

	begin();
	for (unsigned i = 0; i < 20 * PAGES; i++) {
		random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
		page = random >> 33;
		come_to(page % PAGES);
		if (i % 64 == 63)
			take_all(0);
	}
	CU_ASSERT_TRUE(asked <= faults + faults / 50);
}

/* One that goes on is followed, a little at a time. */
static void test_goes_on(void)
{
	begin();
	come_through(0, PAGES);
	CU_ASSERT_TRUE(faults <= PAGES / TRAILS_AHEAD + 8);
	CU_ASSERT_TRUE(asked <= PAGES + TRAILS_AHEAD);
}

/* What others want, too, so that it goes before it is used, is left to who faults on it. */
static void test_not_used(void)
{
	begin();
	for (unsigned i = 0; i < 10 * TIMES; i++) {
		come_through(100, 2);
		take_all(i < TIMES);
		if (i + 1 == TIMES)
			asked = faults = 0;
	}
	CU_ASSERT_TRUE(asked - 2 * 9 * TIMES <= 9 * TIMES / 10);
	/* When it is used again it is trusted again. */
	for (unsigned i = 0; i < 10 * TIMES; i++) {
		come_through(100, 2);
		take_all(1);
		if (i + 1 == 9 * TIMES)
			faults = 0;
	}
	CU_ASSERT_TRUE(faults <= TIMES + TIMES / 8);
}

/* A request that ends at the end of a block, say, is not a longer one. */
static void test_asked(void)
{
	begin();
	come_to(10);
	trails_asked(&trails, 10, 3);
	CU_ASSERT_EQUAL(trails_fault(&trails, 12), 1); /* it was */
	CU_ASSERT_EQUAL(trails_fault(&trails, 13), 1);
	CU_ASSERT_EQUAL(trails_fault(&trails, 14), 2); /* the third fault of one trail */
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "comes back", test_comes_back },
		{ "has become shorter", test_shorter },
		{ "has become longer", test_longer },
		{ "in no order", test_no_order },
		{ "goes on", test_goes_on },
		{ "is not used", test_not_used },
		{ "less was asked for", test_asked },
		CU_TEST_INFO_NULL,
	};

	return suite_run("trails", NULL, NULL, tests, 60);
}
