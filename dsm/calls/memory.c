/* SPDX-License-Identifier: BSD-2-Clause */
/* dsm_alloc, dsm_free, names, prefetch. */
#include <errno.h>
#include <string.h>

#include "dsm/calls/discard.h"
#include "dsm/calls/pin.h"
#include "dsm/heap/heap.h"
#include "dsm/node/node.h"

/* By storing to it. */
static int clear_here(struct dsm *d, uint8_t *at, size_t bytes)
{
	size_t done;
	int rc = pin_and_clear(d, at, bytes, &done);

	if (rc == 0 || rc == DSM_ERR_LOST)
		return rc;
	/* A page that cannot be held, there being pins enough, can be stored to. */
	memset(at + done, 0, bytes - done);
	return 0;
}

/* Where nodes may die no page is held, nor discarded. A page that is lost says so to an atomic that
 * changes nothing, before it is stored to. */
static int clear_where_nodes_die(struct dsm *d, uint8_t *at, size_t bytes)
{
	const size_t page_bytes = region_zone_of(&d->memory.region,
	                                         region_page_of(&d->memory.region, at))->page_bytes;
	uint8_t *end = at + bytes;
	int rc = 0;

	while (at < end && rc == 0) {
		uint8_t *next = (uint8_t *)(((uintptr_t)at / page_bytes + 1) * page_bytes);
		uint64_t *word = (uint64_t *)((uintptr_t)at & ~(uintptr_t)7);

		next = next < end ? next : end;
		rc = dsm_fetch_add64(d, word, 0, NULL);
		if (rc == 0)
			memset(at, 0, (size_t)(next - at));
		at = next;
	}
	return rc;
}

/* What an earlier owner has left. No page has to come for that, unless it is shared with other
 * blocks, or somebody holds it. */
static int clear(struct dsm *d, uint8_t *at, size_t bytes, int whole_pages)
{
	const size_t page_bytes = region_zone_of(&d->memory.region,
	                                         region_page_of(&d->memory.region, at))->page_bytes;
	const uint64_t first = region_page_of(&d->memory.region, at);
	struct discarded left;
	uint8_t *lo, *hi;
	int rc;

	if (d->view.on)
		return clear_where_nodes_die(d, at, bytes);
	if (!whole_pages || bytes == 0)
		return clear_here(d, at, bytes);
	rc = discard_pages(d, first, (bytes + page_bytes - 1) / page_bytes, "dsm_alloc", &left);
	if (rc || left.lo == left.hi)
		return rc;
	lo = at + (left.lo - first) * page_bytes;
	hi = at + (left.hi - first) * page_bytes;
	return clear_here(d, lo, (size_t)((hi < at + bytes ? hi : at + bytes) - lo));
}

/* One try in one zone. */
static int alloc_in(struct dsm *d, int kind, size_t bytes, size_t align, void **out)
{
	const struct region_zone *zone = &d->memory.region.zone[kind];
	struct coh_svc svc = {.op = SVC_ALLOC, .arg = {bytes, align, kind}};
	uint8_t *at;
	int rc;

	if (bytes > zone->count * zone->page_bytes)
		return DSM_ERR_NOMEM;
	if (align > zone->count * zone->page_bytes)
		return DSM_ERR_INVAL;
	rc = heap_call(d, &svc, -1, "dsm_alloc");
	if (rc == DSM_ERR_NOMEM && svc.arg[0])
		log_line(&d->log, DSM_LOG_ERROR, "no %zu bytes of shared memory: the nodes' budgets "
		         "(DSM_MEMORY) are enough for %llu bytes of %s pages in all", bytes,
		         (unsigned long long)svc.arg[0], kind == REGION_PMD ? "2 MiB" : "4 KiB");
	if (rc)
		return rc;
	at = zone->window + svc.arg[0];
	rc = clear(d, at, svc.arg[1] < bytes ? svc.arg[1] : bytes,
	           bytes >= zone->page_bytes || align >= zone->page_bytes);
	if (rc == 0)
		*out = at;
	return rc;
}

int dsm_alloc(dsm_t *d, size_t bytes, size_t align, unsigned flags, void **out)
{
	NODE_ENTRY(dsm_alloc, d, bytes, align, flags, out);
	int huge = flags == DSM_HUGE || flags == DSM_HUGE_PREFERRED;
	int rc = DSM_ERR_NOMEM;

	if (!out || bytes == 0 || (flags && !huge) || (align & (align - 1)))
		return DSM_ERR_INVAL;
	if (huge)
		rc = alloc_in(d, REGION_PMD, bytes, align, out);
	if (!huge || (flags == DSM_HUGE_PREFERRED &&
	              (rc == DSM_ERR_NOMEM || rc == DSM_ERR_INVAL)))
		rc = alloc_in(d, REGION_PTE, bytes, align, out);
	return rc;
}

