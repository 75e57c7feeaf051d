/* SPDX-License-Identifier: BSD-2-Clause */
/* The name registry: its promises one by one, and a random run against an array. */
#include "dsm/heap/names.h"
#include "tests/suite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* 63 bytes */
#define LONGEST "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk"

static struct names *n;

static void start(void)
{
	CU_ASSERT_EQUAL_FATAL(names_open(&n), 0);
}

static void test_add_find_remove(void)
{
	uint64_t value = 5;

	start();
	CU_ASSERT_EQUAL(names_find(n, "x", &value), -ENOENT);
	CU_ASSERT_EQUAL(value, 5);
	CU_ASSERT_EQUAL(names_add(n, "x", 17), 0);
	CU_ASSERT_EQUAL(names_add(n, "x", 18), -EEXIST);
	CU_ASSERT_EQUAL(names_add(n, "xy", 0), 0);
	CU_ASSERT_EQUAL(names_find(n, "x", &value), 0);
	CU_ASSERT_EQUAL(value, 17);
	CU_ASSERT_EQUAL(names_find(n, "xy", &value), 0);
	CU_ASSERT_EQUAL(value, 0);
	CU_ASSERT_EQUAL(names_remove(n, "x"), 0);
	CU_ASSERT_EQUAL(names_remove(n, "x"), -ENOENT);
	CU_ASSERT_EQUAL(names_find(n, "x", &value), -ENOENT);
	CU_ASSERT_EQUAL(names_add(n, "x", 19), 0);
	names_close(n);
	names_close(NULL);
}

static void test_lengths(void)
{
	uint64_t value;

	start();
	CU_ASSERT_EQUAL(names_add(n, "", 1), -EINVAL);
	CU_ASSERT_EQUAL(names_add(n, LONGEST "l", 1), -EINVAL);
	CU_ASSERT_EQUAL(names_wait(n, "", (struct names_waiter){ 0, 0, 0, 0 }), -EINVAL);
	CU_ASSERT_EQUAL(names_wait(n, LONGEST "l", (struct names_waiter){ 0, 0, 0, 0 }), -EINVAL);
	CU_ASSERT_EQUAL(names_add(n, LONGEST, 63), 0);
	CU_ASSERT_EQUAL(names_find(n, LONGEST, &value), 0);
	CU_ASSERT_EQUAL(value, 63);
	CU_ASSERT_EQUAL(names_find(n, LONGEST "l", &value), -ENOENT);
	CU_ASSERT_EQUAL(names_find(n, "", &value), -ENOENT);
	CU_ASSERT_EQUAL(names_remove(n, LONGEST "l"), -ENOENT);
	names_close(n);
}

static void test_waiters_in_order(void)
{
	struct names_waiter who;

	start();
	for (uint16_t i = 0; i < 5; i++) {
		who = (struct names_waiter){ i, (uint16_t)(10 + i), 0, 0 };
		CU_ASSERT_EQUAL(names_wait(n, "x", who), 0);
	}
	CU_ASSERT_EQUAL(names_wait(n, "y", (struct names_waiter){ 9, 9, 0, 0 }), 0);
	CU_ASSERT_EQUAL(names_next_waiter(n, "x", &who), 0); /* not there yet */
	CU_ASSERT_EQUAL(names_unwait(n, "x", (struct names_waiter){ 2, 13, 0, 0 }), -ENOENT);
	CU_ASSERT_EQUAL(names_unwait(n, "z", (struct names_waiter){ 2, 12, 0, 0 }), -ENOENT);
	CU_ASSERT_EQUAL(names_unwait(n, "x", (struct names_waiter){ 2, 12, 0, 0 }), 0); /* the middle */
	CU_ASSERT_EQUAL(names_unwait(n, "x", (struct names_waiter){ 4, 14, 0, 0 }), 0); /* the last */
	CU_ASSERT_EQUAL(names_wait(n, "x", (struct names_waiter){ 6, 16, 0, 0 }), 0);
	CU_ASSERT_EQUAL(names_add(n, "x", 1), 0);
	for (unsigned expected = 0; expected < 7; expected++) {
		if (expected == 2 || expected == 4 || expected == 5)
			continue;
		CU_ASSERT_EQUAL_FATAL(names_next_waiter(n, "x", &who), 1);
		CU_ASSERT_EQUAL(who.node, expected);
		CU_ASSERT_EQUAL(who.slot, 10 + expected);
	}
	CU_ASSERT_EQUAL(names_next_waiter(n, "x", &who), 0);
	names_close(n); /* with y's waiter still there */
}

static void test_waiters_outlive_removal(void)
{
	struct names_waiter who;
	uint64_t value;

	start();
	CU_ASSERT_EQUAL(names_add(n, "x", 1), 0);
	CU_ASSERT_EQUAL(names_wait(n, "x", (struct names_waiter){ 3, 4, 0, 0 }), 0);
	CU_ASSERT_EQUAL(names_remove(n, "x"), 0);
	CU_ASSERT_EQUAL(names_next_waiter(n, "x", &who), 0);
	CU_ASSERT_EQUAL(names_find(n, "x", &value), -ENOENT);
	CU_ASSERT_EQUAL(names_add(n, "x", 2), 0);
	CU_ASSERT_EQUAL(names_next_waiter(n, "x", &who), 1);
	CU_ASSERT(who.node == 3 && who.slot == 4);
	names_close(n);
}

