/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of examples/kv: a writer that dies at any store leaves the old or the new, and both are told
 * apart from what is half done. And the comparison of answers: each kind of wrong one is found. */
#include "examples/kv_check.h"
#include "examples/kv_store.h"
#include "examples/kv_table.h"
#include "tests/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the table --- */

static struct kv_group group;

static void fresh(void)
{
	memset(&group, 0, sizeof group);
}

static uint64_t write_key(uint64_t key, uint64_t value, int deleted)
{
	const uint64_t words[KV_VALUE] = { value, value + 1, value + 2 };

	return kv_bucket_write(&group.bucket[1], key, words, deleted);
}

static int look(uint64_t key, struct kv_state *state)
{
	return kv_bucket_look(&group, 1, key, state);
}

static void test_what_is_written_is_there(void)
{
	struct kv_state state;

	fresh();
	CU_ASSERT_EQUAL(look(7, &state), 0);
	CU_ASSERT_EQUAL(state.seq, 0);
	for (uint64_t i = 1; i <= 5; i++) {
		CU_ASSERT_EQUAL(write_key(7, i * 10, 0), i);
		CU_ASSERT_EQUAL(look(7, &state), 0);
		CU_ASSERT(state.seq == i && state.value[0] == i * 10 && !state.deleted);
	}
	CU_ASSERT_EQUAL(write_key(7, 99, 1), 6);
	CU_ASSERT_EQUAL(look(7, &state), 0);
	CU_ASSERT(state.seq == 6 && state.deleted && state.value[0] == 99);
}

/* Entries of deleted keys are used again, those that were deleted first before others; numbers only rise. */
static void test_full_bucket(void)
{
	struct kv_state state;
	uint64_t last;

	fresh();
	for (uint64_t key = 0; key < KV_ENTRIES; key++)
		CU_ASSERT_EQUAL(write_key(key, key, 0), key + 1);
	CU_ASSERT_EQUAL(write_key(100, 0, 0), 0);
	write_key(4, 0, 1);
	last = write_key(3, 0, 1);
	CU_ASSERT_EQUAL(write_key(100, 55, 0), last + 1);
	kv_bucket_find(&group.bucket[1], 4, &state);
	CU_ASSERT_EQUAL(state.seq, 0);
	kv_bucket_find(&group.bucket[1], 3, &state);
	CU_ASSERT_EQUAL(state.seq, last);
	kv_bucket_find(&group.bucket[1], 100, &state);
	CU_ASSERT(state.seq == last + 1 && state.value[0] == 55);
	CU_ASSERT_EQUAL(write_key(3, 56, 0), last + 2);
	CU_ASSERT_EQUAL(write_key(101, 0, 0), 0);
}

/* before, with the first so many words that differ from after as they are there, in the order of the stores:
 * the sum goes first, and comes last. Returns how many differ. */
static unsigned mix_of(struct kv_version *v, const struct kv_version *before,
                       const struct kv_version *after, unsigned stores)
{
	const uint64_t *to = (const uint64_t *)after;
	uint64_t *is = (uint64_t *)v;
	const unsigned words = sizeof *v / 8, sum = words - 1;

	*v = *before;
	if (stores)
		is[sum] = 0;
	for (unsigned i = 0; i < sum && i + 1 < stores; i++)
		is[i] = to[i];
	if (stores > words)
		is[sum] = to[sum];
	return words + 1;
}

