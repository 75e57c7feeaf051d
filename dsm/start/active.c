/* SPDX-License-Identifier: BSD-2-Clause */
/* A process is a node at most once. */
#include <stdatomic.h>

#include "dsm/start/start.h"

/* The one global: a process is a node at most once (one window, one set of threads). */
static atomic_flag active = ATOMIC_FLAG_INIT;

int node_become(void)
{
	if (!atomic_flag_test_and_set(&active))
		return 0;
	init_error_set("this process is a node already; dsm_fini comes first");
	return DSM_ERR_ACTIVE;
}

void node_cease(void)
{
	atomic_flag_clear(&active);
}
