/* SPDX-License-Identifier: BSD-2-Clause */
/* What kv.c and its clients share. */
#ifndef EXAMPLES_KV_CLIENT_H
#define EXAMPLES_KV_CLIENT_H

#include <pthread.h>
#include <stdint.h>

#include "kv_log.h"
#include "kv_store.h"

#define KV_THREADS_MAX 64

/* For a drill, in shared memory: some put is half done; and so many have read its page. */
struct kv_drill {
	uint32_t half_done, seen;
};

/* Its thread's alone, until that has ended. */
struct client {
	pthread_t thread;
	int number;
	uint64_t random, puts, operations, acknowledged, wrong, longest_ns;
	struct kv_state old; /* --wrong=stale */
};

/* As main has set it, but for what is atomic. */
struct kv_run {
	uint64_t operations, seconds, deaths, threads, keys, groups, seed, drill_rank;
	const char *log_dir, *check_dir, *wrong;
	int once, kept; /* --once, --kept */
	int rank, size;
	dsm_t *dsm;
	struct kv kv;
	struct kv_log log;
	struct kv_drill *drill; /* or NULL */
	int told;          /* atomic: of what the drill has half done */
	int alone;         /* atomic: of this node only who does the drill goes on */
	uint64_t ended;    /* atomic: clients */
	uint8_t *key_lost; /* atomic: what clients were answered */
	uint64_t end_ns;   /* atomic; 0: only after more deaths */
	int leaving;       /* atomic: no more views are looked for */
	struct client client[KV_THREADS_MAX];
};
extern struct kv_run run;

/* One thing: notes it, does it, checks the answer. KV_NONE: the log is full. */
enum kv_answer client_operate(struct client *c, enum kv_kind kind, uint64_t key);
/* A thread, of the struct client. */
void *client_work(void *arg);

#endif
