/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which libfabric provider carries the job. A node finds by trying what works where it runs,
 * and that may be less on one node than on others: its libfabric lacks a provider, or has no
 * room for one. So each opens the best that it can, and tells; where they differ, all open
 * again, nothing better than the least of those, until they are alike. Usually they are at once.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "dsm/start/steps.h"
#include "transport/ofi.h"

#define PROVIDER_ROUNDS 8 /* there are fewer providers to choose from */

struct vote {
	int32_t status; /* first */
	uint32_t named; /* by DSM_PROVIDER or the program */
	char provider[56];
};

/* no_better: the best to be tried, NULL: any. */
static int provider_open(struct dsm *d, const char *name, const char *no_better)
{
	struct tr_config c = {
	        .self = d->boot->rank,
	        .nodes = d->boot->size,
	        .provider = name,
	        .no_better_than = no_better,
	        .one_machine = d->boot->one_machine,
	        .wake_at_once = d->boot->nodes_here > sysconf(_SC_NPROCESSORS_ONLN),
	        .bind = d->boot->bind[0] ? d->boot->bind : NULL,
	        .runtime_dir = d->boot->runtime_dir[0] ? d->boot->runtime_dir : NULL,
	        /* Every request of every node may find its page here, and want a refresh. */
	        .writes_max = 2 * NODE_SLOTS * d->boot->size,
	        .log = log_text,
	        .log_ctx = &d->log,
	};
	int rc = tr_ofi_ops.open(&c, &d->tr);

	if (rc) {
		init_error_set("no libfabric endpoint: %s%s", log_last_error(), error_lock_hint(rc));
		return error_limit_or(rc, DSM_ERR_PROVIDER);
	}
	return 0;
}

static int provider_rank(const struct vote *vote)
{
	return tr_ofi_rank(vote->provider);
}

/* The node whose provider the others are to take: one that was told to use it, or that with
 * the least. Negative: two were told to use different ones. */
static int provider_decide(const struct vote *all, int nodes)
{
	int chosen = 0;

	for (int i = 1; i < nodes; i++) {
		if (all[i].named && all[chosen].named &&
		    strcmp(all[i].provider, all[chosen].provider)) {
			init_error_set("node %d was told to use provider %s, node %d %s: DSM_PROVIDER "
			               "must be the same on all nodes, or unset", chosen,
			               all[chosen].provider, i, all[i].provider);
			return DSM_ERR_CONFIG;
		}
		if (all[i].named > all[chosen].named ||
		    (all[i].named == all[chosen].named &&
		     provider_rank(&all[i]) > provider_rank(&all[chosen])))
			chosen = i;
	}
	return chosen;
}

static int provider_same(const struct vote *all, int nodes)
{
	for (int i = 1; i < nodes; i++)
		if (strcmp(all[i].provider, all[0].provider))
			return 0;
	return 1;
}

/* Opens what node chosen has, if it is not that. */
static int provider_follow(struct dsm *d, const struct vote *all, int chosen)
{
	const struct vote *want = &all[chosen];

	if (!strcmp(all[d->boot->rank].provider, want->provider))
		return 0;
	log_line(&d->log, DSM_LOG_INFO, "not provider %s but %s, because of node %d",
	         all[d->boot->rank].provider, want->provider, chosen);
	d->tr->ops->close(d->tr);
	d->tr = NULL;
	return provider_open(d, want->named ? want->provider : NULL, want->provider);
}

static int provider_vote(struct dsm *d, int status, struct vote *all)
{
	int nodes = d->boot->size, chosen = 0, rc;

	for (int round = 0; round < PROVIDER_ROUNDS; round++) {
		struct vote mine = {.status = status, .named = d->settings->provider[0] != 0};

		if (d->tr)
			strncpy(mine.provider, d->tr->ops->provider(d->tr), sizeof mine.provider - 1);
		rc = node_agree_with(d, &mine, sizeof mine, all);
		if (rc || provider_same(all, nodes))
			return rc;
		chosen = provider_decide(all, nodes);
		if (chosen < 0)
			return chosen;
		status = provider_follow(d, all, chosen);
	}
	init_error_set("the nodes do not come to use one provider: node %d has %s, this one %s",
	               chosen, all[chosen].provider, all[d->boot->rank].provider);
	return DSM_ERR_PROVIDER;
}

int provider_agree(struct dsm *d, int status)
{
	struct vote *all = calloc(d->boot->size, sizeof *all);
	int rc;

	if (!status && !all)
		status = DSM_ERR_NOMEM;
	if (!status)
		status = provider_open(d, d->settings->provider[0] ? d->settings->provider : NULL, NULL);
	rc = all ? provider_vote(d, status, all) : status;
	free(all);
	return rc;
}
