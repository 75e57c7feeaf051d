/* SPDX-License-Identifier: BSD-2-Clause */
/* dsm_alloc, dsm_free, names, prefetch. */
#include <errno.h>
#include <string.h>

#include "dsm/calls/discard.h"
#include "dsm/calls/fresh.h"
#include "dsm/dsm_survive.h"
#include "dsm/heap/heap.h"
#include "dsm/node/node.h"

/* One try in one zone, of a block that is zero then. *at tells where it is, also when it has been
 * taken and cannot be made zero. */
static int take(struct dsm *d, int kind, size_t bytes, size_t align, uint8_t **at)
{
	const struct region_zone *zone = heap_zone(d, kind);
	struct coh_svc svc = {.op = SVC_ALLOC, .arg = {bytes, align, kind}};
	struct fresh f = {.bytes = bytes, .view = d->view.on ? view_number(d) : 0};
	int rc = heap_call(d, &svc, -1, "dsm_alloc");

	if (rc == DSM_ERR_NOMEM && svc.arg[0] && kind != HEAP_KEEP2)
		log_line(&d->log, DSM_LOG_ERROR, "no %zu bytes of shared memory: the nodes' budgets "
		         "(DSM_MEMORY) are enough for %llu bytes of %s pages in all", bytes,
		         (unsigned long long)svc.arg[0], kind == REGION_PMD ? "2 MiB" : "4 KiB");
	if (rc)
		return rc;
	f.at = *at = zone->window + heap_zone_offset(d, kind) + svc.arg[0];
	f.dirty = svc.arg[1] < bytes ? svc.arg[1] : bytes;
	f.whole_pages = bytes >= zone->page_bytes || align >= zone->page_bytes;
	f.alone = f.whole_pages || svc.arg[2];
	return fresh_make(d, &f);
}

/* A small block in a page that is lost, with what others have in it: they are to hear of that, so
 * there is a page for the block alone instead. */
static int take_elsewhere(struct dsm *d, int kind, size_t align, uint8_t **at)
{
	const struct region_zone *zone = heap_zone(d, kind);
	const uint64_t offset = (uint64_t)(*at - zone->window) - heap_zone_offset(d, kind);
	struct coh_svc svc = {.op = SVC_FREE, .arg = {offset, 0, kind}};
	int rc = heap_call(d, &svc, -1, "dsm_alloc");

	return rc ? rc : take(d, kind, zone->page_bytes, align, at);
}

static int alloc_in(struct dsm *d, int kind, size_t bytes, size_t align, void **out)
{
	const struct region_zone *zone = heap_zone(d, kind);
	const uint64_t most = heap_zone_bytes(d, kind);
	uint8_t *at = NULL;
	int rc;

	if (bytes > most)
		return DSM_ERR_NOMEM;
	if (align > most)
		return DSM_ERR_INVAL;
	rc = take(d, kind, bytes, align, &at);
	if (rc == DSM_ERR_LOST_DATA && bytes < zone->page_bytes && align < zone->page_bytes)
		rc = take_elsewhere(d, kind, align, &at);
	if (rc == 0)
		*out = at;
	return rc;
}

/* In a job that ends with any node there is nothing to be done for it. */
static int alloc_keep2(struct dsm *d, size_t bytes, size_t align, void **out)
{
	const uint64_t most = heap_zone_bytes(d, HEAP_KEEP2);
	int rc = most ? alloc_in(d, HEAP_KEEP2, bytes, align, out) : DSM_ERR_NOMEM;

	if (rc == DSM_ERR_NOMEM)
		log_line(&d->log, DSM_LOG_ERROR, "no %zu bytes of shared memory that two nodes hold: DSM_KEEP2 "
		         "is %llu bytes, and each takes its size of the budgets (DSM_MEMORY) of two nodes",
		         bytes, (unsigned long long)most);
	return rc;
}

int dsm_alloc(dsm_t *d, size_t bytes, size_t align, unsigned flags, void **out)
{
	NODE_ENTRY(dsm_alloc, d, bytes, align, flags, out);
	const unsigned pages = flags & ~(unsigned)DSM_KEEP2;
	int huge = pages == DSM_HUGE || pages == DSM_HUGE_PREFERRED;
	int rc = DSM_ERR_NOMEM;

	if (!out || bytes == 0 || (pages && !huge) || (align & (align - 1)) ||
	    flags == (DSM_KEEP2 | DSM_HUGE))
		return DSM_ERR_INVAL;
	if (flags & DSM_KEEP2 && d->view.on)
		return alloc_keep2(d, bytes, align, out);
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
	const struct region_zone *zone = heap_zone(d, kind);
	const uint64_t first = region_page_of(&d->memory.region, ptr);
	const uint64_t offset = (first - zone->first) * zone->page_bytes - heap_zone_offset(d, kind);
	struct coh_svc svc = {.op = SVC_FREED, .arg = {offset}};
	struct discarded left = {first, first + bytes / zone->page_bytes};
	int rc = discard_pages(d, first, bytes / zone->page_bytes, "dsm_free", &left);

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
	if (coh_is_secure(&d->engine.cfg, region_page_of(&d->memory.region, ptr)))
		kind = HEAP_KEEP2;
	svc.arg[0] = (uint64_t)((uint8_t *)ptr - heap_zone(d, kind)->window) - heap_zone_offset(d, kind);
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
