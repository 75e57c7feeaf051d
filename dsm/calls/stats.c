/* SPDX-License-Identifier: BSD-2-Clause */
/* dsm_get_stats, dsm_get_latency: what this node has counted. */
#include <string.h>

#include "dsm/node/node.h"

int dsm_get_stats(dsm_t *d, struct dsm_stats *out, size_t size)
{
	NODE_ENTRY(dsm_get_stats, d, out, size);
	struct dsm_stats s;
	sigset_t mask;

	if (!out || node_is_copy(d))
		return DSM_ERR_INVAL;
	node_lock(d, &mask);
	node_stats(d, &s);
	node_unlock(d, &mask);
	memcpy(out, &s, size < sizeof s ? size : sizeof s);
	return 0;
}

int dsm_get_latency(dsm_t *d, int kind, struct dsm_latency *out, size_t size)
{
	NODE_ENTRY(dsm_get_latency, d, kind, out, size);
	struct dsm_latency h;
	sigset_t mask;

	if (!out || kind < 1 || kind > LATENCY_KINDS || node_is_copy(d))
		return DSM_ERR_INVAL;
	node_lock(d, &mask);
	h = d->waits.latency.of[kind];
	node_unlock(d, &mask);
	memcpy(out, &h, size < sizeof h ? size : sizeof h);
	return 0;
}
