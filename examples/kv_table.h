/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hash table of kv.c as it lies in memory. A group of buckets fills a page, with the mutex that guards
 * it: so they are lost together, or not at all. Nothing here calls libdsm.
 *
 * An entry has room for two versions of what it holds. Whoever writes, with the mutex, never touches the one
 * that counts: it takes the other one's sum away, fills it, and gives it a sum. A page that is taken away from
 * a node holds all that the node has stored until then, in its order: so if the writer dies, whoever gets
 * the page finds the new version whole, or without a sum, and the one before beside it. Readers need no mutex.
 *
 * Sequence numbers only rise within a bucket: they are the order in which its keys were written.
 */
#ifndef EXAMPLES_KV_TABLE_H
#define EXAMPLES_KV_TABLE_H

#include <dsm_sync.h>
#include <stdint.h>

#define KV_VALUE 3   /* words of a value */
#define KV_ENTRIES 9 /* of a bucket */
#define KV_BUCKETS 4 /* of a group */

struct kv_version {
	uint64_t seq, key, deleted, value[KV_VALUE], sum; /* sum 0: this is none, or not yet */
};

struct kv_entry {
	struct kv_version version[2];
};

struct kv_bucket {
	struct kv_entry entry[KV_ENTRIES];
};

struct kv_group {
	struct dsm_sync_mutex mutex;
	uint64_t repairs, unused[5];
	struct kv_bucket bucket[KV_BUCKETS];
};
_Static_assert(sizeof(struct kv_group) == 4096, "a page of libdsm's");

/* What is known of a key: nothing, with seq 0, or what was last written. Of one that was deleted value tells
 * by what. */
struct kv_state {
	uint64_t seq, value[KV_VALUE];
	int deleted;
};

/* Looks without the mutex: -1 when somebody writes meanwhile, or has died while he did. */
int kv_bucket_look(const struct kv_group *group, int bucket, uint64_t key, struct kv_state *out);

/* With the mutex, after kv_group_repair if it is needed. */
void kv_bucket_find(const struct kv_bucket *bucket, uint64_t key, struct kv_state *out);
/* Writes the key anew, or that it is deleted. Returns its sequence number; 0: there is no room. */
uint64_t kv_bucket_write(struct kv_bucket *bucket, uint64_t key, const uint64_t value[KV_VALUE],
                         int deleted);
/* The same, but for its end: as somebody leaves it who dies meanwhile. */
void kv_bucket_half_write(struct kv_bucket *bucket, uint64_t key, const uint64_t value[KV_VALUE]);
/* Clears what somebody has written by half: so many versions. */
unsigned kv_group_repair(struct kv_group *group);

uint64_t kv_mix(uint64_t x);

#endif
