/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages whose content is still in a checkpoint (away.h): who asks for them, and what waits. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <utlist.h>

#include "dsm/node/node.h"

static size_t map_bytes(const struct dsm *d)
{
	return (d->memory.region.pages + 63) / 64 * sizeof(uint64_t);
}

int away_open(struct dsm *d)
{
	struct away *a = &d->away;
	void *at = NULL;

	if (mm_map(NULL, 2 * map_bytes(d), PROT_READ | PROT_WRITE,
	           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0, &at))
		return -ENOMEM;
	pthread_cond_init(&a->work, NULL);
	a->out = at;
	a->wanted = a->out + map_bytes(d) / sizeof(uint64_t);
	a->count = d->memory.region.pages;
	a->huge = d->memory.region.zone[REGION_PMD].first;
	a->most_kept = (uint32_t)d->engine.cfg.nodes * d->engine.cfg.per_home;
	return 0;
}

void away_close(struct dsm *d)
{
	struct away *a = &d->away;
	struct away_kept *k, *next;

	if (!a->out)
		return;
	DL_FOREACH_SAFE(a->kept, k, next)
		free(k);
	pthread_cond_destroy(&a->work);
	mm_unmap(a->out, 2 * map_bytes(d));
	a->out = NULL;
	a->left = 0;
}

static int is_set(const uint64_t *map, uint64_t page)
{
	return map[page / 64] >> page % 64 & 1;
}

uint64_t away_add(struct away *a, uint64_t page, uint64_t n)
{
	const uint64_t left = a->left;

	for (uint64_t end = page + n; page < end; page++) {
		a->left += !is_set(a->out, page);
		a->out[page / 64] |= UINT64_C(1) << page % 64;
	}
	return a->left - left;
}

static void take_out(struct away *a, uint64_t page)
{
	a->out[page / 64] &= ~(UINT64_C(1) << page % 64);
	a->left--;
}

static int is_read(const struct away *a, uint64_t page)
{
	for (unsigned i = 0; i < AWAY_READERS; i++)
		if (away_piece_has(&a->reading[i], page))
			return 1;
	return 0;
}

static int may_be_read(const struct away *a, uint64_t page)
{
	return is_set(a->out, page) && !is_read(a, page);
}

/* --- who asks --- */

void away_want(struct away *a, uint64_t page)
{
	if (is_set(a->wanted, page))
		return;
	a->wanted[page / 64] |= UINT64_C(1) << page % 64;
	if (a->end - a->first < AWAY_QUEUE)
		a->queue[a->end++ % AWAY_QUEUE] = page;
	else
		a->spilled = 1;
	pthread_cond_signal(&a->work);
}

int away_fault(struct away *a, uint64_t page)
{
	const int is_away = away_has(a, page);

	if (a->left)
		away_ahead(a, page, is_away);
	if (is_away)
		away_want(a, page);
	return is_away;
}

/* How many of n pages, the first of which is not away, are before one that is; and that one is
 * wanted. */
static uint16_t before_away(struct away *a, uint64_t page, uint16_t n)
{
	for (uint16_t k = 1; k < n; k++)
		if (away_fault(a, page + k))
			return k;
	return n;
}

/* Nobody needs what was in these; but what is being read would come after it is gone, and who waits
 * for it waits on. */
static void forget(struct away *a, uint64_t page, uint16_t n)
{
	for (uint16_t k = 0; k < n; k++)
		if (away_has(a, page + k) && !is_set(a->wanted, page + k) && !is_read(a, page + k))
			take_out(a, page + k);
}

int away_event(struct away *a, struct coh_event *ev)
{
	switch (ev->kind) {
	case COH_EV_DISCARD: forget(a, ev->page, ev->n); break;
	case COH_EV_READ:
	case COH_EV_WRITE:
	case COH_EV_PREFETCH:
	case COH_EV_ATOMIC:
	case COH_EV_FUTEX_WAIT:
	case COH_EV_FUTEX_WAKE: break;
	default: return 0;
	}
	if (away_fault(a, ev->page))
		return -EAGAIN;
	ev->n = before_away(a, ev->page, ev->n);
	return 0;
}

int away_keep(struct away *a, coh_node from, struct coh_msg *m)
{
	struct away_kept *k;

	switch (m->type) {
	case COH_MSG_DISCARD: forget(a, m->page, m->n); break;
	case COH_MSG_GETS:
	case COH_MSG_GETM:
	case COH_MSG_ATOMIC:
	case COH_MSG_FUTEX_WAIT:
	case COH_MSG_FUTEX_WAKE: break;
	default: return 0;
	}
	if (!away_fault(a, m->page)) {
		m->n = before_away(a, m->page, m->n);
		return 0;
	}
	if (a->n_kept == a->most_kept)
		return -EPROTO; /* more than all nodes may have outstanding */
	k = malloc(sizeof *k);
	if (!k)
		return -ENOMEM;
	a->n_kept++;
	*k = (struct away_kept){.from = from, .msg = *m};
	DL_APPEND(a->kept, k);
	return 1;
}

/* --- who reads --- */

int away_take(struct away *a, uint64_t page)
{
	if (!away_has(a, page))
		return 0;
	take_out(a, page);
	return 1;
}

/* From where it looked last. */
static int look_on(struct away *a, uint64_t *page)
{
	for (; a->at < a->count; a->at++) {
		if (!a->out[a->at / 64]) {
			a->at |= 63;
			continue;
		}
		if (may_be_read(a, a->at) && (a->all || is_set(a->wanted, a->at))) {
			*page = a->at;
			return 1;
		}
	}
	return 0;
}

static int next_ahead(struct away *a, uint64_t *page)
{
	while (away_next_ahead(a, page))
		if (may_be_read(a, *page))
			return 1;
	return 0;
}

int away_next(struct away *a, uint64_t *page)
{
	while (a->first != a->end) {
		*page = a->queue[a->first++ % AWAY_QUEUE];
		if (may_be_read(a, *page))
			return 1;
	}
	if (!a->spilled && !a->all)
		return next_ahead(a, page);
	if (look_on(a, page))
		return 1;
	a->at = 0; /* once more: what was wanted behind it */
	if (look_on(a, page))
		return 1;
	a->at = 0;
	a->spilled = 0;
	return next_ahead(a, page);
}
