/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of the test of dsm_sync.h share. */
#ifndef OBJECTS_H
#define OBJECTS_H

#include "dsm/dsm_sync.h"
#include "tests/system/node.h"

#define PAGE 4096
#define THREADS 2 /* of each node, mostly */
#define RING 64
#define LINED 20 /* threads of node 0 that stand in line: more than get it from each other */

struct shared {
	/* each on a page of its own */
	_Alignas(PAGE) struct dsm_sync_mutex mutex;
	uint64_t count;                    /* beside it */
	_Alignas(PAGE) uint64_t far_count; /* on another page */
	_Alignas(PAGE) struct dsm_sync_mutex checked, recursive;
	_Alignas(PAGE) struct dsm_sync_rwlock rw;
	uint64_t first, second; /* the same, for readers */
	uint32_t readers;
	_Alignas(PAGE) struct dsm_sync_sem sem, none;
	uint32_t inside;
	_Alignas(PAGE) struct dsm_sync_barrier barrier;
	uint32_t came;
	uint32_t last;
	_Alignas(PAGE) struct dsm_sync_once once;
	uint32_t called;
	_Alignas(PAGE) struct ring {
		struct dsm_sync_mutex mutex;
		struct dsm_sync_cond has_room, has_items;
		uint64_t put, taken, sum;
		uint64_t item[RING];
	} ring;
	_Alignas(PAGE) struct dsm_sync_mutex line;
	uint32_t beside;
	uint32_t n_served;
	int32_t served[LINED + 64]; /* nodes, in the order in which they got it */
	uint64_t sent[LINED + 64];  /* messages of that node until then */
};

extern struct shared *shared;
extern uint32_t times; /* what each thread does so often */

/* fn in THREADS threads of this node, with their numbers among all nodes'; then a barrier. */
void in_threads(void (*fn)(unsigned n));

/* objects_line.c */
void line(void); /* the order in which a mutex goes, and what it costs */
/* objects_alone.c: one node after the other */
void codes(void); /* what calls return */
void many(void);  /* a million */

#endif
