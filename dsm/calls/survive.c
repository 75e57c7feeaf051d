/* SPDX-License-Identifier: BSD-2-Clause */
/* dsm_survive.h: who lives, and what is lost. */
#include "dsm/dsm_survive.h"

#include <errno.h>
#include <time.h>

#include "dsm/calls/discard.h"
#include "dsm/heap/heap.h"
#include "dsm/node/node.h"

#define LOOK_AGAIN_NS 1000000 /* while a home does not know its pages yet */

/* Lock held. */
static void fill(const struct dsm *d, struct dsm_view *out)
{
	out->number = d->view.number;
	out->members = d->view.members;
	out->living = __builtin_popcountll(d->view.members);
}

int dsm_view(dsm_t *d, struct dsm_view *view)
{
	NODE_ENTRY(dsm_view, d, view);
	sigset_t mask;

	if (!view || node_is_copy(d))
		return DSM_ERR_INVAL;
	node_lock(d, &mask);
	fill(d, view);
	node_unlock(d, &mask);
	return 0;
}

/* Lock held. Waits for a view after that one: 0, DSM_ERR_TIMEDOUT or DSM_ERR_LOST. */
static int wait_after(struct dsm *d, uint32_t number, uint64_t end_ns, int for_teller)
{
	const struct timespec end = {.tv_sec = (time_t)(end_ns / 1000000000),
	                             .tv_nsec = (long)(end_ns % 1000000000)};
	int rc = 0;

	while (d->view.number <= number && !d->members.lost && rc != ETIMEDOUT &&
	       !(for_teller && d->view.telling_ends)) {
		if (end_ns == WAITS_FOR_EVER)
			pthread_cond_wait(&d->view.changed, &d->lock);
		else
			rc = pthread_cond_timedwait(&d->view.changed, &d->lock, &end);
	}
	if (d->view.number > number)
		return 0;
	return d->members.lost ? DSM_ERR_LOST : DSM_ERR_TIMEDOUT;
}

int dsm_wait_view(dsm_t *d, uint32_t number, int timeout_ms)
{
	NODE_ENTRY(dsm_wait_view, d, number, timeout_ms);
	const uint64_t end_ns = timeout_ms < 0
	                                ? WAITS_FOR_EVER
	                                : clock_now_ns() + (uint64_t)timeout_ms * 1000000;
	sigset_t mask;
	int rc;

	if (timeout_ms < -1 || node_is_copy(d))
		return DSM_ERR_INVAL;
	if (!d->view.on)
		return DSM_ERR_NOTSUP;
	node_lock(d, &mask);
	rc = wait_after(d, number, end_ns, 0);
	node_unlock(d, &mask);
	return rc;
}

/* --- who is told --- */

static void *tell(void *arg)
{
	struct dsm *d = arg;
	struct dsm_view view;
	sigset_t faults;
	int rc;

	/* Pages may come by it. */
	sigemptyset(&faults);
	sigaddset(&faults, SIGBUS);
	pthread_sigmask(SIG_UNBLOCK, &faults, NULL);
	pthread_mutex_lock(&d->lock);
	fill(d, &view);
	pthread_mutex_unlock(&d->lock);
	for (;;) {
		pthread_mutex_lock(&d->lock);
		rc = wait_after(d, view.number, WAITS_FOR_EVER, 1);
		fill(d, &view);
		if (d->view.telling_ends)
			rc = DSM_ERR_LOST;
		pthread_mutex_unlock(&d->lock);
		if (rc)
			return NULL;
		d->view.tell(d->view.tell_ctx, d, &view);
	}
}

int dsm_on_view(dsm_t *d, dsm_view_fn fn, void *ctx)
{
	NODE_ENTRY(dsm_on_view, d, fn, ctx);
	sigset_t mask;
	int rc = 0;

	if (!fn || node_is_copy(d))
		return DSM_ERR_INVAL;
	if (!d->view.on)
		return DSM_ERR_NOTSUP;
	node_lock(d, &mask);
	if (d->view.has_teller)
		rc = DSM_ERR_BUSY;
	if (rc == 0) {
		d->view.tell = fn;
		d->view.tell_ctx = ctx;
		rc = thread_start(&d->view.teller, 0, tell, d, NULL) ? DSM_ERR_LIMIT : 0;
		d->view.has_teller = rc == 0;
	}
	node_unlock(d, &mask);
	return rc;
}

/* --- what is lost --- */

