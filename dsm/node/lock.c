/* SPDX-License-Identifier: BSD-2-Clause */
/* The lock, for threads of the application (call.h). */
#include <signal.h>

#include "dsm/node/node.h"

/* Who makes no call is not seen. A fault comes too late: the kernel ends the process at once. */
static void check_mask(struct dsm *d, const sigset_t *mask)
{
	if (!d->signal || d->faults.told_blocked || sigismember(mask, SIGBUS) != 1)
		return;
	d->faults.told_blocked = 1;
	log_line(&d->log, DSM_LOG_WARN, "thread %u has SIGBUS blocked, by which it would get its "
	         "pages: it ends this process where it touches one that is not here",
	         clock_thread());
}

void node_lock(struct dsm *d, sigset_t *mask)
{
	signals_hold(mask);
	pthread_mutex_lock(&d->lock);
	check_mask(d, mask);
}

void node_unlock(struct dsm *d, const sigset_t *mask)
{
	pthread_mutex_unlock(&d->lock);
	signals_release(mask);
}