/* For the version that a write has changed: every state in which its writer may have died. */
static void dies_at_each_store(uint64_t key, int deleted)
{
	const struct kv_group before = group;
	struct kv_version *v = NULL, is, was;
	struct kv_state old, new, state;
	unsigned stores = 1;

	kv_bucket_find(&group.bucket[1], key, &old);
	CU_ASSERT_NOT_EQUAL_FATAL(write_key(key, 1000, deleted), 0);
	kv_bucket_find(&group.bucket[1], key, &new);
	for (int i = 0; i < KV_ENTRIES * 2; i++) {
		struct kv_version *to = &group.bucket[1].entry[i / 2].version[i % 2];

		if (memcmp(to, &before.bucket[1].entry[i / 2].version[i % 2], sizeof *to) == 0)
			continue;
		CU_ASSERT_PTR_NULL(v);
		v = to;
		was = before.bucket[1].entry[i / 2].version[i % 2];
	}
	CU_ASSERT_PTR_NOT_NULL_FATAL(v);
	is = *v;
	for (unsigned n = 0; n <= stores; n++) {
		stores = mix_of(v, &was, &is, n);
		/* Whoever looks meanwhile sees the old, or that he cannot know. */
		if (look(key, &state) == 0)
			CU_ASSERT(memcmp(&state, n == stores ? &new : &old, sizeof state) == 0);
		kv_group_repair(&group);
		CU_ASSERT_EQUAL(look(key, &state), 0);
		CU_ASSERT(memcmp(&state, n == stores ? &new : &old, sizeof state) == 0);
		CU_ASSERT_EQUAL(kv_group_repair(&group), 0);
		/* And the store goes on. */
		CU_ASSERT(write_key(key, 2000, 0) > old.seq);
		CU_ASSERT_EQUAL(look(key, &state), 0);
		CU_ASSERT_EQUAL(state.value[0], 2000);
		memcpy(&group, &before, sizeof group);
	}
	CU_ASSERT_EQUAL(stores, sizeof *v / 8 + 1);
}

static void test_half_writes(void)
{
	for (uint64_t writes = 0; writes < 4; writes++) {
		for (int deleted = 0; deleted < 2; deleted++) {
			fresh();
			write_key(9, 3, 0);
			for (uint64_t i = 0; i < writes; i++)
				write_key(5, i, i & 1);
			dies_at_each_store(5, deleted);
		}
	}
	/* An entry that was another key's. */
	fresh();
	for (uint64_t key = 10; key < 10 + KV_ENTRIES; key++)
		write_key(key, key, 0);
	write_key(12, 0, 1);
	dies_at_each_store(5, 0);
}

/* --- the comparison --- */

#define LOGS 3
static struct {
	struct kv_log_head head;
	struct kv_record record[16];
} file[LOGS];
static struct kv_log logs[LOGS];
static struct kv_verdict verdict;

static void no_answers(void)
{
	memset(file, 0, sizeof file);
	for (uint32_t i = 0; i < LOGS; i++) {
		file[i].head.rank = i;
		file[i].head.nodes = LOGS;
		file[i].head.room = 16;
		file[i].head.ended = 1;
		logs[i] = (struct kv_log){ .head = &file[i].head, .record = file[i].record };
	}
}

static void note(unsigned rank, enum kv_kind kind, enum kv_answer answer, uint64_t seq, uint64_t id,
                 uint64_t begin, uint64_t end)
{
	file[rank].record[file[rank].head.used++] = (struct kv_record){
		.begin_ns = begin, .end_ns = end, .key = 3, .seq = seq, .id = id, .kind = kind,
		.answer = answer };
}

#define GET KV_GET, KV_DONE
#define PUT KV_PUT, KV_DONE
#define DELETE KV_DELETE, KV_DONE
#define NOT_THERE KV_GET, KV_ABSENT
#define IS_LOST KV_GET, KV_LOST
#define ID(rank, number) kv_id(rank, 0, number)

static int kept; /* by two nodes */

static void expect(uint64_t wrong, unsigned n)
{
	CU_ASSERT_EQUAL_FATAL(kv_check(logs, n, kept, &verdict), 0);
	CU_ASSERT_EQUAL(verdict.wrong, wrong);
	if (verdict.wrong != wrong)
		printf("\n  %llu, not %llu: %s\n", (unsigned long long)verdict.wrong,
		       (unsigned long long)wrong, verdict.why);
}

static void is_right(void)
{
	expect(0, LOGS);
}

static void is_wrong(const char *why)
{
	expect(1, LOGS);
	CU_ASSERT_PTR_NOT_NULL(strstr(verdict.why, why));
	if (!strstr(verdict.why, why))
		printf("\n  no \"%s\" in %s\n", why, verdict.why);
	no_answers();
}

