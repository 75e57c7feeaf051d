/* SPDX-License-Identifier: BSD-2-Clause */
/* A 4-ary heap: shallower than a binary one, and a node's children share a cache line. */
#include "tests/sim/heap.h"

#include <stdlib.h>

#include "tests/sim/sim.h"

static int before(const struct heap_item *a, const struct heap_item *b)
{
	return a->time != b->time ? a->time < b->time : (int32_t)(a->seq - b->seq) < 0;
}

void heap_push(struct heap *h, uint64_t time, uint32_t ref)
{
	struct heap_item item = { .time = time, .seq = h->seq++, .ref = ref };
	uint32_t i = h->len++;

	if (h->len > h->cap) {
		h->cap = h->cap ? 2 * h->cap : 1024;
		h->items = sim_realloc(h->items, h->cap * sizeof *h->items);
	}
	while (i > 0) {
		uint32_t parent = (i - 1) / 4;
		if (!before(&item, &h->items[parent]))
			break;
		h->items[i] = h->items[parent];
		i = parent;
	}
	h->items[i] = item;
}

struct heap_item heap_pop(struct heap *h)
{
	struct heap_item top = h->items[0], last = h->items[--h->len];
	uint32_t i = 0;

	for (;;) {
		uint32_t child = 4 * i + 1, end = child + 4 < h->len ? child + 4 : h->len;
		uint32_t least = child;
		if (child >= h->len)
			break;
		for (uint32_t k = child + 1; k < end; k++)
			if (before(&h->items[k], &h->items[least]))
				least = k;
		if (!before(&h->items[least], &last))
			break;
		h->items[i] = h->items[least];
		i = least;
	}
	h->items[i] = last;
	return top;
}

void heap_free(struct heap *h)
{
	free(h->items);
	*h = (struct heap){ 0 };
}
