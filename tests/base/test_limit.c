/* SPDX-License-Identifier: BSD-2-Clause */
/* What of the log is said, and when: repeated lines, lines of a kind, all together. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsm/base/log_limit.h"
#include "tests/suite.h"

#define MS UINT64_C(1000000)
#define S (1000 * MS)
#define KIND 4711

static struct limit limit;
static struct limit_line next;
static const uint64_t start = 100 * S;

static int take(uint64_t now_ns, const char *text)
{
	return limit_take(&limit, now_ns, KIND, LIMIT_DIFFERENT, 1, text);
}

/* Whether that is due now, and nothing else. */
static int is_due(uint64_t now_ns, int level, const char *text)
{
	struct limit_line other;

	if (!limit_next(&limit, now_ns, &next) || next.level != level || strcmp(next.text, text)) {
		printf("[%d: %s] ", next.level, next.text);
		return 0;
	}
	return !limit_next(&limit, now_ns, &other);
}

static void begin(void)
{
	memset(&limit, 0, sizeof limit);
	memset(&next, 0, sizeof next);
}

static void test_repeated(void)
{
	begin();
	CU_ASSERT_EQUAL(limit_due(&limit), LIMIT_NEVER);
	CU_ASSERT_EQUAL(take(start, "no page 7"), 1);
	CU_ASSERT_EQUAL(limit_due(&limit), LIMIT_NEVER);
	for (int i = 1; i <= 65000; i++)
		CU_ASSERT_EQUAL(take(start + i * S / 70000, "no page 7"), 0);
	CU_ASSERT_EQUAL(limit_due(&limit), start + LIMIT_NS);
	CU_ASSERT_EQUAL(limit_next(&limit, start + LIMIT_NS - 1, &next), 0);
	CU_ASSERT(is_due(start + LIMIT_NS, 1, "no page 7 (65000 more times)"));
	CU_ASSERT_EQUAL(limit_due(&limit), LIMIT_NEVER);
	/* It was said just now. */
	CU_ASSERT_EQUAL(take(start + LIMIT_NS + MS, "no page 7"), 0);
	CU_ASSERT(is_due(start + 2 * LIMIT_NS, 1, "no page 7 (1 more time)"));
	/* Not for long now. */
	CU_ASSERT_EQUAL(take(start + 3 * LIMIT_NS, "no page 7"), 1);
	CU_ASSERT_EQUAL(limit_next(&limit, LIMIT_NEVER, &next), 0);
}

static void test_kind(void)
{
	char text[32];

	begin();
	for (int i = 0; i < 20; i++) {
		snprintf(text, sizeof text, "no page %d", i);
		CU_ASSERT_EQUAL(take(start, text), i < LIMIT_DIFFERENT);
	}
	CU_ASSERT_EQUAL(limit_take(&limit, start, KIND + 1, LIMIT_DIFFERENT, 1, "no frame"), 1);
	CU_ASSERT(is_due(start + LIMIT_NS, 1, "no page 19 (and 14 more like it)"));
}

/* One of a kind is kept, and nothing of it lost. */
static void test_one_of_a_kind(void)
{
	begin();
	CU_ASSERT_EQUAL(limit_take(&limit, start, KIND, 1, 0, "refused a message of node 1: bad"), 1);
	CU_ASSERT_EQUAL(limit_take(&limit, start, KIND, 1, 2, "refused GetS of node 1: late"), 0);
	CU_ASSERT(is_due(start + S, 2, "refused GetS of node 1: late (1 more time)"));
}

/* A second that is over while nobody asked: first what it counted, then what is new. */
static void test_late(void)
{
	begin();
	CU_ASSERT_EQUAL(take(start, "a"), 1);
	CU_ASSERT_EQUAL(take(start, "a"), 0);
	CU_ASSERT_EQUAL(take(start + 5 * S, "b"), 0);
	CU_ASSERT(is_due(start + 5 * S, 1, "b (and 1 more like it)"));
	CU_ASSERT_EQUAL(take(start + 5 * S, "a"), 1);
}

