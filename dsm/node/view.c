/* SPDX-License-Identifier: BSD-2-Clause */
/* Who lives, what is lost, and what waits for a view to come (view.h). */
#include <errno.h>

#include "dsm/node/node.h"

#define KEPT_FIRST 256 /* messages that there is room for at first */

static int map(size_t bytes, void *out)
{
	return mm_map(NULL, bytes, PROT_READ | PROT_WRITE,
	              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0, (void **)out);
}

static size_t lost_bytes(const struct dsm *d)
{
	return (d->memory.region.pages + 63) / 64 * sizeof *d->view.lost;
}

/* Secure pages come to homes, to second nodes and to a stand-in beside what there is without them. */
static uint32_t most_homes(const struct dsm *d)
{
	const uint32_t most = NODE_SLOTS * d->engine.cfg.nodes;

	return d->engine.cfg.secure_pages ? 6 * most + 2 * COH_RESTORES : 2 * most;
}

uint64_t view_landing_bytes(const struct dsm *d)
{
	const struct region_zone *huge = &d->memory.region.zone[REGION_PMD];
	const uint64_t at_once = huge->count < NODE_SLOTS ? huge->count : NODE_SLOTS;

	return ((uint64_t)d->engine.cfg.nodes * NODE_SLOTS + most_homes(d)) * REGION_PTE_BYTES +
	       at_once * huge->page_bytes;
}

int view_open(struct dsm *d)
{
	const uint32_t most = most_homes(d);
	struct view *v = &d->view;
	pthread_condattr_t attr;
	int rc;

	v->number = 1;
	v->members = ~UINT64_C(0) >> (64 - d->engine.cfg.nodes);
	v->writes = most;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&v->changed, &attr);
	pthread_condattr_destroy(&attr);
	rc = landings_open(&v->landings, &d->memory.region, d->tr, NODE_SLOTS, most);
	if (rc == 0)
		rc = map(lost_bytes(d), &v->lost);
	if (rc == 0)
		rc = map(most * sizeof *v->write, &v->write);
	if (rc == 0 && d->engine.cfg.secure_pages)
		rc = stages_open(&d->secures.stages, d->engine.cfg.secure_first, d->engine.cfg.secure_pages);
	if (rc)
		return rc;
	for (uint32_t i = 0; i < most; i++)
		v->write[i].next = i + 1;
	return 0;
}

void view_close(struct dsm *d)
{
	struct view *v = &d->view;

	landings_close(&v->landings);
	stages_close(&d->secures.stages);
	read_locks_close(&v->read_locks);
	if (v->lost)
		mm_unmap(v->lost, lost_bytes(d));
	if (v->write)
		mm_unmap(v->write, v->writes * sizeof *v->write);
	if (v->kept)
		mm_unmap(v->kept, v->kept_cap * sizeof *v->kept);
	if (v->on && v->number)
		pthread_cond_destroy(&v->changed);
	*v = (struct view){0};
}

unsigned view_run_most(const struct dsm *d)
{
	return d->view.on ? 1 : COH_MAX_RUN;
}

int view_holds_up(const struct dsm *d, unsigned event)
{
	return d->view.on &&
	       (coh_has_more(d->engine.coh) || (d->view.shut && view_shuts(event)));
}

int view_lives(const struct dsm *d, coh_node rank)
{
	return !d->view.on || (d->view.members & ~d->view.cut) >> rank & 1;
}

void view_suspect(struct dsm *d, coh_node rank)
{
	if (!view_lives(d, rank))
		return;
	d->view.cut |= UINT64_C(1) << rank;
	d->tr->ops->cut(d->tr, rank);
	view_writes_end(d, rank);
	if (d->view.survive && !d->view.leaving)
		survive_suspect(d->view.survive, rank, VIEWS_GONE);
	waits_room(&d->waits);
}

/* --- lost pages --- */

int view_has_lost(const struct dsm *d, uint64_t page)
{
	return d->view.on && d->view.lost[page / 64] >> page % 64 & 1;
}

void view_lose(struct dsm *d, uint64_t page)
{
	int rc = 0;

	if (view_has_lost(d, page))
		return;
	d->view.lost[page / 64] |= UINT64_C(1) << page % 64;
	d->view.n_lost++;
	if (!d->signal)
		rc = d->trap->ops->refuse(d->trap, page, 1);
	if (d->view.n_lost == 1)
		log_line(&d->log, DSM_LOG_WARN, "page %llu is lost: a node that has died had it alone; "
		         "who touches it gets SIGBUS, or EFAULT from a system call. Of others like it "
		         "nothing is said", (unsigned long long)page);
	if (rc)
		log_line(&d->log, DSM_LOG_ERROR, "page %llu, which is lost, cannot be refused: error %d",
		         (unsigned long long)page, -rc);
}

void view_renew(struct dsm *d, uint64_t page, uint16_t n)
{
	int rc = 0;

	for (uint64_t p = page; p < page + n; p++) {
		if (!view_has_lost(d, p))
			continue;
		d->view.lost[p / 64] &= ~(UINT64_C(1) << p % 64);
		if (!d->signal && rc == 0)
			rc = d->trap->ops->admit(d->trap, p);
	}
	if (rc) {
		log_line(&d->log, DSM_LOG_ERROR, "pages %llu +%u, which are renewed, cannot be trapped "
		         "again: error %d", (unsigned long long)page, n, -rc);
		node_fail(d, "the window cannot be protected");
	}
}

/* --- messages of a view to come --- */

/* Twice as long. By the kernel's call: whoever polls may be in a signal handler. */
static int kept_grow(struct view *v)
{
	const size_t cap = v->kept_cap ? 2 * v->kept_cap : KEPT_FIRST;
	struct view_msg *ring = NULL;
	int rc = map(cap * sizeof *ring, &ring);

	if (rc)
		return rc;
	for (size_t i = 0; i < v->kept_len; i++)
		ring[i] = v->kept[(v->kept_head + i) % v->kept_cap];
	if (v->kept)
		mm_unmap(v->kept, v->kept_cap * sizeof *ring);
	v->kept = ring;
	v->kept_cap = cap;
	v->kept_head = 0;
	return 0;
}

int view_keep(struct dsm *d, coh_node from, const struct coh_msg *msg)
{
	struct view *v = &d->view;
	struct view_msg *m;
	int rc = v->kept_len == v->kept_cap ? kept_grow(v) : 0;

	if (rc)
		return rc;
	m = &v->kept[(v->kept_head + v->kept_len++) % v->kept_cap];
	m->from = from;
	m->msg = *msg;
	return 0;
}

/* --- page writes --- */

uint64_t view_write_begins(struct dsm *d, coh_node to, uint64_t page, uint16_t n)
{
	const uint32_t i = d->view.write_free;

	if (i == d->view.writes)
		return UINT64_MAX;
	d->view.write_free = d->view.write[i].next;
	d->view.write[i] = (struct view_write){.page = page, .to = to, .n = n};
	frames_pin(&d->memory.frames, page, n);
	return i;
}

void view_write_ends(struct dsm *d, uint64_t cookie)
{
	struct view_write *w = &d->view.write[cookie];

	if (cookie >= d->view.writes || !w->n)
		return;
	frames_unpin(&d->memory.frames, w->page, w->n);
	w->n = 0;
	w->next = d->view.write_free;
	d->view.write_free = (uint32_t)cookie;
}

void view_writes_end(struct dsm *d, coh_node to)
{
	for (uint32_t i = 0; i < d->view.writes; i++)
		if (d->view.write[i].n && d->view.write[i].to == to)
			view_write_ends(d, i);
}
