/* SPDX-License-Identifier: BSD-2-Clause */
/* What is bound to locks, and what is given ahead: simulated threads take a lock, and come to pages. */
#include <string.h>

#include "dsm/node/bound.h"
#include "dsm/node/given.h"
#include "tests/suite.h"

#define PAGES 4096
#define TIMES 320
#define LOCK (BOUND_KEY | 7)
#define OTHER (BOUND_KEY | 8)
#define THREAD 71

static struct bounds bound;
static enum { GONE, ASKED, USED, FAULTED } here[PAGES];
static unsigned faults, asked, unused;

static void begin(void)
{
	memset(&bound, 0, sizeof bound);
	memset(here, 0, sizeof here);
	faults = asked = unused = 0;
}

static void take(uint32_t thread, uint64_t key)
{
	struct bound_page ask[BOUND_PAGES];
	unsigned n;

	bound_begin(&bound, thread, key);
	n = bound_pages(&bound, key, ask);
	CU_ASSERT_TRUE_FATAL(n <= BOUND_PAGES);
	asked += n;
	for (unsigned i = 0; i < n; i++) {
		CU_ASSERT_TRUE_FATAL(ask[i].page < PAGES);
		here[ask[i].page] = ASKED;
	}
}

static void write_to(uint32_t thread, uint64_t page)
{
	if (here[page] == GONE) {
		here[page] = FAULTED;
		faults++;
		bound_fault(&bound, thread, page, 1);
	} else if (here[page] == ASKED) {
		here[page] = USED;
	}
}

/* The lock goes, and another node takes all that was under it. */
static void give(uint32_t thread, uint64_t key)
{
	bound_end(&bound, thread);
	for (uint64_t page = 0; page < PAGES; page++) {
		if (here[page] == ASKED || here[page] == USED)
			bound_used(&bound, key, page, here[page] == USED);
		unused += here[page] == ASKED;
		here[page] = GONE;
	}
}

/* The same pages each time, in whatever order: they come with the lock, but for a look now and then. */
static void test_comes_along(void)
{
	begin();
	for (unsigned i = 0; i < TIMES; i++) {
		take(THREAD, LOCK);
		write_to(THREAD, i % 2 ? 100 : 3000);
		write_to(THREAD, i % 2 ? 3000 : 100);
		give(THREAD, LOCK);
		if (i == 1) { /* seen twice */
			CU_ASSERT_EQUAL(asked, 0);
			faults = 0;
		}
	}
	CU_ASSERT_TRUE(faults >= 2 * (TIMES / 16 - 1) && faults <= 2 * (TIMES / 16 + 1));
	CU_ASSERT_TRUE(asked >= 2 * (TIMES - 2) * 14 / 16);
	CU_ASSERT_EQUAL(unused, 0);
}

/* What is read alone is asked for to be read; what is written then, to be written. */
static void test_reads(void)
{
	struct bound_page ask[BOUND_PAGES];

	begin();
	for (int i = 0; i < 2; i++) {
		bound_begin(&bound, THREAD, LOCK);
		bound_fault(&bound, THREAD, 10, 0);
		bound_fault(&bound, THREAD, 20, i);
		bound_fault(&bound, THREAD, 20, !i);
		bound_end(&bound, THREAD);
	}
	CU_ASSERT_EQUAL_FATAL(bound_pages(&bound, LOCK, ask), 2);
	for (unsigned i = 0; i < 2; i++)
		CU_ASSERT_TRUE(ask[i].page == (ask[i].writes ? 20 : 10));
	CU_ASSERT_TRUE(ask[0].page != ask[1].page);
}

/* Of the pages of a table that is larger than what is remembered none is asked for. */
static void test_no_order(void)
{
	uint64_t random = 1;

	begin();
	for (unsigned i = 0; i < 100 * TIMES; i++) {
		random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
		take(THREAD, LOCK);
		write_to(THREAD, (random >> 33) % 256);
		give(THREAD, LOCK);
	}
	CU_ASSERT_TRUE(unused <= 100 * TIMES / 1000);
}

