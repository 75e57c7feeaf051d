/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A view begins, as dsm/members tells, in a thread of its own. The dead are cut off. What has landed
 * by then counts; whatever else is written from now on by anybody who is in an older view goes to
 * landings that nobody looks at any more (land.c), which is the fence. Then the core enters the view,
 * and what was kept for it is taken. What takes long the service thread goes on with.
 */
#include <string.h>

#include "dsm/node/node.h"

#define DRAIN_ROUNDS 1000 /* looks at the transport, which may be busy without end */
#define SHUT_PAGES 4096   /* by one call of the trap */

/* Those that have just been left out. */
static void cut_off(struct dsm *d, uint64_t out)
{
	for (coh_node rank = 0; rank < d->engine.cfg.nodes; rank++) {
		if (!(out >> rank & 1))
			continue;
		d->tr->ops->cut(d->tr, rank);
		view_writes_end(d, rank);
	}
	d->view.cut |= out;
}

/* Page writes that are here already are of the view that ends. */
static void drain(struct dsm *d)
{
	uint64_t handled;
	int i = 0;

	do {
		handled = d->engine.handled;
		node_progress(d);
	} while (d->engine.handled != handled && ++i < DRAIN_ROUNDS);
}

static void enter(struct dsm *d, uint32_t number, uint64_t members)
{
	struct coh_event ev = {.kind = COH_EV_VIEW, .view = number, .members = members};
	const uint64_t start = clock_now_ns();

	if (node_step(d, &ev)) {
		node_fail(d, "the nodes have agreed on a view that cannot follow");
		return;
	}
	cut_off(d, d->view.members & ~members);
	drain(d);
	if (d->members.lost)
		return;
	d->view.number = number;
	d->view.members = members;
	landings_renew(&d->view.landings);
	frames_rehome(&d->memory.frames, members);
	ev = (struct coh_event){.kind = COH_EV_FENCED};
	node_step(d, &ev);
	d->services->view(d);
	node_take_kept(d);
	log_line(&d->log, DSM_LOG_WARN, "view %u: %d of %d nodes live; entered in %llu us", number,
	         __builtin_popcountll(members), d->boot->size,
	         (unsigned long long)(clock_now_ns() - start) / 1000);
	pthread_cond_broadcast(&d->view.changed);
	waits_room(&d->waits);
	progress_kick(&d->progress);
}

void node_view_begins(void *dsm, uint32_t number, const struct vset *members)
{
	struct dsm *d = dsm;

	pthread_mutex_lock(&d->lock);
	if (!d->members.lost && number > d->view.number)
		enter(d, number, members->w[0]);
	pthread_mutex_unlock(&d->lock);
}

/* What the window allows is taken away, while the core goes on to have it: a thread that wants it
 * faults, and gets it back then. */
static void shut(struct dsm *d)
{
	const struct trap_ops *ops = d->trap->ops;
	const uint64_t pages = d->memory.region.pages;
	uint64_t page = 0;
	int rc = 0;

	while (rc == 0 && (page = ops->next_touched(d->trap, page)) < pages) {
		const struct region_zone *zone = region_zone_of(&d->memory.region, page);
		const uint64_t end = zone->first + zone->count;
		uint32_t n = 1;

		if (ops->access(d->trap, page) == TRAP_NONE) {
			page++;
			continue;
		}
		while (n < SHUT_PAGES && page + n < end && ops->access(d->trap, page + n) != TRAP_NONE)
			n++;
		rc = ops->set_access(d->trap, page, n, TRAP_NONE);
		page += n;
	}
	if (rc)
		node_fail(d, "the window cannot be shut");
}

void node_view_usable(void *dsm, int usable)
{
	struct dsm *d = dsm;

	pthread_mutex_lock(&d->lock);
	d->view.shut = !usable;
	if (!usable)
		shut(d);
	d->services->usable(d);
	waits_room(&d->waits);
	progress_kick(&d->progress);
	pthread_mutex_unlock(&d->lock);
}

void node_view_ends(void *dsm, const char *why)
{
	struct dsm *d = dsm;

	pthread_mutex_lock(&d->lock);
	if (d->view.leaving)
		d->view.cut = d->view.members; /* nobody is waited for */
	else
		node_fail(d, why);
	waits_room(&d->waits);
	pthread_mutex_unlock(&d->lock);
}
