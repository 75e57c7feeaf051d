/* SPDX-License-Identifier: BSD-2-Clause */
/* Streams: simulated threads read, and fault where nothing was fetched ahead. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dsm/node/stream.h"
#include "tests/suite.h"

#define PAGES 8192

static struct streams streams;
static uint8_t here[PAGES];
static unsigned faults, fetched;

static void begin(void)
{
	memset(&streams, 0, sizeof streams);
	memset(here, 0, sizeof here);
	faults = fetched = 0;
}

static void fetch(uint64_t page)
{
	if (page >= PAGES || here[page])
		return;
	here[page] = 1;
	fetched++;
}

/* granted_max: pages of a run that the other side grants. */
static void read_page(uint32_t thread, uint64_t page, unsigned granted_max)
{
	struct stream_advice a;

	if (here[page])
		return;
	faults++;
	a = stream_fault(&streams, thread, page, 0);
	CU_ASSERT_TRUE(a.run >= 1 && a.run <= STREAM_RUN_MAX && a.ahead <= STREAM_AHEAD_MAX);
	for (unsigned i = 0; i < a.run && i < granted_max; i++)
		fetch(page + i);
	for (unsigned i = 1; i <= a.ahead; i++)
		fetch(page + a.run - 1 + a.stride * i);
	CU_ASSERT_TRUE(here[page]);
}

static void test_sequential(void)
{
	begin();
	for (uint64_t p = 0; p < 4096; p++)
		read_page(1, p, 64);
	CU_ASSERT_TRUE(faults < 4096 / 64 + 10);
	CU_ASSERT_TRUE(fetched <= 4096 + 64);
}

static void test_short_grants(void)
{
	begin();
	for (uint64_t p = 0; p < 4096; p++)
		read_page(1, p, 4); /* pages are busy now and then: runs shrink to what is given */
	CU_ASSERT_TRUE(faults < 4096 / 4 + 10);
	CU_ASSERT_EQUAL(streams.wasted, 0);
}

/* Of a run whose first page somebody holds nothing is granted. */
static void test_refused(void)
{
	struct stream_advice a;

	begin();
	for (uint64_t p = 0; p < 64; p++)
		read_page(1, p, 64);
	a = stream_fault(&streams, 1, 127, 0);
	CU_ASSERT_TRUE(a.run > 1);
	a = stream_fault(&streams, 1, 127, 0);
	CU_ASSERT_EQUAL(a.run, 1);
	a = stream_fault(&streams, 1, 128, 0);
	CU_ASSERT_EQUAL(a.run, 2);
}

static void test_random(void)
{
	begin();
	srand(1);
	for (int i = 0; i < 4000; i++)
		read_page(1, (uint64_t)rand() % PAGES, 64);
	CU_ASSERT_TRUE(fetched - faults < faults / 20); /* next to nothing is fetched in vain */
}

static void test_strided(void)
{
	begin();
	for (uint64_t p = 0; p < PAGES; p += 7)
		read_page(1, p, 64);
	CU_ASSERT_TRUE(faults < PAGES / 7 / 5);
	CU_ASSERT_TRUE(fetched < PAGES / 7 + 20);
	begin();
	for (int64_t p = PAGES - 1; p >= 0; p -= 3) /* backwards */
		read_page(1, p, 64);
	CU_ASSERT_TRUE(faults < PAGES / 3 / 5);
}

static void test_threads_apart(void)
{
	begin();
	for (uint64_t p = 0; p < 2048; p++) {
		read_page(1, p, 64);
		read_page(2, 4096 + p, 64);
	}
	CU_ASSERT_TRUE(faults < 2 * (2048 / 64 + 10));
}

static void test_same_page(void)
{
	struct stream_advice a;

	begin();
	for (int i = 0; i < 100; i++) { /* a page in demand, taken away again and again */
		a = stream_fault(&streams, 1, 77, 0);
		CU_ASSERT_EQUAL(a.run, 1);
		CU_ASSERT_EQUAL(a.ahead, 0);
	}
}

/* A reader that finds the pages still on their way goes on with runs as long as before. */
static void test_on_its_way(void)
{
	struct stream_advice a = {0};

	begin();
	for (uint64_t p = 0; p < 1023; p++) /* the ninth run, up to page 1023 */
		read_page(1, p, STREAM_RUN_MAX);
	a = stream_fault(&streams, 1, 1023, 0);
	CU_ASSERT_EQUAL(a.run, STREAM_RUN_MAX);
	a = stream_fault(&streams, 1, 1023 + 64, 1);
	CU_ASSERT_EQUAL(a.run, STREAM_RUN_MAX);
	a = stream_fault(&streams, 1, 1087 + STREAM_RUN_MAX, 0);
	CU_ASSERT_EQUAL(a.run, STREAM_RUN_MAX);
	a = stream_fault(&streams, 1, 1087 + STREAM_RUN_MAX + 64, 0); /* the grant ended there */
	CU_ASSERT_EQUAL(a.run, 128);
	CU_ASSERT_EQUAL(streams.wasted, 0);
}

static void test_waste_is_seen(void)
{
	begin();
	for (uint64_t p = 0; p < 64; p++)
		read_page(1, p, 64);
	read_page(1, 5000, 64); /* the last run was for nothing, as far as anyone can tell */
	CU_ASSERT_TRUE(streams.wasted > 0);
	CU_ASSERT_TRUE(streams.wasted <= STREAM_RUN_MAX);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "sequential", test_sequential },
		{ "short grants", test_short_grants },
		{ "a run that is refused", test_refused },
		{ "random", test_random },
		{ "strided", test_strided },
		{ "threads apart", test_threads_apart },
		{ "same page", test_same_page },
		{ "on its way", test_on_its_way },
		{ "waste is seen", test_waste_is_seen },
		CU_TEST_INFO_NULL,
	};

	return suite_run("streams", NULL, NULL, tests, 60);
}