/* One that is used every third time is given up, and asked for again when it is used every time. */
static void test_seldom(void)
{
	begin();
	for (unsigned i = 0; i < 9 * TIMES; i++) {
		take(THREAD, LOCK);
		if (i % 3 == 0)
			write_to(THREAD, 5);
		give(THREAD, LOCK);
	}
	CU_ASSERT_TRUE(unused <= 9 * TIMES / 60);
	faults = 0;
	for (unsigned i = 0; i < 9 * TIMES; i++) {
		take(THREAD, LOCK);
		write_to(THREAD, 5);
		give(THREAD, LOCK);
	}
	CU_ASSERT_TRUE(faults <= 9 * TIMES / 10);
}

/* Where the data moves on, as to the next page of an array, so does what is asked for. */
static void test_moves_on(void)
{
	begin();
	for (unsigned i = 0; i < 16 * TIMES; i++) {
		take(THREAD, LOCK);
		write_to(THREAD, 1);
		write_to(THREAD, 2 + i / TIMES);
		give(THREAD, LOCK);
	}
	CU_ASSERT_TRUE(faults <= 16 * 2 * TIMES / 12);
	CU_ASSERT_TRUE(unused <= 16);
}

/* Others take the place of what is not needed any more, whether or not it was asked for. */
static void test_others(void)
{
	begin();
	for (unsigned i = 0; i < 20; i++) {
		take(THREAD, LOCK);
		for (uint64_t page = 0; page < BOUND_PAGES; page++)
			write_to(THREAD, page + (i < 2 ? 10 : i < 4 ? 20 : 30));
		give(THREAD, LOCK);
		if (i == 10)
			asked = 0;
	}
	CU_ASSERT_EQUAL(asked, 9 * BOUND_PAGES);
	/* Of more than are remembered some are asked for. */
	begin();
	for (unsigned i = 0; i < 20; i++) {
		take(THREAD, LOCK);
		for (uint64_t page = 0; page < 3 * BOUND_PAGES; page++)
			write_to(THREAD, i % 2 ? 3 * BOUND_PAGES - 1 - page : page);
		give(THREAD, LOCK);
	}
	CU_ASSERT_TRUE(asked >= 16 * BOUND_PAGES && unused == 0);
}

/* While it is in doubt whether they are needed they keep their places. */
static void test_in_doubt(void)
{
	begin();
	for (unsigned i = 0; i < 20; i++) {
		take(THREAD, LOCK);
		if (i == 2) { /* they were not used */
			give(THREAD, LOCK);
			continue;
		}
		if (i > 4)
			write_to(THREAD, 100 + i);
		for (uint64_t page = 0; page < BOUND_PAGES; page++)
			write_to(THREAD, page);
		give(THREAD, LOCK);
	}
	CU_ASSERT_TRUE(asked >= 9 * BOUND_PAGES && unused == BOUND_PAGES);
}

/* How often a page has to be seen that was not used again and again; and that is not for ever. */
static void test_doubt_ends(void)
{
	begin();
	for (unsigned i = 0; i < 200; i++) {
		while (asked == 0) {
			take(THREAD, LOCK);
			if (asked == 0)
				write_to(THREAD, 5);
			give(THREAD, LOCK);
		}
		asked = 0;
	}
	faults = 0;
	while (asked == 0) {
		take(THREAD, LOCK);
		write_to(THREAD, 5);
		give(THREAD, LOCK);
	}
	CU_ASSERT_TRUE(faults > 50 && faults < 80);
}

/* However often one is faulted on in a turn, it is looked at again whether it is needed. */
static void test_look_again(void)
{
	struct bound_page ask[BOUND_PAGES];
	unsigned looks = 0;

	begin();
	for (unsigned i = 0; i < 100; i++) {
		bound_begin(&bound, THREAD, LOCK);
		looks += bound_pages(&bound, LOCK, ask) == 0;
		for (unsigned k = 0; k < 10; k++)
			bound_fault(&bound, THREAD, 5, 1);
		bound_end(&bound, THREAD);
	}
	CU_ASSERT_TRUE(looks >= 6 && looks <= 8);
	/* What is not is given up at the next look. */
	for (unsigned i = 0; i < 100; i++)
		asked += bound_pages(&bound, LOCK, ask);
	CU_ASSERT_TRUE(asked <= 15);
}

