/* SPDX-License-Identifier: BSD-2-Clause */
/* Serving: the allocator and the names, at rank 0. */
#include "dsm/heap/check.h"
#include "dsm/heap/services.h"

#include <errno.h>
#include <stdlib.h>

int heap_serve_open(struct dsm *d)
{
	struct heap *h = d->heap;
	int rc = 0;

	for (int kind = 0; kind < REGION_ZONES && rc == 0; kind++) {
		const struct region_zone *zone = &d->memory.region.zone[kind];
		if (zone->count)
			rc = heap_zone_open(d, kind);
	}
	if (rc == 0)
		rc = names_open(&h->names);
	if (rc == 0)
		rc = heap_rounds_open(d);
	if (rc == 0 && d->checks)
		rc = heap_taken_open(d);
	return rc;
}

void heap_serve_close(struct heap *h)
{
	names_close(h->names);
	free(h->rounds);
	for (int kind = 0; kind < REGION_ZONES; kind++) {
		alloc_close(h->alloc[kind]);
		room_close(&h->room[kind]);
	}
}

static void answer(struct dsm *d, coh_node to, uint16_t slot, int status, uint64_t a, uint64_t b)
{
	heap_answer(d, to, slot, status, a, b, 0);
}

/* Where, of which the first *dirty bytes may hold something. */
static int take(struct dsm *d, unsigned kind, const struct coh_msg *m, uint64_t *offset,
                uint64_t *dirty)
{
	struct alloc *zone = d->heap->alloc[kind];
	int rc = alloc_take(zone, m->svc.arg[0], m->svc.arg[1], offset, dirty);

	if (rc == 0) {
		room_take(&d->heap->room[kind], *offset, alloc_size(zone, *offset));
		heap_taken(d, kind, *offset, alloc_size(zone, *offset), 1);
	}
	return rc;
}

static void serve_alloc(struct dsm *d, coh_node from, const struct coh_msg *m)
{
	uint64_t offset = 0, dirty = 0;
	unsigned kind = m->svc.arg[2];
	int has = m->svc.arg[2] < REGION_ZONES && d->heap->alloc[kind];
	int rc = has ? take(d, kind, m, &offset, &dirty) : -ENOMEM;

	/* Tells how much there is, when that is the budgets' doing. */
	if (rc == -ENOMEM && has)
		offset = heap_zone_enough(d, kind);
	answer(d, from, m->slot, rc, offset, dirty);
}

/* What shares pages with others is free at once, and dirty. Pages of their own are when they have
 * been discarded. */
static void serve_free(struct dsm *d, coh_node from, const struct coh_msg *m)
{
	const unsigned kind = m->svc.arg[2];
	struct alloc *zone = m->svc.arg[2] < REGION_ZONES ? d->heap->alloc[kind] : NULL;
	uint64_t bytes = zone ? alloc_size(zone, m->svc.arg[0]) : 0;
	int rc = -EINVAL;

	if (bytes && !alloc_owns_pages(zone, m->svc.arg[0])) {
		rc = alloc_give(zone, m->svc.arg[0]);
		if (rc == 0)
			heap_taken(d, kind, m->svc.arg[0], bytes, -1);
		bytes = 0;
	} else if (bytes) {
		rc = alloc_give_begin(zone, m->svc.arg[0], &bytes);
		if (rc == 0)
			heap_taken(d, kind, m->svc.arg[0], bytes, -1);
	}
	answer(d, from, m->slot, rc ? DSM_ERR_NOT_OURS : 0, bytes, 0);
}

/* arg: offset; pages from there to what is still dirty; kind, and from bit 8 on pages to where that
 * ends. */
static void serve_freed(struct dsm *d, coh_node from, const struct coh_msg *m)
{
	const unsigned kind = m->svc.arg[2] & 0xff;
	struct alloc *zone = kind < REGION_ZONES ? d->heap->alloc[kind] : NULL;
	uint64_t offset = m->svc.arg[0], bytes = zone ? alloc_size(zone, offset) : 0, lo, hi;
	int rc = -EINVAL;

	if (bytes) {
		lo = offset + m->svc.arg[1] * d->memory.region.zone[kind].page_bytes;
		hi = offset + (m->svc.arg[2] >> 8) * d->memory.region.zone[kind].page_bytes;
		hi = hi < offset + bytes ? hi : offset + bytes;
		rc = alloc_give_end(zone, offset, lo, hi);
		if (rc == 0)
			room_give(&d->heap->room[kind], offset, bytes, lo, hi);
	}
	answer(d, from, m->slot, rc ? DSM_ERR_NOT_OURS : 0, 0, 0);
}

