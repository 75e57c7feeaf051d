/* SPDX-License-Identifier: BSD-2-Clause */
/* The checker of histories, on histories made by hand, and on random ones against a
 * search that tries every order. */
#include "tests/system/history.h"
#include "tests/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OPS 16

/* A history in the making: "what thread t did next". */
static struct {
	struct history_op ops[4][OPS];
	struct history_thread threads[4];
	uint64_t initial[4], final[4];
	struct history h;
	char why[HISTORY_WHY_MAX];
} t;

static void fresh(void)
{
	memset(&t, 0, sizeof t);
	for (int i = 0; i < 4; i++)
		t.threads[i].ops = t.ops[i];
	t.h = (struct history){ .threads = t.threads,
		                .n_threads = 4,
		                .words = 4,
		                .initial = t.initial,
		                .share_of = 1 };
}

static void did(unsigned thread, uint32_t kind, uint32_t word, uint64_t old, uint64_t value)
{
	t.ops[thread][t.threads[thread].len++] =
		(struct history_op){ .kind = kind, .word = word, .old = old, .value = value };
}

/* The last access of a thread took from begin to end. */
static void at(unsigned thread, uint64_t begin, uint64_t end)
{
	struct history_op *op = &t.ops[thread][t.threads[thread].len - 1];

	t.h.timed = 1;
	op->begin = begin;
	op->end = end;
}

static void r(unsigned thread, uint32_t word, uint64_t value)
{
	did(thread, HISTORY_READ, word, 0, value);
}

static void w(unsigned thread, uint32_t word, uint64_t value)
{
	did(thread, HISTORY_WRITE, word, 0, value);
}

static void rmw(unsigned thread, uint32_t word, uint64_t old, uint64_t value)
{
	did(thread, HISTORY_RMW, word, old, value);
}

static void good(void)
{
	int rc = history_check(&t.h, t.why);

	if (rc)
		printf("\n  unexpected: %s\n", t.why);
	CU_ASSERT_EQUAL(rc, 0);
	fresh();
}

static void bad(const char *part)
{
	int rc = history_check(&t.h, t.why);

	if (rc != 1 || !strstr(t.why, part))
		printf("\n  wanted '%s', got %d: %s\n", part, rc, t.why);
	CU_ASSERT_EQUAL(rc, 1);
	CU_ASSERT_PTR_NOT_NULL(strstr(t.why, part));
	fresh();
}

static void test_good(void)
{
	fresh();
	good(); /* nothing happened */
	r(0, 0, 0);
	w(1, 0, 5);
	r(0, 0, 5);
	r(1, 0, 5);
	good();
	/* Readers may lag, each at its own pace. */
	w(0, 0, 1), w(0, 0, 2), w(0, 0, 3);
	r(1, 0, 0), r(1, 0, 2), r(1, 0, 2), r(1, 0, 3);
	r(2, 0, 1), r(2, 0, 3);
	good();
	/* Store buffering between words is none of coherence's business. */
	w(0, 0, 1), r(0, 1, 0);
	w(1, 1, 1), r(1, 0, 0);
	good();
	/* Concurrent stores, two readers agree on their order. */
	w(0, 2, 10);
	w(1, 2, 20);
	r(2, 2, 20), r(2, 2, 10);
	r(3, 2, 0), r(3, 2, 20), r(3, 2, 10);
	good();
	/* Atomics chain; a plain store begins another chain. */
	rmw(0, 1, 0, 1), rmw(1, 1, 1, 2), rmw(0, 1, 2, 3);
	w(2, 1, 100);
	rmw(3, 1, 100, 101), r(3, 1, 101);
	good();
	t.initial[0] = 7;
	t.final[0] = 8;
	t.h.final = t.final;
	r(0, 0, 7), w(0, 0, 8), r(1, 0, 7);
	good();
}

