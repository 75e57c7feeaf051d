/* SPDX-License-Identifier: BSD-2-Clause */
/* A key-value store in the shared memory of a job that goes on when nodes die: the table of kv_table.h, its
 * mutexes, and what becomes of both when a node dies. All calls are for any thread. */
#ifndef EXAMPLES_KV_STORE_H
#define EXAMPLES_KV_STORE_H

#include <dsm.h>
#include <stdint.h>

#include "kv_table.h"

enum kv_answer {
	KV_NONE,   /* none came: the node died first */
	KV_DONE,   /* it was there; or is written */
	KV_ABSENT, /* there is no such key */
	KV_LOST,   /* its bucket was lost with a node; what was written, perhaps too */
	KV_FULL,   /* its bucket is full, and nothing is written */
	KV_OUT,    /* this node is out: the others go on without it */
};

struct kv {
	dsm_t *dsm;
	unsigned flags; /* of dsm_alloc: with DSM_KEEP2 no single death loses anything; with 0 what a node alone
	                 * has is lost with it, and answered so */
	uint64_t groups;
	struct kv_group *group; /* shared */
	uint8_t *lost;          /* by group: known to be lost; atomic */
	uint64_t lost_groups, repaired, orphans; /* atomic; versions cleared, mutexes whose owners had died */
	int out;                /* atomic: this node is out */
};

/* Before dsm_init: a lost page is SIGBUS. */
void kv_catch(void);
/* Rank 0 allocates, and each node touches its part: what nobody has touched is lost with its home. Blocks. */
void kv_open(struct kv *kv, dsm_t *dsm, uint64_t groups, unsigned flags);

/* state is set for KV_DONE, and for KV_ABSENT to what is known of the key. */
enum kv_answer kv_get(struct kv *kv, uint64_t key, struct kv_state *state);
/* *seq is set for KV_DONE. */
enum kv_answer kv_put(struct kv *kv, uint64_t key, const uint64_t value[KV_VALUE], uint64_t *seq);
/* value says who deletes it. state is set as by kv_get, but to the new one for KV_DONE. */
enum kv_answer kv_delete(struct kv *kv, uint64_t key, const uint64_t value[KV_VALUE],
                         struct kv_state *state);

/* After each view: notes what is lost, and repairs this node's share of what the dead had locked. When it returns
 * the next death loses nothing either, of memory that two nodes hold. -1: this node is out. */
int kv_after_view(struct kv *kv);
uint64_t kv_lost_buckets(const struct kv *kv);

/* For a drill: takes the key's mutex and writes it by half. */
enum kv_answer kv_half_put(struct kv *kv, uint64_t key, const uint64_t value[KV_VALUE]);

#endif