/* Whoever waits for a name, or asks for one that is there. Who would claim it wants to know that it
 * is there, and is of as many bytes. */
static void answer_found(struct dsm *d, const struct names_waiter *who, uint64_t offset)
{
	const int is_less = who->bytes > heap_bytes_at(d, offset);

	answer(d, who->node, who->slot, is_less ? -EEXIST : 0, offset, who->bytes != 0);
}

/* dsm_shared: finds the name, waits for who has claimed it, or claims it. */
static void serve_share(struct dsm *d, coh_node from, const struct coh_msg *m)
{
	const struct names_waiter who = {from, m->slot, m->svc.arg[0]};
	uint64_t offset;
	int rc = names_find(d->heap->names, m->svc.name, &offset);

	if (rc == 0) {
		answer_found(d, &who, offset);
		return;
	}
	rc = names_claim(d->heap->names, m->svc.name, from);
	if (rc == -EBUSY && names_wait(d->heap->names, m->svc.name, who) == 0)
		return;
	answer(d, from, m->slot, rc == -EBUSY ? -ENOMEM : rc, 0, 0);
}

/* It could not be allocated: the next one tries. */
static void serve_unshare(struct dsm *d, coh_node from, const struct coh_msg *m)
{
	struct names_waiter next;

	if (names_unclaim(d->heap->names, m->svc.name, &next))
		answer(d, next.node, next.slot, 0, 0, 0);
	answer(d, from, m->slot, 0, 0, 0);
}

static void serve_publish(struct dsm *d, coh_node from, const struct coh_msg *m)
{
	struct names_waiter who;
	int rc = names_add(d->heap->names, m->svc.name, m->svc.arg[0]);

	answer(d, from, m->slot, rc, 0, 0);
	while (rc == 0 && names_next_waiter(d->heap->names, m->svc.name, &who) == 1)
		answer_found(d, &who, m->svc.arg[0]);
}

static void serve_lookup(struct dsm *d, coh_node from, const struct coh_msg *m)
{
	uint64_t value = 0;
	int rc = names_find(d->heap->names, m->svc.name, &value);

	if (rc == -ENOENT && m->svc.arg[0]) { /* wants to wait */
		rc = names_wait(d->heap->names, m->svc.name,
		                (struct names_waiter){.node = from, .slot = m->slot});
		if (rc == 0)
			return;
	}
	answer(d, from, m->slot, rc, value, 0);
}

/* A waiter whose time is over. If its answer has left already, that is the answer. */
static void serve_cancel(struct dsm *d, coh_node from, const struct coh_msg *m)
{
	if (names_unwait(d->heap->names, m->svc.name,
	                 (struct names_waiter){.node = from, .slot = m->slot}) == 0)
		answer(d, from, m->slot, -ETIMEDOUT, 0, 0);
}

void heap_serve(struct dsm *d, coh_node from, const struct coh_msg *m)
{
	switch (m->svc.op) {
	case SVC_ALLOC: serve_alloc(d, from, m); break;
	case SVC_FREE: serve_free(d, from, m); break;
	case SVC_FREED: serve_freed(d, from, m); break;
	case SVC_PUBLISH: serve_publish(d, from, m); break;
	case SVC_UNPUBLISH:
		answer(d, from, m->slot, names_remove(d->heap->names, m->svc.name), 0, 0);
		break;
	case SVC_LOOKUP: serve_lookup(d, from, m); break;
	case SVC_SHARE: serve_share(d, from, m); break;
	case SVC_UNSHARE: serve_unshare(d, from, m); break;
	case SVC_ROUND: heap_round_arrive(d, from, m); break;
	case SVC_WHERE: heap_serve_where(d, from, m); break;
	case SVC_NAME: heap_serve_name(d, from, m); break;
	case SVC_LOOKUP_CANCEL: serve_cancel(d, from, m); break;
	default: answer(d, from, m->slot, -EINVAL, 0, 0); break;
	}
}
