/* SPDX-License-Identifier: BSD-2-Clause */
/* dsm_exit: leaving with threads that go on until the process ends. */
#include <unistd.h>

#include "dsm/dsm_bind.h"
#include "dsm/start/steps.h"

void dsm_exit(dsm_t *d, int status)
{
	char left[BOOT_DIR_MAX + 1];

	if (!d || node_is_copy(d) || entry_in_window(d, __builtin_frame_address(0)))
		_exit(status);
	/* Once all have come nobody needs what this node has, and all have heard that: then none
	 * of them takes the end of another for a loss. Whatever threads still ask for stays
	 * without an answer, and what they use stays mapped. */
	if (dsm_barrier(d) == 0)
		node_agree(d, 0);
	loop_stop(d);
	admin_stop(d, left);
	d->boot->ops->close(d->boot);
	admin_leave(left);
	_exit(status);
}
