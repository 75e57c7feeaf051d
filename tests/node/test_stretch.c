/* SPDX-License-Identifier: BSD-2-Clause */
/* How long a node keeps what others want as much, and when it does not try. */
#include "dsm/node/stretch.h"
#include "tests/suite.h"

enum { BASE = 200000, LENGTH = 64 * BASE, LONGEST = 60000000, PATIENCE = 2 * BASE };

static struct stretch s;
static uint64_t now;

static void take_early(unsigned times)
{
	while (times--)
		stretch_early(&s, now += 2 * BASE);
}

static void begin(void)
{
	stretch_init(&s, BASE);
	now = 8 * LENGTH;
	take_early(STRETCH_EARLY + 1);
}

static void test_needed(void)
{
	stretch_init(&s, BASE);
	now = 8 * LENGTH;
	take_early(STRETCH_EARLY);
	CU_ASSERT_EQUAL(stretch_keeps(&s, 0, now), 0);
	take_early(1);
	CU_ASSERT_EQUAL(stretch_keeps(&s, 0, now), now + LENGTH);
	CU_ASSERT_EQUAL(stretch_keeps(&s, 0, now + LENGTH - 1), now + LENGTH); /* the same */
	CU_ASSERT_EQUAL(stretch_keeps(&s, 0, now + LENGTH), now + 2 * LENGTH); /* another */
	CU_ASSERT_EQUAL(stretch_keeps(&s, 0, now + 2 * LENGTH), 0); /* no longer */
}

static void test_patience(void)
{
	begin();
	stretch_keeps(&s, 0, now);
	CU_ASSERT_EQUAL(s.patience_ns, PATIENCE);
	stretch_keeps(&s, 255, now + LENGTH);
	CU_ASSERT_TRUE(s.patience_ns > 2 * PATIENCE - PATIENCE / 100 && s.patience_ns < 2 * PATIENCE);
}

static void test_gives_way(void)
{
	begin();
	stretch_keeps(&s, 0, now);
	now += LENGTH / 2;
	stretch_give_way(&s, now);
	take_early(1);
	CU_ASSERT_EQUAL(stretch_keeps(&s, 0, now), 0);
	now += LENGTH;
	take_early(STRETCH_EARLY + 1);
	CU_ASSERT_EQUAL(stretch_keeps(&s, 0, now), now + LENGTH);

	stretch_give_way(&s, now);
	stretch_end(&s);
	CU_ASSERT_EQUAL(stretch_keeps(&s, 0, now), now + LENGTH);
}

/* All of a stretch, with ten faults in its first half, and so many in the second. Returns how long it was. */
static uint64_t pass(unsigned faults)
{
	uint64_t end, begun;

	take_early(STRETCH_EARLY + 1);
	begun = now;
	end = stretch_keeps(&s, 0, now);
	if (!end)
		return 0;
	for (unsigned i = 0; i < 10; i++)
		stretch_fault(&s, begun + (end - begun) / 2 - 1);
	for (unsigned i = 0; i < faults; i++)
		stretch_fault(&s, begun + (end - begun) / 2);
	now = end;
	stretch_fault(&s, now);
	return end - begun;
}

static void test_judged(void)
{
	begin();
	for (int i = 0; i < 20; i++)
		CU_ASSERT_EQUAL(pass(5), LENGTH);
	CU_ASSERT_EQUAL(pass(6), LENGTH);
	CU_ASSERT_EQUAL(pass(6), 2 * LENGTH);
	CU_ASSERT_EQUAL(pass(5), 4 * LENGTH);
	CU_ASSERT_EQUAL(pass(0), 4 * LENGTH); /* it was worth it */
}

static void test_rests(void)
{
	uint64_t from, rest = 0;

	begin();
	for (int i = 0; i < 2; i++)
		pass(9);
	for (int i = 0; i < 9; i++) {
		for (int vain = 0; vain < 4; vain++)
			CU_ASSERT_EQUAL(pass(9), 4 * LENGTH);
		from = now;
		while (!pass(0) && now < from + UINT64_C(400) * LENGTH)
			now += LENGTH;
		CU_ASSERT_TRUE(now - from > rest); /* each longer than the last, up to some */
		rest = i < 5 ? now - from : 0;
		s.end_ns = 0; /* what it was good for is not known */
	}
	CU_ASSERT_TRUE(pass(0) > 0 && pass(0) > 0); /* it was worth it: short rests again */
	CU_ASSERT_EQUAL(s.rests, 0);
}

/* A thread makes a call in each: it gets through with something. */
static void test_long_enough(void)
{
	begin();
	for (int i = 0; i < 9; i++) {
		for (int vain = 0; vain < 3; vain++)
			CU_ASSERT_TRUE(pass(9) > 0);
		take_early(STRETCH_EARLY + 1);
		CU_ASSERT_TRUE(stretch_keeps(&s, 0, now) > 0);
		stretch_end(&s);
	}
}

static void test_longest(void)
{
	stretch_init(&s, 100000000);
	CU_ASSERT_EQUAL(s.length_ns, LONGEST);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "only when it is needed", test_needed },
		{ "patience is drawn", test_patience },
		{ "gives way", test_gives_way },
		{ "longer where that is too short", test_judged },
		{ "rests where all are too short", test_rests },
		{ "no rest where that was long enough", test_long_enough },
		{ "never longer than that", test_longest },
		CU_TEST_INFO_NULL,
	};

	return suite_run("stretch", NULL, NULL, tests, 60);
}