/* Of more locks than are remembered none is taken for another one, and who has no lock does no harm. */
static void test_many_locks(void)
{
	struct bound_page ask[BOUND_PAGES];
	unsigned known = 0;

	begin();
	for (uint64_t i = 0; i < 5 * BOUND_LOCKS; i++) {
		const uint64_t key = BOUND_KEY | i;

		for (unsigned k = 0; k < 2; k++) {
			bound_begin(&bound, THREAD, key);
			bound_fault(&bound, THREAD, i, 1);
			bound_end(&bound, THREAD);
			bound_fault(&bound, THREAD, 1, 1);
			bound_used(&bound, BOUND_KEY | (i + 5 * BOUND_LOCKS), i, 0);
		}
		CU_ASSERT_EQUAL(bound_pages(&bound, key, ask), 1);
	}
	for (uint64_t i = 0; i < 5 * BOUND_LOCKS; i++)
		if (bound_pages(&bound, BOUND_KEY | i, ask)) {
			CU_ASSERT_EQUAL(ask[0].page, i);
			known++;
		}
	CU_ASSERT_TRUE(known > BOUND_LOCKS / 2 && known <= BOUND_LOCKS);
}

/* It counts what this thread comes to, of this lock, until its next call. */
static void test_whose(void)
{
	struct bound_page ask[BOUND_PAGES];

	begin();
	for (unsigned i = 0; i < 4; i++) {
		bound_begin(&bound, THREAD, LOCK);
		bound_begin(&bound, THREAD + 1, OTHER);
		bound_fault(&bound, THREAD, 10, 1);
		bound_fault(&bound, THREAD + 1, 20, 1);
		bound_fault(&bound, THREAD + 2, 30, 1);
		bound_end(&bound, THREAD + BOUND_THREADS); /* another one in the same place */
		bound_fault(&bound, THREAD + BOUND_THREADS, 40, 1);
		bound_end(&bound, THREAD + 1);
		bound_fault(&bound, THREAD, 11, 1);
		bound_fault(&bound, THREAD + 1, 21, 1);
		bound_end(&bound, THREAD);
		bound_fault(&bound, THREAD, 12, 1);
	}
	CU_ASSERT_EQUAL(bound_pages(&bound, OTHER, ask), 1);
	CU_ASSERT_EQUAL(ask[0].page, 20);
	CU_ASSERT_EQUAL(bound_pages(&bound, LOCK, ask), 2);
	CU_ASSERT_EQUAL(ask[0].page + ask[1].page, 21);
}

/* A mutex whose word another node has changed has been there. */
static void test_lent(void)
{
	begin();
	CU_ASSERT_EQUAL(bound_was_lent(&bound, 3), 0);
	bound_lend(&bound, 3);
	CU_ASSERT_EQUAL(bound_was_lent(&bound, 4), 0);
	CU_ASSERT_EQUAL(bound_was_lent(&bound, 3), 1);
	CU_ASSERT_EQUAL(bound_was_lent(&bound, 3), 0);
}

/* --- given --- */

static void test_given(void)
{
	static struct given g;

	CU_ASSERT_PTR_NULL(given_find(&g, 0));
	given_ask(&g, 0, LOCK, THREAD);
	given_ask(&g, 1, OTHER, 0);
	CU_ASSERT_PTR_NULL(given_find(&g, GIVEN_PAGES));
	CU_ASSERT_TRUE(given_find(&g, 0)->by == LOCK && given_find(&g, 0)->thread == THREAD);
	CU_ASSERT_TRUE(given_find(&g, 1)->by == OTHER && given_find(&g, 1)->thread == 0);
	given_came(&g, 0, 5);
	CU_ASSERT_EQUAL(given_went(&g, 0, 6), 1);
	CU_ASSERT_PTR_NULL(given_find(&g, 0));
	CU_ASSERT_EQUAL(given_went(&g, 1, 0), -1); /* it never came */
	given_ask(&g, 0, LOCK, THREAD);
	given_came(&g, 0, 5);
	CU_ASSERT_EQUAL(given_went(&g, 0, 5), 0);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "comes along", test_comes_along },
		{ "reads and writes", test_reads },
		{ "in no order", test_no_order },
		{ "seldom used", test_seldom },
		{ "moves on", test_moves_on },
		{ "others", test_others },
		{ "in doubt", test_in_doubt },
		{ "doubt ends", test_doubt_ends },
		{ "look again", test_look_again },
		{ "many locks", test_many_locks },
		{ "whose it is", test_whose },
		{ "has been lent", test_lent },
		{ "given ahead", test_given },
		CU_TEST_INFO_NULL,
	};

	return suite_run("bound", NULL, NULL, tests, 60);
}
