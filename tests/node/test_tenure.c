/* SPDX-License-Identifier: BSD-2-Clause */
/* How long a page stays: what is seen of its thread's doings there ends its time, or leaves it. */
#include <string.h>

#include "dsm/node/tenure.h"
#include "tests/suite.h"

enum {
	BASE = 200000,
	THREAD = 7,
	PAGE = 3,
	WORD = 64,
	SLOT = 0,
	FOUGHT = 250,
	STRETCH = 64 * BASE,
	PATIENCE = 2 * BASE, /* at least, and at most: */
	PATIENCE_MOST = 4 * BASE
};

static struct tenure tenure;
static uint64_t memory[LOOKS_BYTES / 8];

static void begin(void)
{
	memset(memory, 0, sizeof memory);
	tenure_init(&tenure, BASE, 1);
}

/* Of which the thread is given a page. */
static struct looked given(uint64_t page, uint64_t word)
{
	struct looked w = {.page = page};

	looks_given(&tenure.looks, &w, word * 8, tenure_calls(&tenure, THREAD));
	return w;
}

/* The thread is given the page for that word. */
static void give_page(unsigned slot, uint64_t page, uint64_t now, uint64_t word)
{
	struct looked w = given(page, word);

	w.bytes = w.may_go || w.early ? LOOKS_BYTES : 8;
	w.at = w.may_go || w.early ? memory : &memory[word];
	w.was = looks_content(&w);
	tenure_start(&tenure, slot, THREAD, &w, now);
}

static void give(uint64_t now, uint64_t word)
{
	give_page(SLOT, PAGE, now, word);
}

static void call(void)
{
	tenure_thread_calls(&tenure, THREAD);
	while (tenure_thread_done(&tenure, THREAD) >= 0)
		continue;
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
	tenure_thread_waits(&tenure, THREAD, 0);
	goes(9 * BASE - 1, 9 * BASE);
}

static void test_done(void)
{
	begin();
	give(0, WORD);
	tenure.slot[SLOT].limit_ns = 9 * BASE;
	memory[WORD] = 1;
	tenure_thread_waits(&tenure, THREAD, 0);
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
	call();
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
		CU_ASSERT_EQUAL(given(PAGE, WORD).may_go, 0);
	CU_ASSERT_EQUAL(given(PAGE, WORD).may_go, 1);
}

/* The page is no longer written here: its frame may be gone, and is not looked at. */
static void test_lowered(void)
{
	begin();
	give(0, WORD);
	goes(BASE - 1, BASE);
	give(BASE, WORD);
	memory[WORD] = 1;
	given(0, 0);
	tenure.slot[SLOT].step_ns *= 2; /* as if it had been seen being written */
	tenure_lowered(&tenure, PAGE - 1, 2);
	tenure_wanted(&tenure);
	CU_ASSERT_PTR_NULL(tenure.slot[SLOT].looked.at);
	goes(2 * BASE - 1, 2 * BASE);
	CU_ASSERT_EQUAL(given(0, 0).may_go, 1); /* no other page was fought for */
}

/* It came back for another word, and the thread had made no call: it was taken early. */
static void begin_early(void)
{
	begin();
	give(0, WORD);
	goes(BASE - 1, BASE);
	give(BASE, WORD + 1);
}

static void test_early(void)
{
	begin_early();
	goes(BASE + STRETCH - 1, BASE + STRETCH); /* nobody wants it */

	begin_early();
	tenure_wanted(&tenure);
	tenure_page_wanted(&tenure, PAGE, BASE);
	for (int n = 1; n < 60; n++) { /* it is written all the time */
		memory[n] = 1;
		CU_ASSERT_EQUAL_FATAL(tenure_due(&tenure, (1 + n) * BASE), -1);
	}
	goes(60 * BASE + 1, 62 * BASE); /* and then no longer */

	begin_early();
	CU_ASSERT_EQUAL(tenure_due(&tenure, 9 * BASE), -1);
	call();
	CU_ASSERT_EQUAL(tenure.running, 0);
}

/* Less often than it came back at the end of what it was given for. */
static void test_early_no_longer(void)
{
	begin_early();
	for (int i = 0; i < 6; i++) {
		call();
		give(2 * BASE, WORD + i);
	}
	goes(3 * BASE - 1, 3 * BASE);
}

/* Of two that wait for each other the less patient one gives way, with all it keeps, and keeps none
 * of what comes then; until its thread makes a call. */
static void test_gives_way(void)
{
	uint64_t now;

	begin_early();
	given(PAGE + 1, WORD);
	give_page(SLOT + 1, PAGE + 1, BASE, 0); /* it was taken early, too */
	tenure_thread_waits(&tenure, THREAD, 5 * BASE);
	CU_ASSERT_EQUAL(tenure_due(&tenure, 5 * BASE + PATIENCE - 1), -1);
	for (now = 5 * BASE + PATIENCE; tenure.running == 2; now += 100)
		tenure_due(&tenure, now);
	CU_ASSERT_TRUE(now <= 5 * BASE + PATIENCE_MOST);
	CU_ASSERT_TRUE(tenure_due(&tenure, now) >= 0);
	tenure_thread_runs(&tenure, THREAD, now);
	give(now, WORD + 2);
	goes(now + BASE - 1, now + BASE);

	call();
	give(now, WORD + 3);
	give_page(SLOT + 1, PAGE, now, WORD + 4);
	CU_ASSERT_NOT_EQUAL(tenure.slot[SLOT + 1].kept_ns, 0);
}

/* What it waited for came in time. */
static void test_patient(void)
{
	begin_early();
	for (int n = 2; n < 60; n++) {
		tenure_thread_waits(&tenure, THREAD, n * BASE);
		CU_ASSERT_EQUAL_FATAL(tenure_due(&tenure, n * BASE + PATIENCE - 1), -1);
		tenure_thread_runs(&tenure, THREAD, n * BASE + PATIENCE - 1);
	}
	goes(BASE + STRETCH - 1, BASE + STRETCH);
}

/* A frame is wanted, and all are in use. */
static void test_no_frame(void)
{
	begin_early();
	tenure_give_way(&tenure, 3 * BASE);
	CU_ASSERT_EQUAL(tenure_due(&tenure, 3 * BASE), SLOT);
	give(3 * BASE, WORD + 2);
	goes(4 * BASE - 1, 4 * BASE);
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
		{ "kept when it was taken early", test_early },
		{ "not kept for ever after", test_early_no_longer },
		{ "given up after a wait in vain", test_gives_way },
		{ "kept for a wait that is short", test_patient },
		{ "given up for a frame", test_no_frame },
		CU_TEST_INFO_NULL,
	};

	return suite_run("tenure", NULL, NULL, tests, 60);
}