static void test_right_answers(void)
{
	no_answers();
	note(0, NOT_THERE, 0, 0, 1, 2);
	note(0, PUT, 1, ID(0, 1), 10, 20);
	note(1, GET, 1, ID(0, 1), 11, 12); /* while it is written */
	note(1, NOT_THERE, 0, 0, 9, 30);   /* before it was, perhaps */
	note(2, PUT, 2, ID(2, 1), 15, 40);
	note(1, GET, 1, ID(0, 1), 31, 39);
	note(0, GET, 2, ID(2, 1), 21, 45);
	note(2, DELETE, 3, ID(2, 2), 50, 60);
	note(0, NOT_THERE, 3, ID(2, 2), 55, 56);
	note(1, NOT_THERE, 0, 0, 61, 62);
	is_right();
	CU_ASSERT_EQUAL(verdict.operations, 10);
	CU_ASSERT_EQUAL(verdict.acknowledged, 3);
	note(2, PUT, 4, ID(2, 3), 70, 80);
	note(1, NOT_THERE, 0, 0, 81, 90);
	is_wrong("nobody has deleted it");
}

static void test_wrong_answers(void)
{
	no_answers();
	note(0, PUT, 1, ID(0, 1), 10, 20);
	note(1, GET, 1, ID(0, 2), 21, 22);
	is_wrong("another value");
	note(0, PUT, 1, ID(0, 1), 10, 20);
	note(1, GET, 2, ID(0, 2), 21, 22);
	is_wrong("nobody has written that");
	note(0, PUT, 1, ID(0, 1), 10, 20);
	note(1, PUT, 1, ID(1, 1), 10, 20);
	is_wrong("two writes");
	note(0, PUT, 1, ID(0, 1), 30, 40);
	note(1, GET, 1, ID(0, 1), 21, 22); /* before it was written */
	is_wrong("over before what is older began");
}

static void test_old_answers(void)
{
	no_answers();
	note(0, PUT, 1, ID(0, 1), 10, 20);
	note(0, PUT, 2, ID(0, 2), 30, 40);
	note(1, GET, 1, ID(0, 1), 35, 50);
	is_right();
	note(2, GET, 1, ID(0, 1), 41, 50); /* it fell back */
	is_wrong("over before what is older began");
	note(0, PUT, 1, ID(0, 1), 10, 20);
	note(0, PUT, 2, ID(0, 2), 30, 60);
	note(1, GET, 2, ID(0, 2), 31, 32);
	note(2, GET, 1, ID(0, 1), 33, 34); /* somebody has seen the new one */
	is_wrong("over before what is older began");
	note(0, PUT, 2, ID(0, 1), 10, 20);
	note(1, PUT, 1, ID(1, 1), 30, 40); /* an acknowledged write in the place of another */
	note(1, GET, 1, ID(1, 1), 30, 40);
	is_wrong("over before what is older began");
}

/* What rank 2 had begun when it died was done, or not. */
static void test_the_dead(void)
{
	no_answers();
	file[2].head.ended = 0;
	file[0].head.deaths = 1;
	note(0, PUT, 1, ID(0, 1), 10, 20);
	note(2, KV_PUT, KV_NONE, 0, ID(2, 1), 30, 0);
	note(0, GET, 1, ID(0, 1), 100, 110);
	is_right();
	note(0, GET, 2, ID(2, 1), 120, 130);
	is_right();
	CU_ASSERT_EQUAL(verdict.dead, 1);
	note(1, GET, 1, ID(0, 1), 140, 150);
	is_wrong("over before what is older began");
	file[2].head.ended = 0;
	file[0].head.deaths = 1;
	note(0, PUT, 1, ID(0, 1), 10, 20);
	note(2, KV_DELETE, KV_NONE, 0, ID(2, 1), 30, 0);
	note(1, NOT_THERE, 0, 0, 40, 50);
	is_right();
	note(2, KV_PUT, KV_NONE, 0, ID(2, 2), 60, 0);
	note(0, GET, 2, ID(2, 2), 40, 50); /* before it had begun */
	is_wrong("over before what is older began");
	/* The logs of one that is missing: what nobody knows of may be its. */
	note(0, PUT, 1, ID(0, 1), 10, 20);
	note(0, GET, 3, ID(2, 7), 21, 22);
	note(0, NOT_THERE, 0, 0, 30, 40);
	expect(0, 1);
	note(0, GET, 1, ID(0, 1), 50, 60);
	expect(1, 1);
}

