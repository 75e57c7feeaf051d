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
	PATIENCE_MOST = 4 * BASE,
	IDLE = BASE / 8,
	BEGUN = 20 * BASE /* when the tests of stretches begin */
};

static struct tenure tenure;
static uint64_t memory[LOOKS_BYTES / 8];

static void begin(void)
{
	memset(memory, 0, sizeof memory);
	tenure_init(&tenure, BASE, 1);
}

/* Of which a thread is given a page. */
static struct looked given_to(uint32_t thread, uint64_t page, uint64_t word)
{
	struct looked w = {.page = page, .thread = thread, .missed = 1};

	looks_given(&tenure.looks, &w, word * 8);
	return w;
}

static struct looked given(uint64_t page, uint64_t word)
{
	return given_to(THREAD, page, word);
}

static void give_to(uint32_t thread, unsigned slot, uint64_t page, uint64_t now, uint64_t word)
{
	struct looked w = given_to(thread, page, word);

	w.bytes = w.may_go || w.often ? LOOKS_BYTES : 8;
	w.at = w.may_go || w.often ? memory : &memory[word];
	w.was = looks_content(&w);
	tenure_start(&tenure, slot, thread, &w, now);
}

static void give_page(unsigned slot, uint64_t page, uint64_t now, uint64_t word)
{
	give_to(THREAD, slot, page, now, word);
}

/* The thread is given the page for that word. */
static void give(uint64_t now, uint64_t word)
{
	give_page(SLOT, PAGE, now, word);
}

static void call(uint64_t now)
{
	tenure_thread_calls(&tenure, THREAD, now);
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
	tenure_wanted(&tenure, SLOT, 0, 0);
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
	tenure_wanted(&tenure, SLOT, 0, 0);
	goes(2 * BASE, 2 * BASE + 21000);

	give(3 * BASE, WORD);
	tenure_wanted(&tenure, SLOT, 0, 0);
	CU_ASSERT_EQUAL(tenure_due(&tenure, 3 * BASE + BASE / 2), -1); /* the thread has not run yet */
	memory[0] = 1;
	goes(3 * BASE + BASE / 2 + 5000, 3 * BASE + BASE / 2 + 35000);
}

static void test_another_word(void)
{
	begin();
	give(0, WORD);
	goes(BASE - 1, BASE);
	call(BASE);
	give(BASE, WORD + 1);
	memory[WORD + 1] = 1;
	tenure_wanted(&tenure, SLOT, 0, 0);
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
	tenure_wanted(&tenure, SLOT, 0, 0);
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
	tenure_wanted(&tenure, SLOT, 0, 0);
	CU_ASSERT_PTR_NULL(tenure.slot[SLOT].looked.at);
	goes(2 * BASE - 1, 2 * BASE);
	CU_ASSERT_EQUAL(given(0, 0).may_go, 1); /* no other page was fought for */
}

/* Pages that come back for other words, with no call in between, were taken early; so many of them
 * in so short a time that the node keeps them from now on. */
static void begin_early(void)
{
	begin();
	for (int i = 0; i < 18; i++) {
		give_page(SLOT, i % 2 ? PAGE : PAGE + 99, BEGUN - BASE, i);
		CU_ASSERT_EQUAL(tenure_due(&tenure, BEGUN), SLOT);
	}
	give(BEGUN, WORD);
}

static void test_early(void)
{
	begin_early();
	CU_ASSERT_EQUAL(tenure.kept, 1);
	goes(BEGUN + STRETCH - 1, BEGUN + STRETCH); /* nobody wants it */

	begin_early(); /* near the end of the stretch: its time, like any other's */
	give_page(SLOT + 1, PAGE + 99, BEGUN + STRETCH - 5, WORD);
	CU_ASSERT_EQUAL(tenure_due(&tenure, BEGUN + STRETCH), SLOT);
	goes(BEGUN + STRETCH + BASE - 6, BEGUN + STRETCH + BASE - 5);

	begin_early();
	tenure_wanted(&tenure, SLOT, 0, BEGUN);
	CU_ASSERT_EQUAL(tenure_due(&tenure, BEGUN + BASE - 1), -1); /* its time, like any other's */
	for (int n = 8; n < 400; n++) { /* it is written all the time */
		memory[n] = 1;
		CU_ASSERT_EQUAL_FATAL(tenure_due(&tenure, BEGUN + n * IDLE), -1);
	}
	goes(BEGUN + 400 * IDLE - 1, BEGUN + 400 * IDLE); /* and then no longer */
}

