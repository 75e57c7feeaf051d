/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Has the transport make all connections while the job starts: what is missing for one is told by
 * dsm_init then, and the program may use up its descriptors afterwards.
 */
#include <poll.h>

#include "dsm/start/steps.h"

#define LOOK_MS 1
#define PATIENCE_MS 100 /* before it is asked why a peer is not heard of */

/* Lock held. Returns 1 once there is nothing to wait for: *rc is 0, or why not. */
static int reach_look(struct dsm *d, uint64_t waited_ms, int *rc)
{
	uint16_t missing = TR_NO_PEER;

	node_progress(d);
	if (d->members.lost) {
		init_error_set("%s", d->members.why);
		*rc = DSM_ERR_BOOT;
	} else if (!d->tr->ops->reach(d->tr, &missing)) {
		*rc = 0;
	} else if (waited_ms >= PATIENCE_MS && descriptors_used_up()) {
		init_error_set("RLIMIT_NOFILE (ulimit -n) is %llu, and none of these descriptors is "
		               "left for the connection to node %u", descriptors_limit(), missing);
		*rc = DSM_ERR_LIMIT;
	} else if (waited_ms >= (uint64_t)d->settings->start_ms) {
		init_error_set("node %u does not answer over provider %s", missing,
		               d->tr->ops->provider(d->tr));
		*rc = DSM_ERR_BOOT;
	} else {
		d->tr->ops->wake_peers(d->tr);
		return 0;
	}
	return 1;
}

int start_reach(struct dsm *d)
{
	const uint64_t start = clock_now_ns();
	int done, rc = 0;

	do {
		pthread_mutex_lock(&d->lock);
		done = reach_look(d, (clock_now_ns() - start) / 1000000, &rc);
		pthread_mutex_unlock(&d->lock);
	} while (!done && poll(NULL, 0, LOOK_MS) <= 0);
	if (rc) /* others may wait for a sign of us, and not yet for our outcome */
		members_tell(&d->members, dsm_init_error());
	return rc;
}