/* One has the claim; who waits for it gets it when it is given up, before those who only look. */
static void test_claims(void)
{
	struct names_waiter who;
	uint64_t value;

	start();
	CU_ASSERT_EQUAL(names_claim(n, "", 0), -EINVAL);
	CU_ASSERT_EQUAL(names_unclaim(n, "x", &who), 0); /* nobody has it */
	CU_ASSERT_EQUAL(names_claim(n, "x", 0), 0);
	CU_ASSERT_EQUAL(names_claim(n, "x", 0), -EBUSY);
	CU_ASSERT_EQUAL(names_find(n, "x", &value), -ENOENT);
	CU_ASSERT_EQUAL(names_wait(n, "x", (struct names_waiter){ 1, 1, 0, 0 }), 0);
	CU_ASSERT_EQUAL(names_wait(n, "x", (struct names_waiter){ 2, 2, 8, 0 }), 0);
	CU_ASSERT_EQUAL(names_wait(n, "x", (struct names_waiter){ 3, 3, 8, 0 }), 0);
	CU_ASSERT_EQUAL_FATAL(names_unclaim(n, "x", &who), 1);
	CU_ASSERT(who.node == 2 && who.bytes == 8);
	CU_ASSERT_EQUAL(names_claim(n, "x", 0), -EBUSY);
	CU_ASSERT_EQUAL(names_add(n, "x", 5), 0);
	CU_ASSERT(names_next_waiter(n, "x", &who) == 1 && who.node == 1);
	CU_ASSERT(names_next_waiter(n, "x", &who) == 1 && who.node == 3);
	CU_ASSERT_EQUAL(names_unclaim(n, "x", &who), 0); /* it is over */
	CU_ASSERT_EQUAL(names_remove(n, "x"), 0);
	CU_ASSERT_EQUAL(names_claim(n, "x", 0), 0);
	CU_ASSERT_EQUAL(names_unclaim(n, "x", &who), 0);
	CU_ASSERT_EQUAL(names_claim(n, "x", 0), 0); /* nobody waits any more */
	names_close(n);
}

static void test_limit(void)
{
	char name[32];
	uint64_t value;

	start();
	for (unsigned i = 0; i < NAMES_MAX; i++) {
		snprintf(name, sizeof name, "name-%u", i);
		CU_ASSERT_EQUAL_FATAL(names_add(n, name, i), 0);
	}
	CU_ASSERT_EQUAL(names_add(n, "one-more", 1), -ENOMEM);
	CU_ASSERT_EQUAL(names_add(n, "name-5", 1), -EEXIST);
	CU_ASSERT_EQUAL(names_wait(n, "one-more", (struct names_waiter){ 1, 1, 0, 0 }), 0);
	CU_ASSERT_EQUAL(names_add(n, "one-more", 1), -ENOMEM);
	CU_ASSERT_EQUAL(names_remove(n, "name-77"), 0);
	CU_ASSERT_EQUAL(names_add(n, "one-more", 1), 0);
	for (unsigned i = 0; i < NAMES_MAX; i += 997) {
		snprintf(name, sizeof name, "name-%u", i);
		CU_ASSERT_EQUAL(names_find(n, name, &value), 0);
		CU_ASSERT_EQUAL(value, i);
	}
	names_close(n);
}

#define MODEL_NAMES 40u
#define MODEL_WAITERS 30u

static struct {
	int present;
	uint64_t value;
	struct names_waiter waiter[MODEL_WAITERS];
	unsigned waiters;
} model[MODEL_NAMES];

static void model_forget(unsigned k, unsigned i)
{
	model[k].waiters--;
	for (; i < model[k].waiters; i++)
		model[k].waiter[i] = model[k].waiter[i + 1];
}

static void model_wait_or_unwait(unsigned k, const char *name)
{
	unsigned used = model[k].waiters, i = (unsigned)rand() % MODEL_WAITERS;
	struct names_waiter who = { (uint16_t)(rand() % 64), (uint16_t)(rand() % 50000), 0, 0 };

	if (i < used) {
		CU_ASSERT_EQUAL_FATAL(names_unwait(n, name, model[k].waiter[i]), 0);
		model_forget(k, i);
	} else if (used < MODEL_WAITERS) {
		CU_ASSERT_EQUAL_FATAL(names_wait(n, name, who), 0);
		model[k].waiter[model[k].waiters++] = who;
	}
}

