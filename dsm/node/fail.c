/* SPDX-License-Identifier: BSD-2-Clause */
/* The end of a job that cannot go on. */
#include "dsm/node/node.h"

void node_fail(struct dsm *d, const char *why)
{
	if (!members_declare_lost(&d->members, &d->log, why))
		return;
	/* Who hears of it may end the process at once. */
	log_flush(&d->log);
	/* Where the others go on, they are to miss this one. */
	if (d->view.survive)
		survive_mute(d->view.survive);
	d->members.told = d->view.on || members_tell_now(&d->members);
	if (d->view.on)
		pthread_cond_broadcast(&d->view.changed);
	waits_end(&d->waits, DSM_ERR_LOST);
	faults_forget(&d->faults);
	/* Threads that wait for a page try again, which refuses it to them. */
	if (d->trap)
		d->trap->ops->wake(d->trap, 0, d->memory.region.pages);
	progress_kick(&d->progress); /* the service thread may have stopped taking faults */
	waits_room(&d->waits);
}