/* Whatever comes: at most twice LIMIT_LINES in any second, and each line is said or counted. */
static void test_all_together(void)
{
	static uint64_t said_ns[4000];
	unsigned said = 0, lines = 0;
	unsigned long long counted = 0;
	char text[64];

	begin();
	for (uint64_t now = start; now < start + 10 * S; now += MS / 2) {
		snprintf(text, sizeof text, "line %u", lines);
		while (limit_next(&limit, now, &next)) {
			unsigned long long n = 0;
			CU_ASSERT_EQUAL(sscanf(next.text, "%llu lines of the log left out", &n), 1);
			counted += n;
			said_ns[said++] = now;
		}
		if (limit_take(&limit, now, lines++, 1, 3, text))
			said_ns[said++] = now;
	}
	CU_ASSERT(said > 9 * LIMIT_LINES);
	for (unsigned i = 0, first = 0; i < said; i++) {
		while (said_ns[i] - said_ns[first] >= S)
			first++;
		CU_ASSERT(i - first < 2 * LIMIT_LINES);
	}
	CU_ASSERT(limit_next(&limit, LIMIT_NEVER, &next));
	counted += strtoull(next.text, NULL, 10);
	CU_ASSERT_EQUAL(next.level, 3);
	/* Those that told of others are no lines themselves. */
	CU_ASSERT(counted + said >= lines && counted + said <= lines + 11);
}

/* More kinds than there are places for, all repeated: counted one way or another. */
static void test_many_kinds(void)
{
	unsigned said = 0, counted = 0, n;
	char text[32];

	begin();
	for (int kind = 0; kind < 2 * LIMIT_KINDS; kind++)
		for (int i = 0; i < 3; i++) {
			snprintf(text, sizeof text, "kind %d", kind);
			said += limit_take(&limit, start, (uint64_t)kind, 1, kind ? 2 : 0, text);
		}
	CU_ASSERT_EQUAL(said, LIMIT_KINDS);
	while (limit_next(&limit, LIMIT_NEVER, &next)) {
		const char *count = strchr(next.text, '(');
		n = (unsigned)strtoul(count ? count + 1 : next.text, NULL, 10);
		CU_ASSERT(n == 2 || (!count && n == 3 * LIMIT_KINDS));
		counted += n;
	}
	CU_ASSERT_EQUAL(said + counted, 2 * LIMIT_KINDS * 3);
	CU_ASSERT_EQUAL(limit_due(&limit), LIMIT_NEVER);
}

/* The gravest of those that were left out says who wants to know. */
static void test_lost_level(void)
{
	begin();
	limit_lose(&limit, start, 3);
	limit_lose(&limit, start + MS, 1);
	limit_lose(&limit, start + MS, 4);
	CU_ASSERT_EQUAL(limit_due(&limit), start + S);
	CU_ASSERT_EQUAL(limit_next(&limit, start + S - 1, &next), 0);
	CU_ASSERT(limit_next(&limit, start + S, &next));
	CU_ASSERT_EQUAL(next.level, 1);
	CU_ASSERT_STRING_EQUAL(next.text, "3 lines of the log left out here: there were more than "
	                                  "could be written");
}

/* The count is not what is cut off. */
static void test_long(void)
{
	char text[LIMIT_TEXT];

	begin();
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	CU_ASSERT_EQUAL(take(start, text), 1);
	CU_ASSERT_EQUAL(take(start, text), 0);
	CU_ASSERT(limit_next(&limit, start + S, &next));
	CU_ASSERT_EQUAL(strlen(next.text), LIMIT_TEXT - 1);
	CU_ASSERT(strstr(next.text, "xx (1 more time)") != NULL);
}

static void test_keys(void)
{
	CU_ASSERT_EQUAL(limit_key_of("page 7 of 12"), limit_key_of("page 9123 of 0"));
	CU_ASSERT_NOT_EQUAL(limit_key_of("page 7 is lost"), limit_key_of("page 7 is late"));
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "a repeated line is said once, then with a count", test_repeated },
		{ "a few lines of a kind are said", test_kind },
		{ "one line of a kind", test_one_of_a_kind },
		{ "a second that is long over", test_late },
		{ "a limit for all together", test_all_together },
		{ "more kinds than places", test_many_kinds },
		{ "what is left out has the gravest level", test_lost_level },
		{ "a long line keeps its count", test_long },
		{ "kinds by text", test_keys },
		CU_TEST_INFO_NULL,
	};

	return suite_run("log limit", NULL, NULL, tests, 60);
}
