/* SPDX-License-Identifier: BSD-2-Clause */
/* What others are told of threads, and the helper of what there is to do. */
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dsm/workers/room.h"

void workers_answer(struct dsm *d, struct asker to, int status, uint64_t value)
{
	d->services->answer(d, to.node, to.slot, status, value, 0, 0);
}

void workers_over(struct workers *ws, struct worker *w, uint64_t value)
{
	struct asker joiner;

	if (table_over(&ws->table, w, value, &joiner))
		workers_answer(ws->d, joiner, 0, value);
}

void workers_rouse(struct workers *ws)
{
	/* Release: who sees it sees the queues, too, though he takes the lock anyhow. */
	__atomic_add_fetch(&ws->news, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, &ws->news, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}