/* Each of these alone is reason enough not to. */
static void test_not_early(void)
{
	struct looked w = {.page = PAGE, .thread = THREAD};

	begin_early(); /* a page that was lost to who reads it */
	looks_given(&tenure.looks, &w, 0);
	CU_ASSERT_EQUAL(w.early, 0);
	CU_ASSERT_EQUAL(given(PAGE + 1, 0).early + given(PAGE, 0).early, 0); /* the same word */
	CU_ASSERT_EQUAL(given(PAGE, 1).early, 1);
	given(PAGE - 1, 0);
	CU_ASSERT_EQUAL(given(PAGE, 2).early, 0); /* in order */
	given(PAGE - 33, 0);
	CU_ASSERT_EQUAL(given(PAGE, 3).early, 1);
	given_to(THREAD + LOOKS_THREADS, PAGE, 4);
	CU_ASSERT_EQUAL(given(PAGE, 5).early, 0); /* another thread's */
	CU_ASSERT_EQUAL(given(PAGE, 6).early, 1);
	tenure_thread_calls(&tenure, THREAD, 0);
	CU_ASSERT_EQUAL(given(PAGE, 7).early, 0);
	CU_ASSERT_EQUAL(given(PAGE, 8).early, 1);
}

/* So many, but not in so short a time. */
static void test_early_seldom(void)
{
	uint64_t now = BEGUN;

	begin();
	for (int i = 0; i < 40; i++) {
		give_page(SLOT, i % 2 ? PAGE : PAGE + 99, now, i);
		CU_ASSERT_EQUAL(tenure.kept, 0);
		CU_ASSERT_EQUAL(tenure_due(&tenure, now += 4 * BASE + 1), SLOT);
	}
}

/* A page is kept until it was less often taken early than not. */
static void test_early_no_longer(void)
{
	begin_early();
	for (int i = 0; i < 8; i++) {
		CU_ASSERT_EQUAL(tenure.kept, i < 6);
		call(BEGUN);
		give(BEGUN, WORD + i);
	}
}

static void test_wanted_to_read(void)
{
	begin_early();
	memory[WORD] = 1;
	tenure_thread_waits(&tenure, THREAD, BEGUN);
	tenure_wanted(&tenure, SLOT, 1, BEGUN);
	goes(BEGUN + BASE - 1, BEGUN + BASE);
	CU_ASSERT_EQUAL(tenure.kept, 0);

	begin_early();
	tenure.slot[SLOT].limit_ns = 9 * BASE; /* the instruction is still to be done */
	tenure_thread_waits(&tenure, THREAD, BEGUN);
	tenure_wanted(&tenure, SLOT, 1, BEGUN);
	goes(BEGUN + 9 * BASE - 1, BEGUN + 9 * BASE);
}

/* Two that are wanted, and left alone, go at the same time. */
static void test_two_idle(void)
{
	begin_early();
	give_page(SLOT + 1, PAGE + 99, BEGUN, WORD);
	CU_ASSERT_EQUAL(tenure.kept, 2);
	tenure_wanted(&tenure, SLOT, 0, BEGUN + BASE);
	tenure_wanted(&tenure, SLOT + 1, 0, BEGUN + BASE);
	CU_ASSERT_EQUAL(tenure_due(&tenure, BEGUN + BASE + IDLE - 1), -1);
	for (int i = 0; i < 2; i++)
		CU_ASSERT_TRUE(tenure_due(&tenure, BEGUN + BASE + IDLE) >= 0);
	CU_ASSERT_EQUAL(tenure.running, 0);
}

/* Nobody's thread waits for ever: a wait is no time in which a page is left alone. */
static void test_waits_in_between(void)
{
	begin_early();
	tenure_wanted(&tenure, SLOT, 0, BEGUN + BASE);
	tenure_thread_waits(&tenure, THREAD, BEGUN + BASE + 1);
	CU_ASSERT_EQUAL(tenure_due(&tenure, BEGUN + 2 * BASE), -1);
	tenure_thread_runs(&tenure, THREAD, BEGUN + 2 * BASE);
	CU_ASSERT_EQUAL(tenure_due(&tenure, BEGUN + 2 * BASE + IDLE - 1), -1);
	goes(BEGUN + 2 * BASE + IDLE - 1, BEGUN + 2 * BASE + IDLE);
}

