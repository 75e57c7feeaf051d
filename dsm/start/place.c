/* SPDX-License-Identifier: BSD-2-Clause */
/* The region's place: addresses that are free on all nodes, and huge pages where it has any. */
#include <errno.h>
#include <string.h>

#include "dsm/start/steps.h"

/* Where pointers in a checkpoint expect it. */
static int same_address(struct dsm *d, size_t len, void **out)
{
	int mine = restore_address(d, len, out), rc = node_agree(d, mine);

	if (rc && mine == 0)
		region_unreserve(*out, len);
	return rc;
}

/* Tries one address after the other until one is free on all nodes. */
static int find_address(struct dsm *d, size_t len, void **out)
{
	int32_t all[COH_MAX_NODES];

	if (d->restored)
		return same_address(d, len, out);
	for (unsigned n = 0;; n++) {
		void *at = region_candidate(n, len);
		int32_t mine;
		int taken = 0, rc;
		if (!at) {
			init_error_set("no address is free on all nodes for a region of %zu bytes; a "
			               "smaller one (DSM_REGION, DSM_HUGE) may find its place", len);
			return DSM_ERR_ADDRESS;
		}
		mine = region_reserve(at, len);
		rc = node_exchange(d, &mine, sizeof mine, all);
		for (int i = 0; i < d->boot->size; i++)
			taken |= rc ? rc : all[i];
		if (!taken) {
			*out = at;
			return 0;
		}
		if (mine == 0)
			region_unreserve(at, len);
		if (rc)
			return rc;
	}
}

/* Huge pages: for all of their zone, or as many as this node's budget has room for. */
static int set_aside(struct dsm *d, uint64_t *pages)
{
	const struct region_zone *zone = &d->memory.region.zone[REGION_PMD];
	const struct budget *mine = &d->memory.budgets[d->boot->rank];
	uint64_t room = mine->bytes / zone->page_bytes;

	if (!zone->count)
		return 0;
	*pages = mine->both && room < zone->count ? room : zone->count;
	return mine->both ? region_pool_open(&d->memory.region, *pages)
	                  : region_commit(&d->memory.region, REGION_PMD);
}

static int make_region(struct dsm *d)
{
	struct region_config c = {.pte_bytes = d->settings->region_bytes,
	                          .pmd_bytes = d->settings->huge_bytes};
	size_t len = region_window_bytes(&c);
	uint64_t huge = 0;
	void *at;
	int rc = find_address(d, len, &at);

	if (rc)
		return rc;
	rc = region_create(&c, at, &d->memory.region);
	if (rc == 0)
		rc = set_aside(d, &huge);
	if (rc == 0)
		return 0;
	if (d->memory.region.window)
		region_destroy(&d->memory.region);
	else
		region_unreserve(at, len);
	if (rc == -ENOSPC) {
		const unsigned long long need = huge ? huge : c.pmd_bytes / REGION_PMD_BYTES;

		init_error_set(
			"%llu huge pages of 2 MiB are needed here for each node, and %ld are "
			"left: this job alone takes sysctl vm.nr_hugepages=%llu, as root; or ask "
			"for less by DSM_HUGE",
			need,
			region_huge_pages("free_hugepages") - region_huge_pages("resv_hugepages"),
			need * (d->boot->one_machine ? d->boot->size : 1));
		return DSM_ERR_LIMIT;
	}
	init_error_set("cannot map a shared region of %zu bytes: %s%s", len, strerror(-rc),
	               error_lock_hint(rc));
	return error_limit_or(rc, DSM_ERR_NOMEM);
}

int node_place_region(struct dsm *d)
{
	int32_t mine = make_region(d), all[COH_MAX_NODES];
	int short_of = 0, rc;

	if (!d->settings->huge_bytes || !d->settings->huge_optional)
		return node_agree(d, mine);
	rc = node_exchange(d, &mine, sizeof mine, all);
	if (rc)
		return rc;
	for (int i = 0; i < d->boot->size; i++)
		short_of |= all[i] == DSM_ERR_LIMIT || all[i] == DSM_ERR_ADDRESS;
	if (!short_of)
		return node_agree(d, mine);
	log_line(&d->log, DSM_LOG_WARN, "going on without huge pages: %s",
	         mine ? dsm_init_error() : "another node has no room for them");
	region_destroy(&d->memory.region);
	d->settings->huge_bytes = 0;
	return node_agree(d, make_region(d));
}
