/* SPDX-License-Identifier: BSD-2-Clause */
/* Which provider the nodes of a job come to use (vote.h). */
#include <string.h>

#include "config.h"
#include "dsm/node/node.h"
#include "dsm/start/vote.h"

/* The node whose provider the others are to take: one that was told to use it, or that with
 * the least. Negative: two were told to use different ones. */
static int vote_least(const struct vote *all, int nodes)
{
	int least = 0;

	for (int i = 1; i < nodes; i++) {
		const int named = all[i].named[0] != 0, least_named = all[least].named[0] != 0;

		if (named && least_named && strcmp(all[i].named, all[least].named)) {
			init_error_set("node %d was told to use provider %s, node %d %s: DSM_PROVIDER "
			               "must be the same on all nodes, or unset", least,
			               all[least].named, i, all[i].named);
			return DSM_ERR_CONFIG;
		}
		if (named > least_named ||
		    (named == least_named &&
		     tr_ofi_rank(all[i].provider) > tr_ofi_rank(all[least].provider)))
			least = i;
	}
	return least;
}

/* The first whose provider has another name than node 0's, or does not work with it; 0: none. */
static int vote_other(const struct vote *all, int nodes)
{
	for (int i = 1; i < nodes; i++)
		if (strcmp(all[i].provider, all[0].provider))
			return i;
	for (int i = 1; i < nodes; i++)
		if (!tr_ofi_makes_match(all[0].provider, &all[0].make, &all[i].make))
			return i;
	return 0;
}

/* All have the same, but of libfabrics that do not understand each other: the next less good. */
static int vote_next(const struct vote *all, int other, struct vote_plan *out)
{
	const char *less = tr_ofi_next(all[0].provider);

	if (!less || (out->named[0] && !tr_ofi_means(out->named, less))) {
		init_error_set("provider %s of node 0 (libfabric %u.%u) does not work together with "
		               "that of node %d (libfabric %u.%u)", all[0].provider,
		               TR_OFI_MAJOR(all[0].make), TR_OFI_MINOR(all[0].make), other,
		               TR_OFI_MAJOR(all[other].make), TR_OFI_MINOR(all[other].make));
		return DSM_ERR_PROVIDER;
	}
	strcpy(out->no_better_than, less);
	out->because = other;
	return 0;
}

int vote_count(const struct vote *all, int nodes, struct vote_plan *out)
{
	const int least = vote_least(all, nodes), other = vote_other(all, nodes);

	memset(out, 0, sizeof *out);
	if (least < 0)
		return least;
	out->done = !other;
	out->because = least;
	memcpy(out->named, all[least].named, sizeof out->named);
	memcpy(out->no_better_than, all[least].provider, sizeof out->no_better_than);
	if (other && !strcmp(all[other].provider, all[0].provider))
		return vote_next(all, other, out);
	return 0;
}

int vote_follows(const struct vote *mine, const struct vote_plan *plan)
{
	return tr_ofi_rank(mine->provider) >= tr_ofi_rank(plan->no_better_than) &&
	       (!plan->named[0] || tr_ofi_means(plan->named, mine->provider));
}
