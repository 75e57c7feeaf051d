/* SPDX-License-Identifier: BSD-2-Clause */
/* The end of a job that cannot go on. */
#include <string.h>

#include "dsm/node/node.h"

void node_fail(struct dsm *d, const char *why)
{
	if (d->members.lost)
		return;
	d->members.lost = DSM_ERR_LOST;
	log_line(&d->log, DSM_LOG_ERROR, "the job cannot go on: %s", why);
	waits_end(&d->waits, DSM_ERR_LOST);
	memset(d->heap.slot, 0, sizeof d->heap.slot);
	node_faults_lost(d);
	waits_room(&d->waits);
}