/* Where two nodes held it, what a dead one was acknowledged is there, and nothing is lost. */
static void test_kept(void)
{
	no_answers();
	kept = 1;
	file[2].head.ended = 0;
	file[0].head.deaths = 1;
	note(2, PUT, 1, ID(2, 1), 10, 20);
	note(2, KV_PUT, KV_NONE, 0, ID(2, 2), 30, 0);
	note(0, GET, 1, ID(2, 1), 100, 110);
	is_right();
	note(1, NOT_THERE, 0, 0, 120, 130);
	is_wrong("nobody has deleted it");
	file[0].head.deaths = 1;
	note(2, PUT, 1, ID(2, 1), 10, 20);
	note(2, PUT, 2, ID(2, 2), 30, 40);
	note(0, GET, 1, ID(2, 1), 100, 110);
	is_wrong("over before what is older began");
	file[0].head.deaths = 1;
	note(2, PUT, 1, ID(2, 1), 10, 20);
	note(0, IS_LOST, 0, 0, 100, 110);
	is_wrong("two nodes held it");
	file[0].head.deaths = 1;
	note(2, PUT, 1, ID(2, 1), 10, 20);
	note(0, IS_LOST, 0, 0, 100, 110);
	kept = 0;
	is_right();
}

static void test_lost(void)
{
	no_answers();
	file[2].head.ended = 0;
	file[0].head.deaths = 1;
	note(2, PUT, 1, ID(2, 1), 10, 20);
	note(0, GET, 1, ID(2, 1), 30, 40);
	note(0, IS_LOST, 0, 0, 50, 60);
	note(0, KV_PUT, KV_LOST, 0, ID(0, 1), 70, 80);
	note(1, GET, 1, ID(2, 1), 55, 90); /* at another node, meanwhile */
	is_right();
	note(1, GET, 1, ID(2, 1), 61, 90);
	is_wrong("there again");
	note(0, IS_LOST, 0, 0, 50, 60);
	is_wrong("nobody has died");
}

/* Who is out has perhaps read what is old just before it knew; not longer before, and what it has written counts. */
static void test_who_is_out(void)
{
	const uint64_t second = 1000000000;

	for (int before = 0; before < 2; before++) {
		no_answers();
		file[0].head.deaths = 1;
		file[2].head.out_ns = 10 * second;
		note(0, PUT, 1, ID(0, 1), 10, 20);
		note(0, PUT, 2, ID(0, 2), 30, 40);
		note(2, GET, 1, ID(0, 1), (10 - (uint64_t)before * 2) * second - 20, (10 - (uint64_t)before * 2) * second - 10);
		note(2, KV_DELETE, KV_ABSENT, 0, 0, 10 * second - 20, 10 * second - 10);
		if (before)
			is_wrong("over before what is older began");
		else
			is_right();
	}
	file[2].head.out_ns = 10 * second;
	note(2, PUT, 1, ID(2, 1), 10 * second - 20, 10 * second - 10);
	note(0, GET, 1, ID(2, 2), 10 * second, 11 * second);
	is_wrong("another value");
}

int main(void)
{
	static const CU_TestInfo tests[] = {
		{ "what is written is there", test_what_is_written_is_there },
		{ "a full bucket", test_full_bucket },
		{ "writers that die at each store", test_half_writes },
		{ "right answers", test_right_answers },
		{ "wrong answers", test_wrong_answers },
		{ "answers that are old", test_old_answers },
		{ "what the dead had begun", test_the_dead },
		{ "what two nodes held", test_kept },
		{ "what is lost", test_lost },
		{ "who is out", test_who_is_out },
		CU_TEST_INFO_NULL,
	};

	return suite_run("kv", NULL, NULL, tests, 60);
}
