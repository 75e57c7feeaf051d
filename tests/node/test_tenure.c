/* SPDX-License-Identifier: BSD-2-Clause */
/* How long a page stays: what is seen of its thread's doings there ends its time, or leaves it. */
#include <string.h>

#include "dsm/node/tenure.h"
#include "tests/suite.h"

enum { BASE = 200000, THREAD = 7, PAGE = 3, WORD = 64, SLOT = 0, FOUGHT = 250 };

static struct tenure tenure;
static uint64_t memory[LOOKS_BYTES / 8];

static void begin(void)
{
	memset(memory, 0, sizeof memory);
	tenure_init(&tenure, BASE, 1);
}

/* The thread is given the page for that word. */
static void give(uint64_t now, uint64_t word)
{
	struct looked w = {.page = PAGE, .may_go = looks_given(&tenure.looks, PAGE, word * 8)};

	w.bytes = w.may_go ? LOOKS_BYTES : 8;
	w.at = w.may_go ? memory : &memory[word];
	w.was = looks_content(&w);
	tenure_start(&tenure, SLOT, THREAD, &w, now);
}

/* It goes between these times, looked at as often as that is asked for. */
static void goes(uint64_t from, uint64_t to)
{
	uint64_t now = from;

	CU_ASSERT_EQUAL(tenure_due(&tenure, from), -1);
	while (now <= to && tenure_due(&tenure, now) < 0)
		now = tenure.next_ns > now ? tenure.next_ns : now + 1;
	CU_ASSERT_TRUE(now > from && now <= to);
	CU_ASSERT_EQUAL(tenure.running, 0);
}

static void test_base(void)
{
	begin();
	give(0, WORD);
	memory[WORD] = 1;
	tenure_wanted(&tenure);
	goes(BASE - 1, BASE);
}

/* A thread that waits for another page has its instruction still to do, or not. */
static void test_kept_for_another(void)
{
	begin();
	give(0, WORD);
	tenure.slot[SLOT].limit_ns = 9 * BASE;
	tenure_thread_waits(&tenure, THREAD);
	goes(9 * BASE - 1, 9 * BASE);
}

static void test_done(void)
{
	begin();
	give(0, WORD);
	tenure.slot[SLOT].limit_ns = 9 * BASE;
	memory[WORD] = 1;
	tenure_thread_waits(&tenure, THREAD);
	tenure_thread_runs(&tenure, THREAD, BASE / 2); /* what it was given is another's time */
	goes(BASE - 1, BASE);
}

/* Given for the same word twice: it goes when it has been written and then left alone. */
static void test_handed_over(void)
{
	begin();
	give(0, WORD);
	goes(BASE - 1, BASE);
	give(BASE, WORD);
	goes(2 * BASE - 1, 2 * BASE); /* nobody wants it */

	give(2 * BASE, WORD);
	memory[WORD] = 1;
	memory[WORD + 9] = 1;
	tenure_wanted(&tenure);
	goes(2 * BASE, 2 * BASE + 21000);

	give(3 * BASE, WORD);
	tenure_wanted(&tenure);
	CU_ASSERT_EQUAL(tenure_due(&tenure, 3 * BASE + BASE / 2), -1); /* the thread has not run yet */
	memory[0] = 1;
	goes(3 * BASE + BASE / 2 + 5000, 3 * BASE + BASE / 2 + 35000);
}

static void test_another_word(void)
{
	begin();
	give(0, WORD);
	goes(BASE - 1, BASE);
	give(BASE, WORD + 1);
	memory[WORD + 1] = 1;
	tenure_wanted(&tenure);
	goes(2 * BASE - 1, 2 * BASE);
}

/* Written all the time, so others share it falsely: its time is its time, for a while without a look. */
static void test_fought(void)
{
	uint64_t now;

	begin();
	give(0, WORD);
	goes(BASE - 1, BASE);
	give(BASE, WORD);
	tenure_wanted(&tenure);
	for (now = BASE; now < 2 * BASE; now += 100) {
		memory[WORD]++;
		CU_ASSERT_EQUAL_FATAL(tenure_due(&tenure, now), -1);
	}
	CU_ASSERT_EQUAL(tenure_due(&tenure, now), SLOT);
	for (int i = 0; i < FOUGHT; i++)
		CU_ASSERT_EQUAL(looks_given(&tenure.looks, PAGE, WORD * 8), 0);
	CU_ASSERT_EQUAL(looks_given(&tenure.looks, PAGE, WORD * 8), 1);
}

/* The page is no longer written here: its frame may be gone, and is not looked at. */
static void test_lowered(void)
{
	begin();
	give(0, WORD);
	goes(BASE - 1, BASE);
	give(BASE, WORD);
	memory[WORD] = 1;
	looks_given(&tenure.looks, 0, 0);
	tenure.slot[SLOT].step_ns *= 2; /* as if it had been seen being written */
	tenure_lowered(&tenure, PAGE - 1, 2);
	tenure_wanted(&tenure);
	CU_ASSERT_PTR_NULL(tenure.slot[SLOT].looked.at);
	goes(2 * BASE - 1, 2 * BASE);
	CU_ASSERT_EQUAL(looks_given(&tenure.looks, 0, 0), 1); /* no other page was fought for */
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "a base time", test_base },
		{ "kept while its thread waits", test_kept_for_another },
		{ "not kept when its instruction is done", test_done },
		{ "handed over when it is left alone", test_handed_over },
		{ "not where another word is written", test_another_word },
		{ "not while it is being written", test_fought },
		{ "no look at what is gone", test_lowered },
		CU_TEST_INFO_NULL,
	};

	return suite_run("tenure", NULL, NULL, tests, 60);
}
