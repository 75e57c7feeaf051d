/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads that wait for pages. */
#include "dsm/node/node.h"

/* Returns 1 when there was a place in the list. */
int node_fault_remember(struct dsm *d, const struct trap_fault *f, struct waiter *w)
{
	if (d->faults.n == NODE_FAULTS)
		return 0; /* it is served all the same, only not reported on */
	d->faults.list[d->faults.n++] = (struct fault){.page = f->page,
	                                         .since_ns = clock_now_ns(),
	                                         .thread = f->thread,
	                                         .write = f->write,
	                                         .waiter = w};
	return 1;
}

void node_faults_woken(struct dsm *d, uint64_t first, uint32_t n)
{
	uint64_t now = 0;

	d->faults.woken = 0;
	for (unsigned i = 0; i < d->faults.n;) {
		struct fault *f = &d->faults.list[i];
		if (f->page < first || f->page >= first + n) {
			i++;
			continue;
		}
		if (!now)
			now = clock_now_ns();
		d->faults.ns += now - f->since_ns;
		d->faults.woken = f->thread;
		tenure_thread_runs(&d->tenure, f->thread, now);
		if (f->waiter)
			waits_done(&d->waits, f->waiter, 0);
		*f = d->faults.list[--d->faults.n];
	}
}

void node_tenure_start(struct dsm *d, uint64_t page, unsigned slot)
{
	if (!pins_take_hold(d, page, slot))
		tenure_start(&d->tenure, slot, d->faults.woken, clock_now_ns());
}

void node_faults_lost(struct dsm *d)
{
	d->faults.n = 0; /* whose waiters are done */
	d->faults.has_stalled = 0;
	if (d->trap)
		d->trap->ops->wake(d->trap, 0, d->memory.region.pages);
	if (d->loop)
		loop_kick(d); /* it may have stopped taking faults */
}
