/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which libfabric provider carries the job. A node finds by trying what works where it runs,
 * and that may be less on one node than on others: its libfabric lacks a provider, has no
 * room for one, or has one that those of other versions do not understand. So each opens the
 * best that it can, and tells; where they differ, all open again, nothing better than the least
 * of those, until they are alike. Usually they are at once.
 */
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "dsm/start/steps.h"
#include "dsm/start/vote.h"
#include "transport/ofi.h"

#define LEFT_S 60 /* somebody else may be about to sweep behind what ended just now */
#define PROVIDER_ROUNDS 8 /* there are fewer providers to choose from */

/* no_better: the best to be tried, NULL: any. */
static int provider_open(struct dsm *d, const char *name, const char *no_better)
{
	struct tr_config c = {
	        .self = d->boot->rank,
	        .nodes = d->boot->size,
	        .provider = name,
	        .no_better_than = no_better,
	        .one_machine = d->boot->one_machine,
	        /* Shared memory has locks in it that a dead node may hold; who says shm means it. */
	        .no_shm = d->settings->survives,
	        .wake_at_once = d->boot->nodes_here > (int)processors_available(),
	        .secret = d->boot->secret,
	        .bind = d->boot->bind[0] ? d->boot->bind : NULL,
	        .runtime_dir = d->boot->runtime_dir[0] ? d->boot->runtime_dir : NULL,
	        /* Every request of every node may find its page here, and want a refresh. */
	        .writes_max = 2 * NODE_SLOTS * d->boot->size + COH_RESTORES,
	        .silent_max_ms = d->settings->silent_ms,
	        .log = log_text,
	        .log_ctx = &d->log,
	};
	int rc = tr_ofi_ops.open(&c, &d->tr);

	_Static_assert(sizeof d->boot->secret == TR_SECRET_SIZE, "the job's secret");
	if (rc) {
		init_error_set("no libfabric endpoint: %s%s", log_last_error(), error_lock_hint(rc));
		return error_limit_or(rc, DSM_ERR_PROVIDER);
	}
	return 0;
}

/* Opens what the plan says, if this node does not have it. */
static int provider_follow(struct dsm *d, const struct vote *mine, const struct vote_plan *plan)
{
	int rc;

	if (vote_follows(mine, plan))
		return 0;
	d->tr->ops->close(d->tr);
	d->tr = NULL;
	rc = provider_open(d, plan->named[0] ? plan->named : NULL, plan->no_better_than);
	if (!rc)
		log_line(&d->log, DSM_LOG_INFO, "not provider %s but %s, because of node %d",
		         mine->provider, d->tr->ops->provider(d->tr), plan->because);
	return rc;
}

/* named: what this node was told to use, "": nothing */
static int provider_vote(struct dsm *d, int status, const char *named, struct vote *all)
{
	const struct vote *mine = &all[d->boot->rank];
	struct vote_plan plan = {0};
	int rc;

	strncpy(plan.named, named, sizeof plan.named - 1);
	for (int round = 0; round < PROVIDER_ROUNDS; round++) {
		struct vote vote = {.status = status};

		memcpy(vote.named, plan.named, sizeof vote.named);
		if (d->tr) {
			strncpy(vote.provider, d->tr->ops->provider(d->tr), sizeof vote.provider - 1);
			tr_ofi_made(d->tr, &vote.make);
		}
		rc = node_agree_with(d, &vote, sizeof vote, all);
		for (int i = 0; i < d->boot->size && !rc; i++)
			all[i].named[VOTE_NAME_BYTES - 1] = all[i].provider[VOTE_NAME_BYTES - 1] = 0;
		if (!rc)
			rc = vote_count(all, d->boot->size, &plan);
		if (rc || plan.done)
			return rc;
		status = provider_follow(d, mine, &plan);
	}
	init_error_set("the nodes do not come to use one provider: node %d has %s, this one %s",
	               plan.because, all[plan.because].provider, mine->provider);
	return DSM_ERR_PROVIDER;
}

int provider_agree(struct dsm *d, int status)
{
	const char *named = tr_ofi_name(d->settings->provider);
	struct vote *all = calloc(d->boot->size, sizeof *all);
	int rc;

	/* What killed nodes left takes memory, which may be what is lacking. Once for a machine. */
	if (d->boot->rank == 0 || !d->boot->one_machine)
		tr_ofi_sweep_all(LEFT_S);
	if (!status && !all)
		status = DSM_ERR_NOMEM;
	if (!status)
		status = provider_open(d, *named ? named : NULL, NULL);
	rc = all ? provider_vote(d, status, named, all) : status;
	free(all);
	return rc;
}
