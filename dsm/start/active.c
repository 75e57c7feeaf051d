/* SPDX-License-Identifier: BSD-2-Clause */
/* A process is a node at most once. */
#include <stdatomic.h>

#include "dsm/dsm_bind.h"
#include "dsm/start/start.h"

/* The globals: a process is a node at most once (one window, one set of threads). */
static atomic_flag active = ATOMIC_FLAG_INIT;
static dsm_t *_Atomic current; /* released with what the node is; dsm_current() acquires it */

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

void node_set_current(struct dsm *d)
{
	atomic_store_explicit(&current, d, memory_order_release);
}

dsm_t *dsm_current(void)
{
	return atomic_load_explicit(&current, memory_order_acquire);
}
