/* SPDX-License-Identifier: BSD-2-Clause */
/* The heap's life, and what it is to others. */
#include "dsm/heap/check.h"
#include "dsm/heap/services.h"

#include <errno.h>
#include <stdlib.h>

static const struct node_services services = {
	.request = heap_keep,
	.response = heap_response,
	.serve = heap_serve_kept,
	.answer = heap_answer,
	.view = heap_view,
	.usable = heap_usable,
};

/* With DSM_CHECK. */
static const struct node_services checking = {
	.request = heap_keep,
	.response = heap_response,
	.serve = heap_serve_kept,
	.answer = heap_answer,
	.view = heap_view,
	.usable = heap_usable,
	.check_begin = heap_check_begin,
	.check_passed = heap_check_passed,
	.check_here = heap_check_here,
};

int heap_open(struct dsm *d)
{
	d->heap = calloc(1, sizeof *d->heap);
	if (!d->heap)
		return -ENOMEM;
	d->services = d->checks ? &checking : &services;
	if (d->checks && heap_check_open(d))
		return -ENOMEM;
	return heap_office_open(d);
}

void heap_close(struct dsm *d)
{
	if (d->heap) {
		heap_office_close(d->heap);
		heap_taken_close(d);
		heap_check_close(d);
	}
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
	const uintptr_t address = (uintptr_t)t->d->memory.region.window + offset;

	t->fn(t->ctx, name, address, served_bytes_at(&t->d->heap->mirror.served, offset));
}

void heap_each_name(struct dsm *d,
                    void (*fn)(void *ctx, const char *name, uint64_t address, uint64_t bytes),
                    void *ctx)
{
	struct telling t = {.d = d, .fn = fn, .ctx = ctx};

	if (heap_serves(d) && d->heap->mirror.served.names)
		names_each(d->heap->mirror.served.names, on_name, &t);
}
