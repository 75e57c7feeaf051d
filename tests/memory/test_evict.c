/* SPDX-License-Identifier: BSD-2-Clause */
/* Which cached page goes next. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "dsm/memory/evict.h"
#include "tests/suite.h"

static struct evict e;

static void begin(uint32_t pages)
{
	CU_ASSERT_EQUAL_FATAL(evict_open(&e, pages), 0);
}

static uint64_t next(void)
{
	uint64_t page = UINT64_MAX;

	CU_ASSERT_EQUAL(evict_next(&e, &page), 0);
	return page;
}

static uint64_t push_out(void)
{
	uint64_t page = next();

	evict_gone(&e, page);
	return page;
}

/* A thread wants the page: fetched, with only so many frames, when it is not here. */
static int miss(uint64_t page, uint32_t frames)
{
	enum evict_list list = evict_list_of(&e, page);

	if (list == EVICT_NEW || list == EVICT_HOT)
		return 0;
	while (evict_resident(&e) >= frames)
		push_out();
	CU_ASSERT_EQUAL_FATAL(evict_got(&e, page, 1), 0);
	return 1;
}

static void test_first_in_first_out(void)
{
	uint64_t page;

	begin(8);
	CU_ASSERT_EQUAL(evict_next(&e, &page), -ENOENT);
	for (uint64_t i = 0; i < 4; i++)
		evict_got(&e, i, 1);
	evict_used(&e, 0); /* again, shortly after it came */
	for (uint64_t i = 0; i < 4; i++)
		CU_ASSERT_EQUAL(push_out(), i);
	CU_ASSERT_EQUAL(evict_next(&e, &page), -ENOENT);
	CU_ASSERT_EQUAL(evict_resident(&e), 0);
	evict_close(&e);
}

/* Four pages are here, and 10, which has come back from A1out, is hot. */
static void begin_with_a_hot_page(void)
{
	begin(16);
	evict_got(&e, 10, 1);
	evict_got(&e, 0, 1);
	CU_ASSERT_EQUAL(push_out(), 10);
	CU_ASSERT_EQUAL(evict_list_of(&e, 10), EVICT_GHOST);
	evict_got(&e, 10, 1);
	CU_ASSERT_EQUAL(evict_list_of(&e, 10), EVICT_HOT);
	for (uint64_t i = 1; i < 4; i++)
		evict_got(&e, i, 1);
}

