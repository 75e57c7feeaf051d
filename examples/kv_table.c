/* SPDX-License-Identifier: BSD-2-Clause */
/* The hash table of kv.c: versions, entries, buckets. */
#include "kv_table.h"

#include <string.h>

#ifndef ACQUIRE /* its test has one that lets others write before each load */
#define ACQUIRE(word) __atomic_load_n(&(word), __ATOMIC_ACQUIRE)
#endif
/* In the order of the program, towards all nodes. */
#define RELEASE(word, to) __atomic_store_n(&(word), (to), __ATOMIC_RELEASE)

uint64_t kv_mix(uint64_t x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9;
	x ^= x >> 27;
	x *= 0x94d049bb133111eb;
	return x ^ x >> 31;
}

/* --- a version --- */

static uint64_t sum_of(const struct kv_version *v)
{
	uint64_t sum = kv_mix(v->seq + 1) ^ v->key;

	sum = kv_mix(sum) ^ v->deleted;
	for (int i = 0; i < KV_VALUE; i++)
		sum = kv_mix(sum) ^ v->value[i];
	sum = kv_mix(sum);
	return sum ? sum : 1;
}

/* 1 if it is one; out is as it was at some moment meanwhile. */
static int version_load(const struct kv_version *v, struct kv_version *out)
{
	out->sum = ACQUIRE(v->sum);
	out->seq = ACQUIRE(v->seq);
	out->key = ACQUIRE(v->key);
	out->deleted = ACQUIRE(v->deleted);
	for (int i = 0; i < KV_VALUE; i++)
		out->value[i] = ACQUIRE(v->value[i]);
	return out->sum && ACQUIRE(v->sum) == out->sum && out->sum == sum_of(out);
}

static void version_begin(struct kv_version *v, const struct kv_version *to)
{
	RELEASE(v->sum, 0);
	RELEASE(v->seq, to->seq);
	RELEASE(v->key, to->key);
	RELEASE(v->deleted, to->deleted);
	for (int i = 0; i < KV_VALUE; i++)
		RELEASE(v->value[i], to->value[i]);
}

static void version_end(struct kv_version *v, const struct kv_version *to)
{
	RELEASE(v->sum, sum_of(to));
}

/* --- an entry --- */

/* Which of the two counts; -1: none. */
static int entry_load(const struct kv_entry *e, struct kv_version *out)
{
	struct kv_version v[2];
	const int has[2] = { version_load(&e->version[0], &v[0]),
		             version_load(&e->version[1], &v[1]) };
	const int which = has[0] && has[1] ? v[1].seq > v[0].seq : has[1];

	if (!has[which])
		return -1;
	*out = v[which];
	return which;
}

/* Nobody has ever finished writing here, but somebody has begun; or one was missed in between. */
static int entry_is_unclear(const struct kv_entry *e)
{
	return ACQUIRE(e->version[0].seq) || ACQUIRE(e->version[1].seq);
}

/* --- a bucket --- */

static void state_take(struct kv_state *state, const struct kv_version *v)
{
	state->seq = v->seq;
	state->deleted = v->deleted != 0;
	memcpy(state->value, v->value, sizeof state->value);
}

/* Of all versions; each write changes one. */
static void sums_load(const struct kv_bucket *bucket, uint64_t sums[2 * KV_ENTRIES])
{
	for (int i = 0; i < 2 * KV_ENTRIES; i++)
		sums[i] = ACQUIRE(bucket->entry[i / 2].version[i % 2].sum);
}

/* Entries are read one after the other, and others may write and write meanwhile: what was the newest in one
 * is old when the next is read. So the answer counts only if nothing has been written from the first to the last. */
