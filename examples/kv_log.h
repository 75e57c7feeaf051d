/* SPDX-License-Identifier: BSD-2-Clause */
/* What a node of kv.c has done, and what it was answered: in a file, which outlives a node that is killed, or
 * in memory of its own. Each thing is noted when it begins, and again when its answer is there. */
#ifndef EXAMPLES_KV_LOG_H
#define EXAMPLES_KV_LOG_H

#include <stdint.h>

enum kv_kind { KV_GET = 1, KV_PUT, KV_DELETE };

struct kv_record {
	uint64_t begin_ns, end_ns; /* of CLOCK_MONOTONIC; end 0: no answer was there */
	uint64_t key, seq;         /* seq: in the order of the bucket's writes; 0: not known */
	uint64_t id;               /* of the put or delete; of a get, that it has seen; or 0 */
	uint32_t kind, answer;     /* enum kv_kind, enum kv_answer */
};

/* At the front of a file. Atomic: what is told while others work. */
struct kv_log_head {
	char magic[8];
	uint32_t rank, nodes, deaths, ended; /* deaths: that it has seen; ended: in good order */
	uint64_t used, room;                 /* records */
	uint64_t out_ns;                     /* when it has learned that the others go on without it; or 0 */
};

struct kv_log {
	struct kv_log_head *head;
	struct kv_record *record;
	uint64_t bytes;
};

/* Who has put a value, and when: its number, counted from 1 on, of that thread of that rank. */
static inline uint64_t kv_id(int rank, int thread, uint64_t number)
{
	return (uint64_t)rank << 56 | (uint64_t)thread << 48 | number;
}
static inline uint32_t kv_id_rank(uint64_t id)
{
	return (uint32_t)(id >> 56);
}

/* In dir, or with NULL in memory. Ends the program when that fails. */
void kv_log_open(struct kv_log *log, const char *dir, int rank, int nodes, uint64_t room);
/* Those that are in dir. Returns how many; ends the program when there is none, or one is damaged. */
#define KV_LOGS_MAX 64
unsigned kv_log_load(struct kv_log log[KV_LOGS_MAX], const char *dir);
void kv_log_close(struct kv_log *log);

/* NULL: there is no more room. */
struct kv_record *kv_log_begin(struct kv_log *log, enum kv_kind kind, uint64_t key, uint64_t id);
void kv_log_end(struct kv_record *record, uint32_t answer, uint64_t seq, uint64_t id);
uint64_t kv_now_ns(void);

#endif
