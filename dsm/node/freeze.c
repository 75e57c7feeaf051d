/* SPDX-License-Identifier: BSD-2-Clause */
/* Holding all pages as they are, while they are saved. */
#include "dsm/node/freeze.h"

#include <utlist.h>

#include "dsm/node/node.h"

#define LOOK_PAGES 8192 /* with the lock held: others wait for it */

void freeze_keep_fault(struct freeze *f, uint64_t page)
{
	if (f->n == FREEZE_FAULTS)
		f->all = 1;
	else
		f->fault[f->n++] = page;
}

/* Pages from first on, of one zone and below end, for which is_one() holds. */
static uint32_t run_of(struct dsm *d, uint64_t first, uint64_t end,
                       int (*is_one)(struct dsm *d, uint64_t page))
{
	const struct region_zone *zone = region_zone_of(&d->memory.region, first);
	uint64_t page = first;

	if (end > zone->first + zone->count)
		end = zone->first + zone->count;
	while (page < end && is_one(d, page))
		page++;
	return (uint32_t)(page - first);
}

/* Sets the access of all pages for which is_one() holds. */
static int set_all(struct dsm *d, enum trap_access access,
                   int (*is_one)(struct dsm *d, uint64_t page))
{
	const struct trap_ops *ops = d->trap->ops;
	const uint64_t pages = d->memory.region.pages;
	uint64_t page = 0;
	sigset_t mask;
	int rc = 0;

	while (page < pages && rc == 0) {
		node_lock(d, &mask);
		for (unsigned looked = 0; looked < LOOK_PAGES && rc == 0;) {
			uint32_t n;

			page = ops->next_touched(d->trap, page);
			if (page >= pages)
				break;
			n = run_of(d, page, page + LOOK_PAGES, is_one);
			if (n)
				rc = ops->set_access(d->trap, page, n, access);
			looked += n ? n : 1;
			page += n ? n : 1;
		}
		node_unlock(d, &mask);
	}
	return rc;
}

/* --- the steps --- */

static int may_write(struct dsm *d, uint64_t page)
{
	return d->trap->ops->access(d->trap, page) == TRAP_WRITE;
}

static int lacks_write(struct dsm *d, uint64_t page)
{
	return d->trap->ops->access(d->trap, page) == TRAP_READ &&
	       coh_access_of(coh_cache_state_of(d->engine.coh, page)) == COH_WRITE;
}

void freeze_write_on(struct dsm *d, uint64_t page)
{
	const struct region_zone *zone = region_zone_of(&d->memory.region, page);
	uint32_t n, run;

	if (zone != &d->memory.region.zone[REGION_PTE] || d->freeze.what != FREEZE_NONE)
		return;
	n = writes_fault(&d->freeze.writes, page);
	if (n > FREEZE_RUN)
		n = FREEZE_RUN;
	run = n > 1 && page + 1 < zone->first + zone->count
	              ? run_of(d, page + 1, page + n, lacks_write)
	              : 0;
	writes_asked(&d->freeze.writes, page, run + 1);
	if (run == 0)
		return;
	moment_change(d, page + 1, run);
	(void)d->trap->ops->set_access(d->trap, page + 1, run, TRAP_WRITE); /* else when it is written */
}

/* What is pinned may be written by devices. */
static int has_pins(const struct dsm *d)
{
	const struct pin *p;

	DL_FOREACH(d->pins.all, p)
		if (p->pins)
			return 1;
	return 0;
}

int freeze_begin(struct dsm *d)
{
	sigset_t mask;
	int rc = 0;

	node_lock(d, &mask);
	d->freeze.what = FREEZE_ALL;
	d->freeze.lowered = 1;
	d->freeze.writes = (struct writes){0};
	while (d->pins.clearing && !d->members.lost)
		node_wait_room(d);
	if (d->members.lost)
		rc = DSM_ERR_LOST;
	else if (has_pins(d))
		rc = DSM_ERR_BUSY;
	node_unlock(d, &mask);
	if (rc == 0)
		rc = set_all(d, TRAP_READ, may_write);
	if (rc)
		freeze_end(d);
	return rc;
}

static int wait_while(struct dsm *d, int (*has)(const struct coh *coh))
{
	sigset_t mask;
	int rc;

	node_lock(d, &mask);
	while (!d->members.lost && has(d->engine.coh))
		node_wait_room(d);
	rc = d->members.lost ? DSM_ERR_LOST : 0;
	node_unlock(d, &mask);
	return rc;
}

int freeze_drain(struct dsm *d)
{
	return wait_while(d, coh_has_requests);
}

int freeze_settle(struct dsm *d)
{
	return wait_while(d, coh_has_transactions);
}

static void go_on(struct dsm *d, enum freeze_what what)
{
	sigset_t mask;

	node_lock(d, &mask);
	d->freeze.what = (uint8_t)what;
	waits_room(&d->waits);
	progress_kick(&d->progress); /* faults that were not read */
	node_unlock(d, &mask);
}

void freeze_let_read(struct dsm *d)
{
	go_on(d, FREEZE_STORES);
}

void freeze_thaw(struct dsm *d)
{
	sigset_t mask;

	go_on(d, FREEZE_NONE);
	node_lock(d, &mask);
	for (unsigned i = 0; i < d->freeze.n; i++)
		d->trap->ops->wake(d->trap, d->freeze.fault[i], 1);
	if (d->freeze.all)
		d->trap->ops->wake(d->trap, 0, (uint32_t)d->memory.region.pages);
	d->freeze.n = d->freeze.all = 0;
	node_unlock(d, &mask);
}

/* A page for which that fails is made so when a thread writes it next. */
void freeze_let_write(struct dsm *d)
{
	sigset_t mask;

	set_all(d, TRAP_WRITE, lacks_write);
	node_lock(d, &mask);
	d->freeze.lowered = 0;
	node_unlock(d, &mask);
}

/* Writable before anybody is woken: he would fault once more. */
void freeze_end(struct dsm *d)
{
	go_on(d, FREEZE_NONE);
	freeze_let_write(d);
	freeze_thaw(d);
}
