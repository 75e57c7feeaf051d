/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of examples/kv, read without its mutex while others write: before each word that the reader loads
 * they may do any of their stores' steps, as often as they like. What he finds was there at some moment. */
#include "config.h"

#include <stdint.h>
#include <string.h>

static void others(void);
#define ACQUIRE(word) (others(), __atomic_load_n(&(word), __ATOMIC_ACQUIRE))
#include "examples/kv_table.c"

#include "tests/suite.h"

#define ROUNDS 50000
#define KEYS (KV_ENTRIES + 2)
#define KEY 5
#define MOMENTS 4096

static struct kv_group group;
static uint64_t random_state, written;
static int busy;      /* in others() */
static unsigned odds; /* that they do something before a load: 1 in so many; 0: never */

/* What is half written, or NULL. */
static struct kv_version *half;
static struct kv_version whole;

/* Of KEY, since the reader has begun. */
static struct kv_state moment[MOMENTS];
static unsigned moments;

static unsigned draw(unsigned below)
{
	random_state = kv_mix(random_state + 0x9e3779b97f4a7c15);
	return (unsigned)(random_state % below);
}

static void note_moment(void)
{
	CU_ASSERT_FATAL(moments < MOMENTS);
	kv_bucket_find(&group.bucket[0], KEY, &moment[moments++]);
}

/* Ends the write that is under way, or begins one, of a key that is also deleted at times. */
static void step(void)
{
	const uint64_t key = draw(2) ? KEY : draw(KEYS);
	const uint64_t value[KV_VALUE] = { ++written };

	if (!half) {
		half = write_begin(&group.bucket[0], key, value, draw(3) == 0, &whole);
		return;
	}
	version_end(half, &whole);
	half = NULL;
	note_moment();
}

static void others(void)
{
	if (busy || !odds || draw(odds))
		return;
	busy = 1;
	for (unsigned n = 1 + draw(12); n; n--)
		step();
	busy = 0;
}

static void test_writers(void)
{
	unsigned found = 0;

	for (unsigned round = 0; round < ROUNDS; round++) {
		struct kv_state is;
		unsigned i = 0;
		int rc;

		moments = 0;
		odds = 0;
		note_moment();
		odds = 1 + draw(100);
		rc = kv_bucket_look(&group, 0, KEY, &is);
		odds = 0;
		if (rc)
			continue;
		found++;
		while (i < moments && memcmp(&moment[i], &is, sizeof is))
			i++;
		CU_ASSERT_FATAL(i < moments);
	}
	CU_ASSERT(found > ROUNDS / 100);
}

static CU_TestInfo tests[] = {
	{ "writers meanwhile", test_writers },
	CU_TEST_INFO_NULL,
};

int main(void)
{
	return suite_run("kv, readers", NULL, NULL, tests, 30);
}
