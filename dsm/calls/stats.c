/* SPDX-License-Identifier: BSD-2-Clause */
/* dsm_get_stats. */
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
