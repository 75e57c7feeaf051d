/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside the memory backend.
 *
 *	mem.c         the ops table: open, addresses, memory, sleeping, close
 *	mem_move.c    messages and page writes on their way
 *	mem_fabric.c  what joins the nodes, and their deaths
 *
 * What a node has to be told waits at the fabric: per pair of nodes a ring of
 * messages, and per node two lists of page writes, those that come in and those
 * that go out. A page write copies its bytes at one random tick and is announced at
 * either end at later ones, so that a caller that looks at its landing or changes
 * the source too early is found out.
 */
#ifndef TR_MEM_IMPL_H
#define TR_MEM_IMPL_H

#include <pthread.h>

#include "transport/mem.h"
#include "transport/transport.h"

#define MEM_BATCH 64 /* messages handed out by one poll */

struct mem_msg {
	uint64_t due;
	uint16_t len;
	uint8_t data[TR_MSG_MAX];
};

/* Messages of one sender to one receiver; the receiver owns it. */
struct mem_ring {
	struct mem_msg *slot;
	unsigned cap, head, count;
	uint64_t last_due;
};

/* One page write. It comes from the writer's pool, and is in the list of incoming
 * writes of the target until it landed and in that of outgoing ones of the writer
 * until it is written; then it goes back to the pool. */
struct mem_write {
	struct mem_write *next; /* free */
	struct mem_write *in_next, *in_prev, *out_next, *out_prev;
	struct mem_node *from, *to; /* to is NULL once it left the incoming list */
	uint8_t copied, landed, written;
	uint32_t tag;
	size_t len;
	const void *src;
	uint64_t address, key, cookie;
	uint64_t copy_due, land_due, written_due;
};

struct tr_mem {
	struct tr_mem *next;
	struct mem_node *node;
	uint8_t *base;
	size_t len;
	uint64_t key;
};

struct mem_node {
	struct tr tr; /* first: what the caller has */
	struct mem_fabric *fabric;
	uint16_t self;
	uint8_t dead;
	uint8_t armed; /* the caller sleeps or is about to: write to event_fd */
	int event_fd;
	unsigned sends_max, writes_max;
	unsigned unwritten; /* writes whose TR_EV_WRITTEN was not given */
	struct mem_ring *ring; /* by sender */
	struct mem_msg out[MEM_BATCH];
	struct mem_write *pool, *free, *incoming, *outgoing;
	uint8_t *error; /* by peer: TR_EV_ERROR is due */
	unsigned errors;
	uint8_t *cut; /* by peer: it is none any more */
	struct tr_mem *mem;
	struct tr_stats stats;
};

/* lock guards the fabric and all its nodes. */
struct mem_fabric {
	pthread_mutex_t lock;
	uint64_t tick, random, next_key, in_flight;
	unsigned delay_max;
	uint16_t nodes;
	struct mem_node **node; /* NULL before open and after close */
};

static inline struct mem_node *mem_node_of(const struct tr *tr)
{
	return (struct mem_node *)(uintptr_t)tr;
}

/* mem_fabric.c; all with the fabric's lock held */
uint64_t mem_random(struct mem_fabric *fabric);
/* A random tick from this one on. */
uint64_t mem_later(struct mem_fabric *fabric, uint64_t than);
void mem_wake(struct mem_node *node);
/* Peer's TR_EV_ERROR is due at node. */
void mem_error(struct mem_node *node, uint16_t peer);
void mem_write_leave_incoming(struct mem_write *write);
void mem_write_free(struct mem_write *write);
/* Drops the writes of node and those to it; their writers get an error. */
void mem_drop_writes(struct mem_node *node);
/* The same of those of node to a peer that is cut; nobody gets one. */
void mem_drop_writes_to(struct mem_node *node, const struct mem_node *peer);
void mem_drop_messages(struct mem_ring *ring, struct mem_fabric *fabric);

/* mem_move.c */
int mem_send(struct tr *tr, uint16_t peer, const void *buf, size_t len);
int mem_write(struct tr *tr, uint16_t peer, const struct tr_mem *mem, const void *src, size_t len,
              const uint8_t landing[TR_LANDING_SIZE], uint32_t tag, uint64_t cookie);
int mem_poll(struct tr *tr, struct tr_event *events, int max);

#endif