struct lost {
	struct dsm *d;
	dsm_lost_fn fn;
	void *ctx;
	uint8_t *lo, *hi;       /* of the range asked for */
	uint64_t first, n;      /* pages that are lost, of which nothing has been said yet */
};

static int flush(struct lost *l)
{
	const struct region *region = &l->d->memory.region;
	const uint64_t n = l->n;
	uint8_t *from, *to;

	if (!n)
		return 0;
	l->n = 0;
	from = region_window_at(region, l->first);
	to = from + n * region_zone_of(region, l->first)->page_bytes;
	from = from < l->lo ? l->lo : from;
	to = to > l->hi ? l->hi : to;
	return l->fn(l->ctx, from, (size_t)(to - from));
}

static int note(struct lost *l, uint64_t page)
{
	int rc = 0;

	if (l->n && (page != l->first + l->n ||
	             region_run(&l->d->memory.region, l->first, l->n + 1) != l->n + 1))
		rc = flush(l);
	if (!l->n)
		l->first = page;
	l->n++;
	return rc;
}

/* The home of these pages says which of them are lost; asked again as long as it has to. */
static int ask(struct dsm *d, uint64_t page, uint64_t n, uint64_t word[3])
{
	struct coh_svc svc;
	sigset_t mask;
	coh_node home;
	int rc, lost;

	for (;;) {
		node_lock(d, &mask);
		home = node_home_of(d, page);
		lost = d->members.lost;
		node_unlock(d, &mask);
		if (lost)
			return lost;
		svc = (struct coh_svc){.op = SVC_LOST, .arg = {page, n}};
		rc = heap_ask(d, home, &svc, -1, 0, "dsm_lost");
		if (rc != -EAGAIN && rc != DSM_ERR_LOST)
			break;
		clock_nap(LOOK_AGAIN_NS);
	}
	for (int i = 0; i < 3; i++)
		word[i] = svc.arg[i];
	return rc;
}

static int look(struct lost *l, uint64_t page, uint64_t end)
{
	struct dsm *d = l->d;
	uint64_t word[3], n;
	int rc = 0;

	for (; page < end && rc == 0; page += n) {
		n = coh_block_end(&d->engine.cfg, page) - page;
		n = n < HEAP_LOST_PAGES ? n : HEAP_LOST_PAGES;
		n = n < end - page ? n : end - page;
		rc = ask(d, page, n, word);
		for (uint64_t i = 0; i < n && rc == 0; i++)
			if (word[i / 64] >> i % 64 & 1)
				rc = note(l, page + i);
	}
	return rc ? rc : flush(l);
}

int dsm_lost(dsm_t *d, const void *ptr, size_t bytes, dsm_lost_fn fn, void *ctx)
{
	NODE_ENTRY(dsm_lost, d, ptr, bytes, fn, ctx);
	struct lost l = {.d = d, .fn = fn, .ctx = ctx, .lo = (uint8_t *)ptr, .hi = (uint8_t *)ptr + bytes};

	if (!fn || region_kind_of(&d->memory.region, ptr, bytes) < 0 || node_is_copy(d))
		return DSM_ERR_INVAL;
	if (!d->view.on)
		return DSM_ERR_NOTSUP;
	if (bytes == 0)
		return 0;
	return look(&l, region_page_of(&d->memory.region, l.lo),
	            region_page_of(&d->memory.region, l.hi - 1) + 1);
}

/* --- and made anew --- */

int dsm_secure(dsm_t *d)
{
	NODE_ENTRY(dsm_secure, d);

	return node_is_copy(d) ? DSM_ERR_INVAL : node_secure(d);
}

int dsm_renew(dsm_t *d, void *ptr, size_t bytes)
{
	NODE_ENTRY(dsm_renew, d, ptr, bytes);
	const struct region *region = &d->memory.region;
	uint64_t first, n;
	uint32_t view;
	int rc;

	if (region_kind_of(region, ptr, bytes) < 0 || node_is_copy(d))
		return DSM_ERR_INVAL;
	if (!d->view.on)
		return DSM_ERR_NOTSUP;
	if (bytes == 0)
		return 0;
	first = region_page_of(region, ptr);
	n = (uint64_t)region_page_of(region, (uint8_t *)ptr + bytes - 1) + 1 - first;
	/* Who dies meanwhile may take along what has just been made. */
	do {
		view = view_number(d);
		rc = renew_pages(d, view, first, n, "dsm_renew");
	} while (rc == DSM_ERR_VIEW || (rc == 0 && view_number(d) != view));
	return rc;
}
