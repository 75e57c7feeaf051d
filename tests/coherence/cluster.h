/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A few real cores joined by queues that a test empties by hand: nothing happens
 * unless a verb says so. Every frame holds one number; after each event the fixture
 * checks SWMR, that whoever may read a page sees its last value, and that a refused
 * event changed nothing. The first thing found wrong stays in cluster_error().
 *
 * Every event adds a line to the transcript, "who what: effects":
 *     1 reads 0: GetS>0            node 1 misses page 0 and asks node 0
 *     0 GetS<1: page 0>1           node 0 takes it and writes the page to node 1
 *     1 landed 0: 0=READ wake Done>0
 */
#ifndef CLUSTER_H
#define CLUSTER_H

#include "coherence/coh.h"

#define CLUSTER_NODES 8
#define CLUSTER_PAGES 8
#define CLUSTER_QUEUE 1024
#define CLUSTER_THREADS 16
#define CLUSTER_CALLS 2048

struct cluster_frame {
	uint64_t value;
	uint8_t access;
	uint8_t drop; /* to be given back when nothing reads it any more */
	uint8_t pins;
};

/* A thread blocked in an access; it tries again when its page is woken. */
struct cluster_thread {
	uint8_t busy, write, retry;
	uint16_t n; /* of a read: pages to ask for, 0: this one */
	uint32_t page;
	uint64_t value;
};

struct cluster_call {
	uint8_t done;
	int status;
	uint64_t result;
	uint16_t n;
};

struct cluster_node {
	struct coh *coh, *before;
	struct coh_effects fx;
	struct cluster_frame frame[CLUSTER_PAGES];
	struct cluster_thread thread[CLUSTER_THREADS];
	struct cluster_call call[CLUSTER_CALLS]; /* by cookie */
	uint8_t timer[CLUSTER_PAGES];            /* by slot: armed */
	struct coh_event compared[CLUSTER_PAGES];
	unsigned n_compared;
};

struct cluster_queue {
	struct {
		uint8_t bytes[128];
		size_t len;
	} msg[CLUSTER_QUEUE];
	unsigned head, len;
};

struct cluster_move {
	coh_node from, to;
	uint16_t n;
	uint32_t page, tag;
};

struct cluster {
	struct coh_config cfg;
	struct cluster_node node[CLUSTER_NODES];
	struct cluster_queue queue[CLUSTER_NODES][CLUSTER_NODES];
	struct cluster_move move[CLUSTER_QUEUE];
	unsigned moves, cookies;
	uint64_t truth[CLUSTER_PAGES]; /* the last value written */
	char text[1 << 16];            /* the transcript since the last cluster_expect() */
	size_t text_len;
	char error[256];
	uint8_t row_taken[COH_ROWS_MAX];
};

/* Pages go to homes in turn; block_pages of them at a time. self is ignored. */
struct cluster *cluster_new(const struct coh_config *config);
void cluster_free(struct cluster *c);
/* A configuration of ordinary size, to be changed before cluster_new(). */
struct coh_config cluster_config(coh_node nodes, unsigned pages);

/* --- what a node's threads do. Accesses return 1 when they are done at once, 0 when
 * the thread is blocked, negative when the core had no room for the fault. --- */
int cluster_read(struct cluster *c, coh_node node, uint32_t page);
/* A read that asks for n pages. */
int cluster_read_run(struct cluster *c, coh_node node, uint32_t page, uint16_t n);
int cluster_write(struct cluster *c, coh_node node, uint32_t page);
int cluster_evict(struct cluster *c, coh_node node, uint32_t page);
int cluster_prefetch(struct cluster *c, coh_node node, uint32_t page, uint16_t n);
/* Calls that complete later return a cookie for cluster_call_at(), or a negative code. */
int cluster_add(struct cluster *c, coh_node node, uint32_t page, uint64_t operand);
int cluster_discard(struct cluster *c, coh_node node, uint32_t page, uint16_t n);
/* The page's value is the word, whatever the offset is. */
int cluster_wait(struct cluster *c, coh_node node, uint32_t page, uint32_t offset,
                 uint32_t expected);
int cluster_wake(struct cluster *c, coh_node node, uint32_t page, uint32_t offset, uint32_t count);
int cluster_cancel(struct cluster *c, coh_node node, int wait);
int cluster_lock(struct cluster *c, coh_node node, coh_node home, uint32_t mutex, uint32_t thread);
int cluster_trylock(struct cluster *c, coh_node node, coh_node home, uint32_t mutex,
                    uint32_t thread);
int cluster_unlock(struct cluster *c, coh_node node, coh_node home, uint32_t mutex,
                   uint32_t thread);
int cluster_cond_wait(struct cluster *c, coh_node node, coh_node home, uint32_t cond,
                      uint32_t mutex, uint32_t thread);
int cluster_cond_signal(struct cluster *c, coh_node node, coh_node home, uint32_t cond, int all);
int cluster_mutex_create(struct cluster *c, coh_node home); /* its index */
int cluster_cond_create(struct cluster *c, coh_node node, coh_node home, uint32_t mutex);
int cluster_destroy(struct cluster *c, coh_node node, coh_node home, uint32_t object, int kind);
int cluster_barrier(struct cluster *c, coh_node node);
/* NULL while it is under way. */
const struct cluster_call *cluster_call_at(struct cluster *c, coh_node node, int cookie);

/* --- what the network and the clock do; each returns what the step returned --- */
int cluster_deliver(struct cluster *c, coh_node from, coh_node to); /* the oldest message */
int cluster_land(struct cluster *c, coh_node from, coh_node to);    /* the oldest page write */
int cluster_timer(struct cluster *c, coh_node node, unsigned slot);
/* Everything there is until nothing is under way. Returns 0, or -1 when it never ends. */
int cluster_run(struct cluster *c);
/* A message or tag that the protocol does not send now. */
int cluster_forge(struct cluster *c, coh_node from, coh_node to, const struct coh_msg *msg);
int cluster_forge_landed(struct cluster *c, coh_node to, uint32_t tag);

/* --- looking --- */
unsigned cluster_queued(const struct cluster *c, coh_node from, coh_node to);
int cluster_is_blocked(const struct cluster *c, coh_node node, uint32_t page);
struct coh_page_info cluster_info(const struct cluster *c, coh_node node, uint32_t page);
/* Nothing under way, nobody blocked, every core quiet. */
int cluster_is_quiet(const struct cluster *c);
/* 1 when the transcript is this text, which it then forgets; else prints both. */
int cluster_expect(struct cluster *c, const char *text);
void cluster_forget(struct cluster *c);             /* the transcript so far */
const char *cluster_error(const struct cluster *c); /* NULL: nothing was found wrong */

/* --- between cluster.c and cluster_verbs.c --- */
void cluster_say(struct cluster *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
void cluster_wrong(struct cluster *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
int cluster_step(struct cluster *c, coh_node node, const struct coh_event *ev);
int cluster_fault(struct cluster *c, coh_node node, struct cluster_thread *t);
void cluster_frame_drop(struct cluster *c, coh_node node, uint64_t page);

#endif
