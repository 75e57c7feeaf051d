/* SPDX-License-Identifier: BSD-2-Clause */
/* The queue of events to come: a 4-ary heap on (time, order of insertion). */
#ifndef SIM_HEAP_H
#define SIM_HEAP_H

#include <stdint.h>

struct heap_item {
	uint64_t time;
	uint32_t seq; /* equal times leave in the order they came; wraps */
	uint32_t ref; /* the caller's */
};

struct heap {
	struct heap_item *items;
	uint32_t len, cap, seq;
};

void heap_push(struct heap *h, uint64_t time, uint32_t ref);
/* The earliest; the heap is not empty. */
struct heap_item heap_pop(struct heap *h);
void heap_free(struct heap *h);

#endif
