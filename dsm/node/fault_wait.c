/* SPDX-License-Identifier: BSD-2-Clause */
/* A call that asks for a page as a thread that has faulted on it does (faults.h). */
#include <errno.h>

#include "dsm/dsm.h"
#include "dsm/node/node.h"

int node_fault_wait(struct dsm *d, const struct trap_fault *f, unsigned run, const char *what,
                    const sigset_t *mask)
{
	struct waits_answer answer;
	struct waiter w;
	sigset_t all;
	int rc = node_frame_for(d, f->page);

	if (rc == -ENOSPC)
		return DSM_ERR_NOMEM;
	waits_add(&d->waits, &w, what);
	answer = waits_answer(&w);
	if (rc == 0)
		rc = node_fault_ask(d, f, run, &w);
	if (rc) {
		if (!waits_is_over(&answer)) /* by the end of the job */
			waits_done(&d->waits, &w, 0);
		return rc;
	}
	node_help(d, &answer);
	node_unlock(d, mask);
	waits_sleep(&answer, WAITS_FOR_EVER);
	node_lock(d, &all);
	return w.status;
}
