/* SPDX-License-Identifier: BSD-2-Clause */
/* The heap's life, and what it is to others. */
#include "dsm/heap/services.h"

#include <errno.h>
#include <stdlib.h>

static const struct node_services services = {
	.request = heap_keep,
	.response = heap_response,
	.serve = heap_serve_kept,
};

int heap_open(struct dsm *d)
{
	d->heap = calloc(1, sizeof *d->heap);
	if (!d->heap)
		return -ENOMEM;
	d->services = &services;
	return d->engine.cfg.self == 0 ? heap_serve_open(d) : 0;
}

void heap_close(struct dsm *d)
{
	if (d->heap)
		heap_serve_close(d->heap);
	free(d->heap);
	d->heap = NULL;
}

struct telling {
	struct dsm *d;
	void (*fn)(void *ctx, const char *name, uint64_t address, uint64_t bytes);
	void *ctx;
};

static void on_name(void *ctx, const char *name, uint64_t offset)
{
	struct telling *t = ctx;
	const struct region *region = &t->d->memory.region;
	const uintptr_t address = (uintptr_t)region->window + offset;
	uint64_t bytes = 0;

	for (int kind = 0; kind < REGION_ZONES; kind++) {
		const uint64_t at = address - (uintptr_t)region->zone[kind].window;

		if (t->d->heap->alloc[kind] && !bytes)
			bytes = alloc_size(t->d->heap->alloc[kind], at);
	}
	t->fn(t->ctx, name, address, bytes);
}

void heap_each_name(struct dsm *d,
                    void (*fn)(void *ctx, const char *name, uint64_t address, uint64_t bytes),
                    void *ctx)
{
	struct telling t = {.d = d, .fn = fn, .ctx = ctx};

	if (d->heap->names)
		names_each(d->heap->names, on_name, &t);
}
