/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads that wait for pages. */
#include "dsm/node/fault_list.h"

#include "dsm/base/base.h"

int faults_remember(struct faults *faults, const struct trap_fault *f, unsigned kind,
                    struct waiter *w, uint64_t now_ns)
{
	if (faults->n == FAULTS_MAX)
		return 0;
	faults->list[faults->n++] = (struct fault){.page = f->page,
	                                           .since_ns = now_ns,
	                                           .address = f->address,
	                                           .thread = f->thread,
	                                           .write = f->write,
	                                           .kind = kind,
	                                           .waiter = w};
	return 1;
}

struct waiter *faults_waiter(struct faults *faults, struct waits *waits)
{
	struct waiter *w = faults->idle;

	if (w)
		faults->idle = w->next;
	else if (faults->waiters < FAULTS_MAX)
		w = &faults->waiter[faults->waiters++];
	if (w)
		waits_add_again(waits, w, &faults->idle);
	return w;
}

const struct fault *faults_for(const struct faults *faults, uint64_t first, uint32_t n)
{
	for (unsigned i = faults->n; i-- > 0;)
		if (faults->list[i].page >= first && faults->list[i].page < first + n)
			return &faults->list[i];
	return NULL;
}

void faults_woken(struct faults *faults, struct tenure *tenure, struct waits *waits,
                  uint64_t first, uint32_t n)
{
	uint64_t now = 0;

	faults->woken = 0;
	for (unsigned i = 0; i < faults->n;) {
		struct fault *f = &faults->list[i];
		if (f->page < first || f->page >= first + n) {
			i++;
			continue;
		}
		if (!now)
			now = clock_now_ns();
		faults->ns += now - f->since_ns;
		if (f->kind)
			latency_note(&waits->latency, f->kind, now - f->since_ns);
		TRACE_NOTE(waits->trace, .kind = TRACE_SERVED, .at_ns = now, .page = f->page,
		           .thread = f->thread, .since_ns = f->since_ns);
		faults->woken = f->thread;
		tenure_thread_runs(tenure, f->thread, now);
		if (f->waiter)
			waits_done(waits, f->waiter, 0);
		*f = faults->list[--faults->n];
	}
}

void faults_forget(struct faults *faults)
{
	faults->n = 0;
	faults->has_stalled = 0;
}