static void test_hot_pages_stay(void)
{
	begin_with_a_hot_page();
	for (uint64_t i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(push_out(), i);
	CU_ASSERT_EQUAL(push_out(), 3); /* a half is still more than a quarter */
	CU_ASSERT_EQUAL(push_out(), 10);
	CU_ASSERT_EQUAL(evict_list_of(&e, 10), EVICT_FREE); /* Am leaves no number */
	evict_close(&e);
}

static void test_least_recently_used_of_hot(void)
{
	begin(16);
	for (uint64_t i = 0; i < 8; i++)
		evict_got(&e, i, 1);
	for (uint64_t i = 0; i < 3; i++)
		push_out();
	for (uint64_t i = 0; i < 3; i++)
		evict_got(&e, i, 1); /* hot */
	evict_used(&e, 0);
	for (unsigned i = 0; i < 4; i++)
		push_out(); /* down to a quarter of new ones, and no further */
	CU_ASSERT_EQUAL(evict_list_of(&e, 7), EVICT_NEW);
	CU_ASSERT_EQUAL(push_out(), 1);
	CU_ASSERT_EQUAL(push_out(), 7);
	CU_ASSERT_EQUAL(push_out(), 2);
	CU_ASSERT_EQUAL(push_out(), 0);
	evict_close(&e);
}

static void test_fetched_ahead_is_not_hot(void)
{
	begin(16);
	evict_got(&e, 1, 0);
	evict_got(&e, 2, 0);
	push_out();
	evict_got(&e, 1, 0);
	CU_ASSERT_EQUAL(evict_list_of(&e, 1), EVICT_NEW);
	evict_close(&e);
}

static void test_idle_goes_first(void)
{
	begin_with_a_hot_page();
	evict_lost(&e, 2);
	evict_lost(&e, 10);
	evict_lost(&e, 77); /* not here */
	CU_ASSERT_EQUAL(push_out(), 2);
	CU_ASSERT_EQUAL(evict_list_of(&e, 2), EVICT_FREE); /* not for lack of room */
	evict_got(&e, 10, 1);
	CU_ASSERT_EQUAL(evict_list_of(&e, 10), EVICT_HOT);
	CU_ASSERT_EQUAL(push_out(), 0);
	evict_close(&e);
}

static void test_who_cannot_go_is_kept(void)
{
	begin_with_a_hot_page();
	CU_ASSERT_EQUAL(next(), 0);
	CU_ASSERT_EQUAL(evict_leaving(&e), 1);
	CU_ASSERT_EQUAL(next(), 1);
	evict_kept(&e, 0);
	evict_got(&e, 1, 1); /* wanted again before it was gone */
	CU_ASSERT_EQUAL(evict_leaving(&e), 0);
	CU_ASSERT_EQUAL(evict_resident(&e), 5);
	CU_ASSERT_EQUAL(next(), 2);
	CU_ASSERT_EQUAL(next(), 3);
	CU_ASSERT_EQUAL(next(), 0);
	evict_close(&e);
}

static void test_pinned_stays(void)
{
	uint64_t page;

	begin(8);
	for (uint64_t i = 0; i < 4; i++)
		evict_got(&e, i, 1);
	evict_pin(&e, 0);
	evict_lost(&e, 2);
	evict_pin(&e, 2);
	evict_pin(&e, 7); /* is not there */
	evict_got(&e, 0, 1);
	evict_used(&e, 0);
	evict_kept(&e, 0);
	CU_ASSERT_EQUAL(evict_list_of(&e, 0), EVICT_PINNED);
	CU_ASSERT_EQUAL(evict_pinned(&e), 2);
	CU_ASSERT_EQUAL(evict_resident(&e), 4);
	CU_ASSERT_EQUAL(push_out(), 1);
	CU_ASSERT_EQUAL(push_out(), 3);
	CU_ASSERT_EQUAL(evict_next(&e, &page), -ENOENT);
	evict_unpin(&e, 0);
	CU_ASSERT_EQUAL(evict_list_of(&e, 0), EVICT_NEW);
	CU_ASSERT_EQUAL(push_out(), 0);
	evict_gone(&e, 2);
	CU_ASSERT_EQUAL(evict_resident(&e), 0);
	evict_close(&e);
}

static void test_room_ends(void)
{
	begin(4);
	for (uint64_t i = 0; i < 100; i++) { /* numbers in A1out give way */
		if (evict_resident(&e) == 4)
			push_out();
		CU_ASSERT_EQUAL(evict_got(&e, i, 1), 0);
	}
	while (evict_got(&e, 1000 + evict_resident(&e), 1) == 0)
		CU_ASSERT_FATAL(evict_resident(&e) < 100);
	CU_ASSERT(evict_resident(&e) >= 4);
	evict_close(&e);
}

/* A working set of 12 pages and a scan through many, with 32 frames: first in, first out,
 * or least recently used, would keep none of the working set. */
static void test_a_scan_passes(void)
{
	unsigned misses = 0, set_misses = 0;

	begin(32);
	for (uint64_t i = 0; i < 20000; i++) {
		misses += miss(1000 + i, 32);
		if (i % 2 == 0)
			set_misses += miss(i / 2 % 12, 32);
	}
	CU_ASSERT_EQUAL(misses, 20000);
	CU_ASSERT(set_misses < 200);
	evict_close(&e);
}

/* Against a plain list of what is resident. */
static void test_at_random(void)
{
	static uint8_t here[512];
	uint32_t resident = 0, leaving = 0;
	uint64_t page;

	begin(256);
	srand(1);
	for (unsigned i = 0; i < 400000; i++) {
		page = rand() % 512;
		switch (rand() % 8) {
		case 0:
		case 1:
			if (resident == 256)
				break;
			CU_ASSERT_EQUAL_FATAL(evict_got(&e, page, rand() % 2), 0);
			resident += !here[page];
			leaving -= here[page] == 2;
			here[page] = 1;
			break;
		case 2: evict_lost(&e, page); break;
		case 3: evict_used(&e, page); break;
		case 4:
		case 5:
			if (evict_next(&e, &page)) {
				CU_ASSERT_EQUAL(leaving, resident);
				break;
			}
			CU_ASSERT_EQUAL_FATAL(here[page], 1);
			here[page] = 2;
			leaving++;
			break;
		case 6:
			if (here[page] != 2)
				break;
			evict_gone(&e, page);
			here[page] = 0;
			leaving--;
			resident--;
			break;
		default:
			evict_kept(&e, page);
			leaving -= here[page] == 2;
			here[page] = here[page] ? 1 : 0;
		}
		CU_ASSERT_EQUAL_FATAL(evict_resident(&e), resident);
		CU_ASSERT_EQUAL_FATAL(evict_leaving(&e), leaving);
	}
	evict_close(&e);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "first in, first out", test_first_in_first_out },
		{ "hot pages stay", test_hot_pages_stay },
		{ "least recently used of hot ones", test_least_recently_used_of_hot },
		{ "fetched ahead is not hot", test_fetched_ahead_is_not_hot },
		{ "idle goes first", test_idle_goes_first },
		{ "who cannot go is kept", test_who_cannot_go_is_kept },
		{ "pinned stays", test_pinned_stays },
		{ "room ends", test_room_ends },
		{ "a scan passes", test_a_scan_passes },
		{ "at random", test_at_random },
		CU_TEST_INFO_NULL,
	};

	return suite_run("evict", NULL, NULL, tests, 120);
}
