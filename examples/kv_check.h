/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether the answers of a store could have come from one memory: each get, put and delete took effect at
 * one moment between its beginning and its end. As each write of a key bears its number in their order,
 * that is found out by sorting. What a dead node had begun it may have done, or not.
 *
 * Times are compared: the logs are of nodes on one machine. Where logs are missing, writes are taken for
 * theirs that nobody else knows of.
 */
#ifndef EXAMPLES_KV_CHECK_H
#define EXAMPLES_KV_CHECK_H

#include "kv_log.h"

#define KV_WHY_MAX 256

struct kv_verdict {
	uint64_t operations, acknowledged, lost; /* lost: so many answers were that something is */
	uint64_t wrong;        /* answers */
	unsigned logs, dead;   /* dead: whose node has not ended by itself */
	char why[KV_WHY_MAX];  /* of the first wrong one */
};

/* kept: two nodes held the store, and one died at a time: an answer that something is lost is wrong. What was
 * acknowledged is there in any case, or lost. 0; -ENOMEM. */
int kv_check(const struct kv_log *log, unsigned logs, int kept, struct kv_verdict *out);

#endif