/* Any thread's call may say that all of them are done. */
static void test_call_of_another(void)
{
	begin_early();
	tenure_thread_calls(&tenure, THREAD + 1, BEGUN + 5);
	CU_ASSERT_EQUAL(tenure_due(&tenure, BEGUN + 5), SLOT);
	CU_ASSERT_EQUAL(tenure.kept, 0);
}

/* Of two that wait for each other the less patient one gives way, with all that this thread has, and keeps
 * none of what comes then; until a call. */
static void test_gives_way(void)
{
	uint64_t now;

	begin_early();
	give_page(SLOT + 1, PAGE + 99, BEGUN, WORD);
	tenure_thread_waits(&tenure, THREAD, BEGUN + 5 * BASE);
	CU_ASSERT_EQUAL(tenure_due(&tenure, BEGUN + 5 * BASE + PATIENCE - 1), -1);
	for (now = BEGUN + 5 * BASE + PATIENCE; tenure.running == 2; now += 100)
		tenure_due(&tenure, now);
	CU_ASSERT_TRUE(now <= BEGUN + 5 * BASE + PATIENCE_MOST);
	CU_ASSERT_TRUE(tenure_due(&tenure, now) >= 0);
	tenure_thread_runs(&tenure, THREAD, now);
	give(now, WORD + 2);
	goes(now + BASE - 1, now + BASE);
	give(now + STRETCH / 2, WORD + 3);
	CU_ASSERT_EQUAL(tenure.kept, 0);

	call(now);
	give(now, WORD + 4);
	CU_ASSERT_EQUAL(tenure.kept, 1);
}

/* What the node keeps for a thread that does not wait goes, too, at once. */
static void test_gives_way_for_all(void)
{
	uint64_t end;

	begin_early();
	given_to(THREAD + 1, PAGE + 50, 1);
	given_to(THREAD + 1, PAGE + 60, 1);
	give_to(THREAD + 1, SLOT + 1, PAGE + 50, BEGUN, 2);
	CU_ASSERT_EQUAL(tenure.kept, 2);
	tenure_thread_waits(&tenure, THREAD + 1, BEGUN + BASE);
	end = BEGUN + BASE + PATIENCE_MOST;
	CU_ASSERT_EQUAL(tenure_due(&tenure, end), SLOT + 1);
	CU_ASSERT_EQUAL(tenure_due(&tenure, end), SLOT);
}

/* What it waited for came in time. */
static void test_patient(void)
{
	begin_early();
	for (int n = 2; n < 60; n++) {
		tenure_thread_waits(&tenure, THREAD, BEGUN + n * BASE);
		CU_ASSERT_EQUAL_FATAL(tenure_due(&tenure, BEGUN + n * BASE + PATIENCE - 1), -1);
		tenure_thread_runs(&tenure, THREAD, BEGUN + n * BASE + PATIENCE - 1);
	}
	goes(BEGUN + STRETCH - 1, BEGUN + STRETCH);
}

/* A frame is wanted, and all are in use. */
static void test_no_frame(void)
{
	begin_early();
	tenure_give_way(&tenure, BEGUN + 3 * BASE);
	CU_ASSERT_EQUAL(tenure_due(&tenure, BEGUN + 3 * BASE), SLOT);
	give(BEGUN + 3 * BASE, WORD + 2);
	goes(BEGUN + 4 * BASE - 1, BEGUN + 4 * BASE);
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
		{ "what is not early", test_not_early },
		{ "not when that is seldom", test_early_seldom },
		{ "not kept for ever after", test_early_no_longer },
		{ "not from who reads", test_wanted_to_read },
		{ "two that are left alone", test_two_idle },
		{ "waits do not count as such", test_waits_in_between },
		{ "given up for another thread's call", test_call_of_another },
		{ "given up after a wait in vain", test_gives_way },
		{ "all is given up then", test_gives_way_for_all },
		{ "kept for a wait that is short", test_patient },
		{ "given up for a frame", test_no_frame },
		CU_TEST_INFO_NULL,
	};

	return suite_run("tenure", NULL, NULL, tests, 60);
}