int kv_bucket_look(const struct kv_group *group, int bucket, uint64_t key, struct kv_state *out)
{
	const struct kv_bucket *at = &group->bucket[bucket];
	const uint64_t repairs = ACQUIRE(group->repairs);
	uint64_t before[2 * KV_ENTRIES], after[2 * KV_ENTRIES];
	struct kv_state state = { 0 };

	sums_load(at, before);
	for (int i = 0; i < KV_ENTRIES; i++) {
		const struct kv_entry *e = &at->entry[i];
		struct kv_version v;

		if (entry_load(e, &v) < 0) {
			if (entry_is_unclear(e))
				return -1;
		} else if (v.key == key && v.seq > state.seq) {
			state_take(&state, &v);
		}
	}
	sums_load(at, after);
	if (memcmp(before, after, sizeof before) || ACQUIRE(group->repairs) != repairs)
		return -1;
	*out = state;
	return 0;
}

void kv_bucket_find(const struct kv_bucket *bucket, uint64_t key, struct kv_state *out)
{
	struct kv_version v;

	*out = (struct kv_state){ 0 };
	for (int i = 0; i < KV_ENTRIES; i++)
		if (entry_load(&bucket->entry[i], &v) >= 0 && v.key == key)
			state_take(out, &v);
}

/* Where the key is, or one that has never been used, or that of the key that was deleted first. Returns
 * which of its versions is to be written; -1: there is none. */
static int place_for(struct kv_bucket *bucket, uint64_t key, struct kv_entry **place, uint64_t *seq)
{
	int best = 0, which = -1; /* best: 1 deleted, 2 never used, 3 the key's */
	uint64_t oldest = UINT64_MAX;

	*seq = 1;
	for (int i = 0; i < KV_ENTRIES; i++) {
		struct kv_entry *e = &bucket->entry[i];
		struct kv_version v;
		const int is = entry_load(e, &v);
		const int good = is < 0 ? 2 : v.key == key ? 3 : v.deleted ? 1 : 0;

		if (is >= 0 && v.seq >= *seq)
			*seq = v.seq + 1;
		if (good < best || !good || (good == best && (good != 1 || v.seq > oldest)))
			continue;
		best = good;
		oldest = good == 1 ? v.seq : UINT64_MAX;
		*place = e;
		which = is < 0 ? 0 : !is;
	}
	return which;
}

/* Returns the version that is written but for its sum, which is that of to. */
static struct kv_version *write_begin(struct kv_bucket *bucket, uint64_t key,
                                      const uint64_t value[KV_VALUE], int deleted,
                                      struct kv_version *to)
{
	struct kv_entry *place;
	uint64_t seq;
	const int which = place_for(bucket, key, &place, &seq);

	if (which < 0)
		return NULL;
	*to = (struct kv_version){ .seq = seq, .key = key, .deleted = (uint64_t)deleted };
	memcpy(to->value, value, sizeof to->value);
	version_begin(&place->version[which], to);
	return &place->version[which];
}

uint64_t kv_bucket_write(struct kv_bucket *bucket, uint64_t key, const uint64_t value[KV_VALUE],
                         int deleted)
{
	struct kv_version to, *v = write_begin(bucket, key, value, deleted, &to);

	if (!v)
		return 0;
	version_end(v, &to);
	return to.seq;
}

void kv_bucket_half_write(struct kv_bucket *bucket, uint64_t key, const uint64_t value[KV_VALUE])
{
	struct kv_version to;

	write_begin(bucket, key, value, 0, &to);
}

unsigned kv_group_repair(struct kv_group *group)
{
	unsigned cleared = 0;

	RELEASE(group->repairs, group->repairs + 1);
	for (int b = 0; b < KV_BUCKETS; b++) {
		for (int i = 0; i < 2 * KV_ENTRIES; i++) {
			struct kv_version *v = &group->bucket[b].entry[i / 2].version[i % 2], is;

			if (version_load(v, &is) || !(is.seq || is.sum))
				continue;
			RELEASE(v->sum, 0);
			RELEASE(v->seq, 0);
			cleared++;
		}
	}
	RELEASE(group->repairs, group->repairs + 1);
	return cleared;
}