static void model_step(void)
{
	unsigned k = (unsigned)rand() % MODEL_NAMES;
	int present = model[k].present;
	struct names_waiter who;
	uint64_t value = 0;
	char name[32];

	snprintf(name, sizeof name, "n%u", k);
	switch (rand() % 6) {
	case 0:
		CU_ASSERT_EQUAL_FATAL(names_add(n, name, k + 1000u), present ? -EEXIST : 0);
		model[k].present = 1;
		model[k].value = present ? model[k].value : k + 1000u;
		break;
	case 1:
		CU_ASSERT_EQUAL_FATAL(names_remove(n, name), present ? 0 : -ENOENT);
		model[k].present = 0;
		break;
	case 2:
		CU_ASSERT_EQUAL_FATAL(names_find(n, name, &value), present ? 0 : -ENOENT);
		CU_ASSERT_EQUAL_FATAL(value, present ? model[k].value : 0);
		break;
	case 3:
		CU_ASSERT_EQUAL_FATAL(names_next_waiter(n, name, &who),
		                      present && model[k].waiters ? 1 : 0);
		if (present && model[k].waiters) {
			CU_ASSERT_FATAL(who.node == model[k].waiter[0].node &&
			                who.slot == model[k].waiter[0].slot);
			model_forget(k, 0);
		}
		break;
	default:
		model_wait_or_unwait(k, name);
	}
}

static void test_random_against_model(void)
{
	start();
	for (int i = 0; i < 200000; i++)
		model_step();
	names_close(n);
}

/* Who has died waits no more, and what it has claimed others may. */
static void test_bury(void)
{
	struct names_waiter who;
	const char *name;

	CU_ASSERT_EQUAL_FATAL(names_open(&n), 0);
	CU_ASSERT_EQUAL(names_claim(n, "x", 1), 0);
	CU_ASSERT_EQUAL(names_claim(n, "y", 1), 0);
	CU_ASSERT_EQUAL(names_claim(n, "z", 2), 0);
	CU_ASSERT_EQUAL(names_wait(n, "x", (struct names_waiter){ 1, 1, 8, 0 }), 0);
	CU_ASSERT_EQUAL(names_wait(n, "x", (struct names_waiter){ 0, 7, 0, 0 }), 0);
	CU_ASSERT_EQUAL(names_wait(n, "x", (struct names_waiter){ 2, 3, 8, 0 }), 0);
	CU_ASSERT_EQUAL(names_wait(n, "z", (struct names_waiter){ 1, 2, 8, 0 }), 0);
	CU_ASSERT_EQUAL(names_bury(n, 5, &who, &name), 1);
	CU_ASSERT_STRING_EQUAL(name, "x");
	CU_ASSERT_EQUAL(who.node, 2);
	CU_ASSERT_EQUAL(who.slot, 3);
	CU_ASSERT_EQUAL(names_bury(n, 5, &who, &name), 0);
	CU_ASSERT_EQUAL(names_claim(n, "x", 0), -EBUSY);
	CU_ASSERT_EQUAL(names_claim(n, "y", 0), 0);
	CU_ASSERT_EQUAL(names_claim(n, "z", 0), -EBUSY);
	CU_ASSERT_EQUAL(names_unclaim(n, "z", &who), 0); /* node 1 does not wait */
	CU_ASSERT_EQUAL(names_bury(n, 1, &who, &name), 0); /* who waits for x would not claim it */
	CU_ASSERT_EQUAL(names_claim(n, "x", 0), 0);
	CU_ASSERT_EQUAL(names_add(n, "x", 5), 0);
	CU_ASSERT_EQUAL(names_next_waiter(n, "x", &who), 1);
	CU_ASSERT_EQUAL(who.slot, 7);
	CU_ASSERT_EQUAL(names_next_waiter(n, "x", &who), 0);
	names_close(n);
}

/* What is there or claimed, for somebody else who is to have it, too. */
static void test_next(void)
{
	const void *cursor = NULL;
	struct names_saved s;
	unsigned seen = 0;

	CU_ASSERT_EQUAL_FATAL(names_open(&n), 0);
	CU_ASSERT_EQUAL(names_next(n, &cursor, &s), 0);
	CU_ASSERT_EQUAL(names_add(n, "x", 5), 0);
	CU_ASSERT_EQUAL(names_claim_for(n, "y", 3), 0);
	CU_ASSERT_EQUAL(names_claim_for(n, "y", 4), 0);
	CU_ASSERT_EQUAL(names_wait(n, "z", (struct names_waiter){ 1, 1, 0, 0 }), 0);
	for (cursor = NULL; names_next(n, &cursor, &s); seen++)
		CU_ASSERT(s.claimed ? *s.name == 'y' && s.claimant == 4 : *s.name == 'x' && s.value == 5);
	CU_ASSERT_EQUAL(seen, 2);
	names_close(n);
}

int main(void)
{
	static CU_TestInfo tests[] = {
		{ "add, find, remove", test_add_find_remove },
		{ "lengths", test_lengths },
		{ "waiters in order", test_waiters_in_order },
		{ "waiters outlive removal", test_waiters_outlive_removal },
		{ "claims", test_claims },
		{ "limit", test_limit },
		{ "random against model", test_random_against_model },
		{ "the dead", test_bury },
		{ "one after the other", test_next },
		CU_TEST_INFO_NULL,
	};
	const char *seed = getenv("SEED");
	unsigned seed_value = seed ? (unsigned)strtoul(seed, NULL, 10) : 20041u;

	srand(seed_value);
	printf("SEED=%u\n", seed_value);
	return suite_run("names", NULL, NULL, tests, 120);
}
