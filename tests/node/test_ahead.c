/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading on in a checkpoint: what is read before it is asked for, and what is not. */
#include <string.h>

#include "dsm/node/away.h"
#include "tests/suite.h"

#define PAGES 65536 /* of which the last quarter are huge */
#define HUGE (PAGES / 4 * 3)
#define RUN 64

static struct away away;
static uint8_t here[PAGES];
static unsigned asked, ahead; /* runs that were read */

static void begin(void)
{
	memset(&away, 0, sizeof away);
	memset(here, 0, sizeof here);
	away.count = PAGES;
	away.huge = HUGE;
	pthread_cond_init(&away.work, NULL);
	asked = ahead = 0;
}

static void read_run(uint64_t page)
{
	if (page >= HUGE)
		here[page] = 1;
	else
		memset(here + page / RUN * RUN, 1, RUN);
}

/* What a reader is told to read. */
static void read_on(void)
{
	uint64_t page;

	while (away_next_ahead(&away, &page)) {
		CU_ASSERT_FATAL(page < PAGES);
		ahead += !here[page];
		if (!here[page])
			read_run(page);
	}
}

static void touch(uint64_t page)
{
	const int is_away = !here[page];

	away_ahead(&away, page, is_away);
	asked += (unsigned)is_away;
	if (is_away)
		read_run(page);
	read_on();
}

/* Two runs are asked for, and no more: the others are there before. */
static void test_in_order(void)
{
	begin();
	for (uint64_t page = 0; page < HUGE / 2; page++)
		touch(page);
	CU_ASSERT_EQUAL(asked, 2);
	CU_ASSERT_TRUE(asked + ahead <= HUGE / 2 / RUN + 17); /* 4 MiB */
}

/* As runs are what is read, so are they what is stepped over. */
static void test_each_run_once(void)
{
	begin();
	for (uint64_t page = 17; page < HUGE / 2; page += 40)
		touch(page);
	CU_ASSERT_EQUAL(asked, 2);
}

static void test_huge_in_order(void)
{
	begin();
	for (uint64_t page = HUGE; page < PAGES; page++)
		touch(page);
	CU_ASSERT_EQUAL(asked, 2);
	CU_ASSERT_EQUAL(asked + ahead, PAGES - HUGE); /* nothing beyond the end */
}

/* Far from each other, or one run alone: nothing is read that nobody has asked for. */
static void test_without_order(void)
{
	begin();
	for (uint64_t i = 0; i < 200; i++)
		touch(i * 7919 % (HUGE / (4 * RUN)) * (4 * RUN));
	CU_ASSERT_EQUAL(ahead, 0);
	begin();
	for (uint64_t page = 0; page < RUN; page++)
		touch(page);
	CU_ASSERT_EQUAL(ahead, 0);
}

/* As many at a time as there is room for. */
static void test_several(void)
{
	begin();
	for (uint64_t page = 0; page < 4096; page++)
		for (uint64_t k = 0; k < AWAY_STREAMS; k++)
			touch(k * 8192 + page);
	CU_ASSERT_EQUAL(asked, 2 * AWAY_STREAMS);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{ "pages in their order", test_in_order },
		{ "some of each run", test_each_run_once },
		{ "huge pages", test_huge_in_order },
		{ "pages without an order", test_without_order },
		{ "several streams", test_several },
		CU_TEST_INFO_NULL,
	};

	return suite_run("reading on in a checkpoint", NULL, NULL, tests, 60);
}
