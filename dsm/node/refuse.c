/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults that cannot be served (refuse.h). */
#include "dsm/node/refuse.h"

#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dsm/node/node.h"

static void say(struct dsm *d, const struct trap_fault *f, const char *why)
{
	struct refusals *r = &d->refusals;

	if (r->why == why && r->thread == f->thread)
		return;
	r->why = why;
	r->thread = f->thread;
	log_line(&d->log, DSM_LOG_ERROR,
	         "thread %u gets SIGBUS, or EFAULT from a system call, for page %llu and what else "
	         "it cannot have: %s",
	         f->thread, (unsigned long long)f->page, why);
	log_flush(&d->log);
}

/* Nobody has waited for it, or he has heard. Who has not faults once more. */
static void lift(struct dsm *d, uint64_t page)
{
	if (d->checks)
		mm_protect(region_window_at(&d->memory.region, page),
		           region_zone_of(&d->memory.region, page)->page_bytes,
		           PROT_READ | PROT_WRITE);
	if (d->trap->ops->access(d->trap, page) == TRAP_NONE)
		d->trap->ops->set_access(d->trap, page, 1, TRAP_NONE);
}

void node_lift_refusals(struct dsm *d)
{
	struct refusals *r = &d->refusals;

	for (unsigned i = 0; i < r->n && !d->members.lost; i++)
		lift(d, r->page[i]);
	r->n = 0;
}

static void remember(struct refusals *r, struct dsm *d, uint64_t page)
{
	for (unsigned i = 0; i < r->n; i++)
		if (r->page[i] == page)
			return;
	if (r->n == REFUSED_PAGES) {
		lift(d, r->page[0]);
		memmove(r->page, r->page + 1, --r->n * sizeof *r->page);
	}
	r->page[r->n++] = page;
}

void node_refuse(struct dsm *d, const struct trap_fault *f, const char *why)
{
	const int for_ever = d->members.lost;

	say(d, f, why);
	if (d->trap->ops->refuse(d->trap, f->page, for_ever)) {
		/* An old kernel. That much helps a thread whose own access it is. */
		syscall(SYS_tgkill, getpid(), f->thread ? f->thread : (uint32_t)getpid(), SIGBUS);
		return;
	}
	if (!for_ever)
		remember(&d->refusals, d, f->page);
}

void node_shut(struct dsm *d, uint64_t page)
{
	const struct region_zone *zone = region_zone_of(&d->memory.region, page);

	mm_protect(region_window_at(&d->memory.region, page), zone->page_bytes, PROT_NONE);
	remember(&d->refusals, d, page);
	d->trap->ops->wake(d->trap, page, 1);
	progress_kick(&d->progress); /* it looks when to lift that */
}
