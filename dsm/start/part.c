/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parting: nodes leave when nobody needs them any more. All programs have come to dsm_fini then,
 * and no thread of dsm_thread_create runs on any node, nor can one be started: only such threads
 * could still do so.
 *
 * That takes as many rounds as it takes for two with nothing alive and nothing started in between:
 * a node where nothing was alive at its word in the first, and nothing was started until its word
 * in the second, was at rest between the two, when all were. At the beginning nothing has been
 * started.
 */
#include <sched.h>
#include <string.h>

#include "dsm/start/steps.h"
#include "dsm/workers/workers.h"

struct threads {
	uint64_t started, living;
};

int start_drain(struct dsm *d)
{
	int rc;

	for (;;) {
		pthread_mutex_lock(&d->lock);
		node_progress(d);
		d->tr->ops->wake_peers(d->tr); /* nobody will look here for long */
		rc = d->members.lost ? d->members.lost : d->tr->ops->pending(d->tr);
		pthread_mutex_unlock(&d->lock);
		if (rc <= 0)
			return rc;
		sched_yield();
	}
}

/* Others may wait for what this node has pinned: but where threads run the pins may be theirs. */
static void end_pins(struct dsm *d)
{
	uint64_t started;
	sigset_t mask;

	node_lock(d, &mask);
	if (!workers_living(d, &started))
		pins_end(d);
	node_hand_over(d);
	node_unlock(d, &mask);
}

/* Those of all nodes. */
static int count(struct dsm *d, struct threads *sum)
{
	struct threads mine, all[COH_MAX_NODES];
	sigset_t mask;
	int rc;

	node_lock(d, &mask);
	mine.living = workers_living(d, &mine.started);
	node_unlock(d, &mask);
	rc = node_exchange(d, &mine, sizeof mine, all);
	*sum = (struct threads){0};
	for (int i = 0; i < d->boot->size && rc == 0; i++) {
		sum->started += all[i].started;
		sum->living += all[i].living;
	}
	return rc;
}

int start_part(struct dsm *d)
{
	struct threads before, now = {0};
	int rc;

	end_pins(d);
	do {
		before = now;
		if (workers_rest(d))
			return DSM_ERR_LOST;
		end_pins(d);
		rc = dsm_barrier(d); /* which may take long */
		if (rc == 0)
			rc = start_drain(d);
		if (rc == 0)
			rc = count(d, &now);
	} while (rc == 0 && (now.living || before.living || now.started != before.started));
	return rc;
}