static void test_reads(void)
{
	fresh();
	r(0, 0, 9);
	bad("nobody stored");
	w(0, 0, 1), r(1, 0, 1), r(1, 0, 0); /* CoRR */
	bad("initial value");
	w(0, 0, 1), w(0, 0, 2), r(1, 0, 2), r(1, 0, 1); /* CoRR */
	bad("no order");
	w(0, 0, 1), w(0, 0, 2), r(0, 0, 1); /* CoWR */
	bad("no order");
	r(0, 0, 1), w(0, 0, 1); /* CoRW, of one's own */
	bad("before it stored it");
	r(0, 0, 2), w(0, 0, 1), w(1, 0, 2), r(1, 0, 1), r(1, 0, 2); /* CoRW */
	bad("no order");
	/* Readers that disagree on the order of two stores. */
	w(0, 0, 1), w(1, 0, 2);
	r(2, 0, 1), r(2, 0, 2), r(3, 0, 2), r(3, 0, 1);
	bad("no order");
	/* A circle over three threads, only one word of several. */
	w(0, 3, 1), r(0, 3, 2), w(1, 3, 2), r(1, 3, 3), w(2, 3, 3), r(2, 3, 1);
	w(3, 0, 1), r(3, 0, 1);
	bad("word 3");
}

static void test_writes(void)
{
	fresh();
	w(0, 0, 1), w(1, 0, 1);
	bad("stored twice");
	w(0, 0, 0);
	bad("stored twice");
	/* A store that is gone: thread 0's is not the last, and nobody ever saw another. */
	t.h.final = t.final;
	w(0, 0, 1);
	bad("no order");
	t.h.final = t.final;
	w(0, 0, 1), w(0, 0, 2);
	t.final[0] = 1;
	bad("the former is the final value");
	t.h.final = t.final;
	t.final[0] = 4;
	bad("nobody stored");
	t.h.final = t.final;
	w(0, 0, 1), w(1, 0, 2), r(2, 0, 2), r(2, 0, 1);
	t.final[0] = 1;
	good();
}

static void test_atomics(void)
{
	fresh();
	rmw(0, 0, 0, 1), rmw(1, 0, 0, 2);
	bad("lost update");
	rmw(0, 0, 2, 1), rmw(1, 0, 1, 2);
	bad("in a circle");
	/* A store that some thread saw between an atomic's load and its store. */
	rmw(0, 0, 0, 1), w(1, 0, 2), r(2, 0, 2), r(2, 0, 1), r(2, 0, 2);
	bad("no order");
	w(1, 0, 2), rmw(0, 0, 2, 3), w(1, 0, 4), r(2, 0, 4), r(2, 0, 3), r(3, 0, 2), r(3, 0, 4);
	bad("no order");
	rmw(0, 0, 0, 1), rmw(1, 0, 1, 2), r(2, 0, 2), r(2, 0, 1);
	bad("say the opposite");
	t.h.final = t.final;
	t.final[0] = 1;
	rmw(0, 0, 0, 1), rmw(1, 0, 1, 2);
	bad("though an atomic operation replaced it");
	/* The counter that lost an addition. */
	for (uint64_t i = 0; i < 3; i++)
		rmw((unsigned)i, 0, i, i + 1);
	rmw(3, 0, 2, 3);
	bad("stored twice");
}

static void test_shares(void)
{
	fresh();
	t.h.share_of = 2;
	r(0, 1, 9);
	good(); /* word 1 is the other's */
	t.h.share_of = 2, t.h.share = 1;
	r(0, 1, 9);
	bad("word 1");
	w(0, 4, 1);
	CU_ASSERT_EQUAL(history_check(&t.h, t.why), -22);
	fresh();
	did(0, 7, 0, 0, 0);
	CU_ASSERT_EQUAL(history_check(&t.h, t.why), -22);
}

static void test_times(void)
{
	fresh();
	/* A load that overlaps a store sees what it likes, in either order. */
	w(0, 0, 1), at(0, 10, 20);
	r(1, 0, 1), at(1, 11, 15);
	r(2, 0, 0), at(2, 12, 14);
	good();
	w(0, 0, 1), at(0, 10, 20), w(1, 0, 2), at(1, 12, 18);
	r(2, 0, 2), at(2, 30, 31), r(3, 0, 2), at(3, 25, 40);
	good();
	/* A copy that should be gone is read after another node's store was done. */
	w(0, 0, 1), at(0, 10, 20);
	r(1, 0, 0), at(1, 21, 22);
	bad("was the first");
	w(0, 0, 1), at(0, 10, 20), w(1, 0, 2), at(1, 30, 40);
	r(2, 0, 1), at(2, 41, 42);
	bad("1 ns before thread 2");
	/* The readers disagree, though each has read once only. */
	w(0, 0, 1), at(0, 10, 20), w(1, 0, 2), at(1, 12, 18);
	r(2, 0, 2), at(2, 30, 31), r(3, 0, 1), at(3, 32, 33);
	r(2, 0, 2), at(2, 34, 35);
	bad("in time");
	r(1, 0, 1), at(1, 3, 5), w(0, 0, 1), at(0, 6, 7);
	bad("before its store began");
	/* The final value is read after everything. */
	t.h.final = t.final;
	t.final[0] = 1;
	w(0, 0, 1), at(0, 10, 20), w(1, 0, 2), at(1, 22, 30);
	bad("the last value");
	rmw(0, 0, 0, 1), at(0, 10, 20), r(1, 0, 0), at(1, 25, 26);
	bad("was the first");
}

