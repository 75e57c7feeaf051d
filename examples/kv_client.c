/* SPDX-License-Identifier: BSD-2-Clause */
/* The clients of kv.c: threads that put, get and delete, and check what they are answered. */
#include "kv_client.h"

#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "common.h"

#define DRILL_AFTER 100 /* operations */
#define DRILL_MS 10000

/* --- a client --- */

/* xorshift64* */
static uint64_t draw(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1du;
}

/* All of it follows from who puts it, and the key. */
static void value_of(uint64_t key, uint64_t id, uint64_t value[KV_VALUE])
{
	value[0] = id;
	for (int i = 1; i < KV_VALUE; i++)
		value[i] = kv_mix(value[i - 1] ^ kv_mix(key + 1));
}

static void check_value(struct client *c, uint64_t key, const uint64_t is[KV_VALUE])
{
	uint64_t value[KV_VALUE];

	value_of(key, is[0], value);
	if (memcmp(value, is, sizeof value) == 0)
		return;
	if (c->wrong++ == 0)
		fprintf(stderr, "kv: node %d: WRONG: key %" PRIu64 " holds what nobody has put: %#" PRIx64 "\n",
		        run.rank, key, is[0]);
}

/* Gives a wrong answer, as asked for, to see it found. */
static void spoil(struct client *c, uint64_t key, struct kv_state *state)
{
	if (!run.wrong || key != 0)
		return;
	if (!strcmp(run.wrong, "value") && c->operations % 10 == 0)
		state->value[1] ^= 1;
	if (!strcmp(run.wrong, "stale")) {
		if (c->old.seq && !c->old.deleted && !state->deleted)
			*state = c->old;
		else
			c->old = *state;
	}
}

enum kv_answer client_operate(struct client *c, enum kv_kind kind, uint64_t key)
{
	struct kv_state state = { 0 };
	uint64_t value[KV_VALUE], id = 0;
	struct kv_record *record;
	enum kv_answer answer;

	if (kind != KV_GET)
		id = kv_id(run.rank, c->number, ++c->puts);
	record = kv_log_begin(&run.log, kind, key, id);
	if (!record)
		return KV_NONE;
	value_of(key, id, value);
	if (kind == KV_GET) {
		answer = kv_get(&run.kv, key, &state);
		spoil(c, key, &state);
	} else if (kind == KV_PUT) {
		answer = kv_put(&run.kv, key, value, &state.seq);
		memcpy(state.value, value, sizeof value);
	} else {
		answer = kv_delete(&run.kv, key, value, &state);
	}
	if (answer == KV_OUT)
		return answer;
	if (state.seq)
		check_value(c, key, state.value);
	kv_log_end(record, answer, state.seq, answer == KV_DONE || answer == KV_ABSENT ? state.value[0] : id);
	c->operations++;
	c->acknowledged += kind != KV_GET && answer == KV_DONE;
	if (record->end_ns - record->begin_ns > c->longest_ns)
		c->longest_ns = record->end_ns - record->begin_ns;
	return answer;
}

/* The lower the more often. What is known to be lost costs nothing, and is seldom asked for. */
static uint64_t choose(struct client *c)
{
	uint64_t key = 0;

	for (int i = 0; i < 64; i++) {
		key = draw(&c->random) % (1 + draw(&c->random) % run.keys);
		if (!__atomic_load_n(&run.key_lost[key], __ATOMIC_RELAXED))
			break;
	}
	return key;
}

/* --- the drill --- */

/* Dies while it writes key 0, when another node has the page as it is then: so it is not lost. Nobody else of
 * this node takes it back meanwhile. */
static void die_by_half(struct client *c)
{
	const uint64_t end = kv_now_ns() + DRILL_MS * UINT64_C(1000000);
	const uint64_t id = kv_id(run.rank, c->number, ++c->puts);
	uint64_t value[KV_VALUE];
	uint32_t seen = 0;

	__atomic_store_n(&run.alone, 1, __ATOMIC_RELAXED);
	while (__atomic_load_n(&run.ended, __ATOMIC_ACQUIRE) < run.threads - 1 && kv_now_ns() < end)
		sched_yield();
	value_of(0, id, value);
	if (client_operate(c, KV_PUT, 0) != KV_DONE || !kv_log_begin(&run.log, KV_PUT, 0, id) ||
	    kv_half_put(&run.kv, 0, value) != KV_DONE)
		return;
	ex_must(dsm_fetch_add32(run.dsm, &run.drill->half_done, 1, NULL), "dsm_fetch_add32");
	while (!seen && kv_now_ns() < end)
		ex_must(dsm_fetch_add32(run.dsm, &run.drill->seen, 0, &seen), "dsm_fetch_add32");
	raise(SIGKILL);
}

static void look_at_half(struct client *c)
{
	uint32_t half_done = 0;

	if (__atomic_load_n(&run.told, __ATOMIC_RELAXED) ||
	    dsm_fetch_add32(run.dsm, &run.drill->half_done, 0, &half_done) || !half_done)
		return;
	if (client_operate(c, KV_GET, 0) != KV_OUT)
		dsm_fetch_add32(run.dsm, &run.drill->seen, 1, NULL);
	__atomic_store_n(&run.told, 1, __ATOMIC_RELAXED);
}

static void drill(struct client *c)
{
	if (!run.drill)
		return;
	if ((uint64_t)run.rank != run.drill_rank)
		look_at_half(c);
	else if (c->number == 0 && c->operations >= DRILL_AFTER)
		die_by_half(c);
}

/* --- */

static int is_over(const struct client *c)
{
	const uint64_t end_ns = __atomic_load_n(&run.end_ns, __ATOMIC_RELAXED);

	if (c->number != 0 && __atomic_load_n(&run.alone, __ATOMIC_RELAXED))
		return 1;
	return end_ns && kv_now_ns() >= end_ns;
}

void *client_work(void *arg)
{
	struct client *c = arg;
	enum kv_answer answer = KV_DONE;

	for (uint64_t i = 0; i < run.operations && !is_over(c); i++) {
		const uint64_t key = choose(c), what = draw(&c->random) % 10;

		answer = client_operate(c, what < 6 ? KV_GET : what < 9 ? KV_PUT : KV_DELETE, key);
		if (answer == KV_OUT || answer == KV_NONE)
			break;
		if (answer == KV_LOST)
			__atomic_store_n(&run.key_lost[key], 1, __ATOMIC_RELAXED);
		drill(c);
	}
	__atomic_fetch_add(&run.ended, 1, __ATOMIC_RELEASE);
	return NULL;
}
