/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The threads that a node has for others: which there are, who waits for their end, and when nobody
 * needs to know of one any more. It starts no thread and sends nothing. Under the node's lock.
 *
 *	FREE -> ASKED -> RUNS -> OVER -> FREE
 *
 * OVER is a thread that has told what it leaves. It is forgotten when it has been joined, or was
 * detached, and when the system has it no more.
 */
#ifndef TABLE_H
#define TABLE_H

#include <pthread.h>
#include <stdint.h>

#define TABLE_MOST 32767

enum worker_state { WORKER_FREE, WORKER_ASKED, WORKER_RUNS, WORKER_OVER };

/* Who has asked for something: the slot of his request. */
struct asker {
	uint16_t node, slot;
};

struct worker {
	uint32_t turn; /* from one thread to the next of this place */
	uint8_t state;
	uint8_t detached, joined, has_joiner;
	uint8_t gone;   /* the system has it no more */
	struct asker joiner;
	uint64_t value; /* what it leaves, once it is OVER */
	struct worker *next; /* in a queue, or of those that are free */

	/* What it is to do, set when it is asked for; and whoever asked. */
	struct asker creator;
	uint64_t object, offset;
	uintptr_t base; /* with DSM_THREAD_SAME_ADDRESS, else 0 */
	void *arg;
	uint64_t stack_bytes;

	/* The thread's own, until it is OVER: */
	void *room;  /* whose table it is in */
	void *(*fn)(void *arg);
	pthread_t thread;
	void *result;
	int returned; /* result is what it leaves */
	int rounds;   /* of destructors */
};

struct worker_queue {
	struct worker *first, **last;
	unsigned n;
};

struct table {
	struct worker *place; /* room for most of them; NULL: nobody has asked yet */
	unsigned most, used;  /* so many were used ever */
	struct worker *free;
	unsigned living;      /* that the system has, or will have */
	uint64_t taken;       /* in all */
	uint16_t node;        /* whose it is */
};

/* most: TABLE_MOST, or fewer. */
void table_open(struct table *t, uint16_t node, unsigned most);
void table_close(struct table *t);

/* A place for a thread, which is ASKED then. NULL: none is left, or no memory. Also in a signal
 * handler. */
struct worker *table_take(struct table *t);
/* It could not be started. */
void table_drop(struct table *t, struct worker *w);
/* Its name for others; the one of that name, or NULL. */
uint64_t table_id(const struct table *t, const struct worker *w);
struct worker *table_find(const struct table *t, uint64_t id);

/* 0: it is over, and joined by this: *value. 1: who is told when it is. -ENOENT: it is detached;
 * -EBUSY: another one waits. */
int table_join(struct table *t, struct worker *w, struct asker who, uint64_t *value);
/* Who has waited does so no more. -ENOENT: he did not. */
int table_unjoin(struct worker *w, struct asker who);
/* 0; -ENOENT: it is; -EBUSY: somebody waits. */
int table_detach(struct table *t, struct worker *w);
/* It has told what it leaves: 1: to *joiner, who has joined it by that; 0: to nobody yet. */
int table_over(struct table *t, struct worker *w, uint64_t value, struct asker *joiner);
/* The system has it no more: of one that is OVER. */
void table_gone(struct table *t, struct worker *w);

void worker_queue_open(struct worker_queue *q);
void worker_queue_put(struct worker_queue *q, struct worker *w);
struct worker *worker_queue_get(struct worker_queue *q); /* NULL: it is empty */

#endif