/* ---------------------------------------------- against a search of all orders -- */

/* Is there an interleaving in which every load sees the last store? Tries all. */
static int search(unsigned *next, uint64_t value)
{
	uint64_t first_end = UINT64_MAX;
	int done = 1;

	for (unsigned i = 0; t.h.timed && i < 3; i++)
		if (next[i] < t.threads[i].len && t.ops[i][next[i]].end < first_end)
			first_end = t.ops[i][next[i]].end;

	for (unsigned i = 0; i < 3; i++) {
		const struct history_op *op = &t.ops[i][next[i]];
		uint64_t seen = op->kind == HISTORY_RMW ? op->old : op->value;

		if (next[i] == t.threads[i].len)
			continue;
		done = 0;
		if (t.h.timed && op->begin > first_end)
			continue;
		if (op->kind != HISTORY_WRITE && seen != value)
			continue;
		next[i]++;
		if (search(next, op->value))
			return 1;
		next[i]--;
	}
	return done && (!t.h.final || t.h.final[0] == value);
}

/* Each thread's next access begins after its last has ended. */
static void random_times(void)
{
	for (unsigned i = 0; i < 3; i++) {
		uint64_t now = (unsigned)random() % 6;

		for (size_t k = 0; k < t.threads[i].len; k++) {
			t.ops[i][k].begin = now += 1 + (unsigned)random() % 5;
			t.ops[i][k].end = now += 1 + (unsigned)random() % 5;
		}
	}
	t.h.timed = 1;
}

static void random_history(unsigned kinds, unsigned *stores)
{
	*stores = 0;
	for (int i = 0; i < 7; i++) {
		unsigned kind = (unsigned)random() % kinds;

		if (kind < 2)
			r((unsigned)random() % 3, 0, (unsigned)random() % 4);
		else if (kind == 2)
			w((unsigned)random() % 3, 0, ++*stores);
		else
			rmw((unsigned)random() % 3, 0, (unsigned)random() % 4, ++*stores);
	}
}

/* kinds: 4 with read-modify-writes, 3 without. */
static void against_search(unsigned kinds, int timed)
{
	unsigned coherent = 0, broken = 0;

	for (int round = 0; round < 30000; round++) {
		unsigned next[3] = { 0 }, stores;
		int expect, got;

		fresh();
		random_history(kinds, &stores);
		if (timed)
			random_times();
		if (random() % 2) {
			t.h.final = t.final;
			t.final[0] = (unsigned)random() % (stores + 1);
		}
		expect = !search(next, 0);
		got = history_check(&t.h, t.why);
		/* With times, read-modify-writes are checked in part. */
		if (timed && kinds == 4 ? got > expect : got != expect) {
			printf("\n  round %d: search says %d, checker %d: %s\n", round, expect, got,
			       t.why);
			CU_FAIL("checker and search disagree");
			return;
		}
		coherent += !expect;
		broken += (unsigned)expect;
	}
	/* Both kinds were met, often. */
	CU_ASSERT_TRUE(coherent > 100 && broken > 100);
}

static void test_random(void)
{
	srandom(4711);
	against_search(4, 0);
	against_search(3, 0);
	against_search(3, 1);
	against_search(4, 1);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "coherent histories", test_good },
		{ "loads that went back", test_reads },
		{ "stores that were lost", test_writes },
		{ "atomics that were not", test_atomics },
		{ "shares and bad input", test_shares },
		{ "accesses out of time", test_times },
		{ "random, against a search", test_random },
		CU_TEST_INFO_NULL,
	};

	return suite_run("history", NULL, NULL, tests, 120);
}
