/* SPDX-License-Identifier: BSD-2-Clause */
/* A thread that waits looks at the transport in place of the service thread. */
#include "dsm/node/node.h"

/* How often a thread takes what the transport still has before it leaves the rest. */
#define LAST_LOOKS 4

/* Another thread than the service thread has stepped the core: what it left for later
 * (queued sends, a deferred message's deadline, kept requests, a fault for which there may
 * be a slot now) is the service thread's to see to. A thread that sleeps is woken only if
 * there is something: mostly all is done after another look at the transport, which has
 * news of what was just sent. The last thread that helps leaves the transport as the
 * sleeping service thread needs it. */
void node_hand_over(struct dsm *d)
{
	int more = 0;

	if (!d->progress.asleep || d->progress.helpers)
		d->tr->ops->wake_peers(d->tr); /* whoever looks now may not get to run at once */
	if (!d->progress.asleep)
		return;
	for (unsigned i = 0; i < LAST_LOOKS && !d->progress.helpers; i++) {
		if (more || d->tr->ops->pending(d->tr))
			node_progress(d);
		more = d->tr->ops->wait_arm(d->tr);
		if (!more)
			break;
	}
	if (!d->progress.helpers)
		more |= d->tr->ops->pending(d->tr) || d->tenure.deferred;
	if (more || d->progress.kept || d->faults.has_stalled || d->view.recovering) {
		d->tr->ops->wake_peers(d->tr);
		progress_kick(&d->progress);
	}
}

uint64_t node_goes_on(const struct dsm *d, uint64_t end_ns)
{
	uint64_t now = clock_now_ns();

	return now < end_ns || (d->faults.n && now < d->faults.expected_ns) ? now : 0;
}

void node_help(struct dsm *d, const struct waits_answer *answer)
{
	node_help_since(d, answer, waits_is_over(answer) ? 0 : clock_now_ns());
}

void node_help_since(struct dsm *d, const struct waits_answer *answer, uint64_t since_ns)
{
	uint64_t now, end = since_ns + d->progress.spin_ns;

	if (d->progress.spin_ns && !waits_is_over(answer)) {
		if (d->progress.helpers++ == 0)
			d->tr->ops->wait_disarm(d->tr);
		for (;;) {
			node_progress(d);
			if (waits_is_over(answer) || !(now = node_goes_on(d, end)))
				break;
			pthread_mutex_unlock(&d->lock);
			progress_relax(&d->progress, now);
			pthread_mutex_lock(&d->lock);
		}
		d->progress.helpers--;
	}
	node_hand_over(d);
}

void node_wait_room(struct dsm *d)
{
	d->tr->ops->wake_peers(d->tr); /* for what was sent to get here */
	waits_for_room(&d->waits, &d->lock);
}