/* A block of whole pages, which nobody else is given before its homes have discarded it. */
static int free_pages(struct dsm *d, int kind, const void *ptr, uint64_t bytes)
{
	const struct region_zone *zone = &d->memory.region.zone[kind];
	const uint64_t offset = (uint64_t)((const uint8_t *)ptr - zone->window);
	const uint64_t first = zone->first + offset / zone->page_bytes;
	struct coh_svc svc = {.op = SVC_FREED, .arg = {offset}};
	struct discarded left = {first, first + bytes / zone->page_bytes};
	int rc = d->view.on ? 0 : discard_pages(d, first, bytes / zone->page_bytes, "dsm_free", &left);

	if (rc)
		return rc;
	svc.arg[1] = left.lo == left.hi ? 0 : left.lo - first;
	svc.arg[2] = (uint64_t)kind | (left.lo == left.hi ? 0 : left.hi - first) << 8;
	return heap_call(d, &svc, -1, "dsm_free");
}

int dsm_free(dsm_t *d, void *ptr)
{
	NODE_ENTRY(dsm_free, d, ptr);
	struct coh_svc svc = {.op = SVC_FREE};
	int kind = region_kind_of(&d->memory.region, ptr, 1), rc;

	if (!ptr)
		return 0;
	if (kind < 0)
		return DSM_ERR_NOT_OURS;
	if (region_is_placed(&d->memory.region, region_page_of(&d->memory.region, ptr), 1))
		return DSM_ERR_BUSY;
	svc.arg[0] = (uint64_t)((uint8_t *)ptr - d->memory.region.zone[kind].window);
	svc.arg[2] = kind;
	rc = heap_call(d, &svc, -1, "dsm_free");
	return rc || !svc.arg[0] ? rc : free_pages(d, kind, ptr, svc.arg[0]);
}

static int name_set(struct coh_svc *svc, const char *name)
{
	size_t len = name ? strnlen(name, COH_NAME_MAX) : 0;

	if (len == 0 || len == COH_NAME_MAX)
		return DSM_ERR_INVAL;
	memcpy(svc->name, name, len);
	return 0;
}

int dsm_publish(dsm_t *d, const char *name, void *ptr)
{
	NODE_ENTRY(dsm_publish, d, name, ptr);
	struct coh_svc svc = {.op = ptr ? SVC_PUBLISH : SVC_UNPUBLISH};

	if (name_set(&svc, name) || (ptr && region_kind_of(&d->memory.region, ptr, 1) < 0))
		return DSM_ERR_INVAL;
	svc.arg[0] = ptr ? region_offset_of(&d->memory.region, ptr) : 0;
	return heap_call(d, &svc, -1, "dsm_publish");
}

int dsm_lookup(dsm_t *d, const char *name, int timeout_ms, void **out)
{
	NODE_ENTRY(dsm_lookup, d, name, timeout_ms, out);
	struct coh_svc svc = {.op = SVC_LOOKUP, .arg = {timeout_ms != 0}};
	int rc;

	if (!out || timeout_ms < -1 || name_set(&svc, name))
		return DSM_ERR_INVAL;
	rc = heap_call(d, &svc, timeout_ms ? timeout_ms : -1, "dsm_lookup");
	if (rc == 0)
		*out = region_at_offset(&d->memory.region, svc.arg[0]);
	return rc;
}

int dsm_prefetch(dsm_t *d, const void *ptr, size_t bytes)
{
	NODE_ENTRY(dsm_prefetch, d, ptr, bytes);
	uint64_t page, end;
	sigset_t mask;

	if (region_kind_of(&d->memory.region, ptr, bytes) < 0 || node_is_copy(d))
		return DSM_ERR_INVAL;
	if (bytes == 0)
		return 0;
	page = region_page_of(&d->memory.region, ptr);
	end = region_page_of(&d->memory.region, (const uint8_t *)ptr + bytes - 1) + 1;
	node_lock(d, &mask);
	node_fetch_ahead(d, page, end);
	node_hand_over(d);
	node_unlock(d, &mask);
	return 0;
}
