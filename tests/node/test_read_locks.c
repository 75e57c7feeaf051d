/* SPDX-License-Identifier: BSD-2-Clause */
/* Locks that a node's threads have for reading: found again, whatever comes and goes beside them. */
#include "dsm/node/read_locks.h"

#include "tests/seed.h"
#include "tests/suite.h"

#define LOCKS 3000

static uint64_t memory[LOCKS]; /* addresses, which need hold nothing */

static void test_none(void)
{
	struct read_locks r = { 0 };

	CU_ASSERT_PTR_NULL(read_locks_find(&r, memory));
	read_locks_close(&r);
}

static void test_one(void)
{
	struct read_locks r = { 0 };
	struct read_lock *l = read_locks_add(&r, memory);

	CU_ASSERT_PTR_NOT_NULL_FATAL(l);
	CU_ASSERT(l->lock == memory && l->count == 0 && !l->busy);
	l->count = 7;
	CU_ASSERT_PTR_EQUAL(read_locks_find(&r, memory), l);
	CU_ASSERT_PTR_NULL(read_locks_find(&r, memory + 1));
	read_locks_remove(&r, l);
	CU_ASSERT_PTR_NULL(read_locks_find(&r, memory));
	read_locks_close(&r);
}

/* Against a flag for each. */
static void test_many(void)
{
	static uint32_t count[LOCKS];
	struct read_locks r = { 0 };
	uint64_t random;

	seed_start(1);
	for (unsigned step = 0; step < 400000; step++) {
		/* Many at first, then few. */
		const unsigned most = step < 200000 ? LOCKS : LOCKS / 50;
		unsigned i;
		struct read_lock *l;

		random = rng();
		i = (unsigned)(random >> 33) % LOCKS;
		l = read_locks_find(&r, &memory[i]);
		if (l ? l->lock != &memory[i] || l->count != count[i] : count[i] != 0) {
			CU_FAIL("what is found is another one");
			break;
		}
		if (l && (i >= most || random >> 20 & 1)) {
			read_locks_remove(&r, l);
			count[i] = 0;
		} else if (!l && i < most) {
			l = read_locks_add(&r, &memory[i]);
			CU_ASSERT_PTR_NOT_NULL_FATAL(l);
			l->count = count[i] = step + 1;
		}
	}
	read_locks_close(&r);
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "none", test_none },
		{ "one", test_one },
		{ "many", test_many },
		CU_TEST_INFO_NULL,
	};

	return suite_run("read_locks", NULL, NULL, tests, 60);
}
