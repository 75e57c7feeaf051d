/* SPDX-License-Identifier: BSD-2-Clause */
/* 2Q: lists of pages linked by index, and a hash that finds a page's entry. */
#include "dsm/memory/evict.h"

#include <errno.h>
#include <stdlib.h>

#define NEW_SHARE 4   /* A1in has at most one in so many of the pages: Kin */
#define GHOST_SHARE 2 /* and A1out numbers for one in so many: Kout */

/* Indices are stored plus one; 0 means none. */
struct evict_entry {
	uint64_t page;
	uint32_t newer, older, chain;
	uint8_t list;
	uint8_t hot; /* in Am, or belongs there once it is neither idle nor leaving */
	uint8_t held_nothing; /* leaving: it was idle */
};

static struct evict_entry *at(const struct evict *e, uint32_t ref)
{
	return &e->entry[ref - 1];
}

/* --- lists --- */

static void unlink_entry(struct evict *e, uint32_t ref)
{
	struct evict_entry *x = at(e, ref);
	struct evict_queue *q = &e->list[x->list];

	*(x->newer ? &at(e, x->newer)->older : &q->head) = x->older;
	*(x->older ? &at(e, x->older)->newer : &q->tail) = x->newer;
	q->len--;
}

static void link_entry(struct evict *e, uint32_t ref, enum evict_list list)
{
	struct evict_entry *x = at(e, ref);
	struct evict_queue *q = &e->list[list];

	x->list = list;
	x->newer = 0;
	x->older = q->head;
	*(q->head ? &at(e, q->head)->newer : &q->tail) = ref;
	q->head = ref;
	q->len++;
}

static void move(struct evict *e, uint32_t ref, enum evict_list list)
{
	unlink_entry(e, ref);
	link_entry(e, ref, list);
}

/* --- finding --- */

static uint32_t *bucket_of(const struct evict *e, uint64_t page)
{
	return &e->bucket[page * UINT64_C(0x9e3779b97f4a7c15) >> 32 & e->mask];
}

static uint32_t find(const struct evict *e, uint64_t page)
{
	uint32_t ref = e->bucket ? *bucket_of(e, page) : 0;

	while (ref && at(e, ref)->page != page)
		ref = at(e, ref)->chain;
	return ref;
}

static void forget(struct evict *e, uint32_t ref)
{
	uint32_t *link = bucket_of(e, at(e, ref)->page);

	while (*link != ref)
		link = &at(e, *link)->chain;
	*link = at(e, ref)->chain;
	move(e, ref, EVICT_FREE);
}

/* A free entry, at the cost of the oldest number in A1out when there is no other. */
static uint32_t take_free(struct evict *e)
{
	uint32_t ref;

	if (!e->list[EVICT_FREE].len && e->unused == e->entries && e->list[EVICT_GHOST].len)
		forget(e, e->list[EVICT_GHOST].tail);
	ref = e->list[EVICT_FREE].head;
	if (ref)
		unlink_entry(e, ref);
	else if (e->unused < e->entries)
		ref = ++e->unused;
	return ref;
}

/* --- life --- */

int evict_open(struct evict *e, uint32_t pages)
{
	uint32_t buckets = 16;

	*e = (struct evict){.entries = pages + pages / GHOST_SHARE + 1};
	while (buckets < e->entries && buckets < UINT32_C(1) << 31)
		buckets *= 2;
	e->mask = buckets - 1;
	e->entry = calloc(e->entries, sizeof *e->entry);
	e->bucket = calloc(buckets, sizeof *e->bucket);
	if (e->entry && e->bucket)
		return 0;
	evict_close(e);
	return -ENOMEM;
}

void evict_close(struct evict *e)
{
	free(e->entry);
	free(e->bucket);
	*e = (struct evict){0};
}

/* --- what happens to pages --- */

static int got_first(struct evict *e, uint64_t page)
{
	uint32_t ref = take_free(e), *bucket;

	if (!ref)
		return -ENOSPC;
	bucket = bucket_of(e, page);
	*at(e, ref) = (struct evict_entry){.page = page, .chain = *bucket};
	*bucket = ref;
	link_entry(e, ref, EVICT_NEW);
	return 0;
}

static enum evict_list home_list(const struct evict_entry *x)
{
	return x->hot ? EVICT_HOT : EVICT_NEW;
}

int evict_got(struct evict *e, uint64_t page, int wanted)
{
	uint32_t ref = find(e, page);

	if (!ref)
		return got_first(e, page);
	switch (at(e, ref)->list) {
	case EVICT_GHOST:
		at(e, ref)->hot = wanted != 0;
		move(e, ref, home_list(at(e, ref)));
		break;
	case EVICT_IDLE:
	case EVICT_LEAVING: move(e, ref, home_list(at(e, ref))); break;
	default: break;
	}
	return 0;
}

void evict_used(struct evict *e, uint64_t page)
{
	uint32_t ref = find(e, page);

	/* In A1in too many uses are one use: of a page that has just come. */
	if (ref && at(e, ref)->list == EVICT_HOT)
		move(e, ref, EVICT_HOT);
}

void evict_lost(struct evict *e, uint64_t page)
{
	uint32_t ref = find(e, page);

	if (ref && at(e, ref)->list == home_list(at(e, ref)))
		move(e, ref, EVICT_IDLE);
}

void evict_gone(struct evict *e, uint64_t page)
{
	uint32_t ref = find(e, page);
	struct evict_entry *x;

	if (!ref || at(e, ref)->list == EVICT_GHOST)
		return;
	x = at(e, ref);
	if (x->hot || x->held_nothing || x->list != EVICT_LEAVING) {
		forget(e, ref);
		return;
	}
	move(e, ref, EVICT_GHOST);
	while (e->list[EVICT_GHOST].len > evict_resident(e) / GHOST_SHARE + 1)
		forget(e, e->list[EVICT_GHOST].tail);
}

/* --- choosing --- */

static uint32_t choose(const struct evict *e)
{
	uint32_t news = e->list[EVICT_NEW].len, hot = e->list[EVICT_HOT].len;

	if (e->list[EVICT_IDLE].len)
		return e->list[EVICT_IDLE].tail;
	if (news && (!hot || news > (news + hot) / NEW_SHARE))
		return e->list[EVICT_NEW].tail;
	return e->list[EVICT_HOT].tail;
}

int evict_next(struct evict *e, uint64_t *page)
{
	uint32_t ref = choose(e);

	if (!ref)
		return -ENOENT;
	at(e, ref)->held_nothing = at(e, ref)->list == EVICT_IDLE;
	*page = at(e, ref)->page;
	move(e, ref, EVICT_LEAVING);
	return 0;
}

void evict_kept(struct evict *e, uint64_t page)
{
	uint32_t ref = find(e, page);

	if (ref && at(e, ref)->list == EVICT_LEAVING)
		move(e, ref, home_list(at(e, ref)));
}

void evict_stay(struct evict *e)
{
	uint32_t ref;

	while ((ref = e->list[EVICT_LEAVING].tail))
		move(e, ref, home_list(at(e, ref)));
}

void evict_pin(struct evict *e, uint64_t page)
{
	uint32_t ref = find(e, page);

	if (ref && at(e, ref)->list != EVICT_GHOST)
		move(e, ref, EVICT_PINNED);
}

void evict_unpin(struct evict *e, uint64_t page)
{
	uint32_t ref = find(e, page);

	if (ref && at(e, ref)->list == EVICT_PINNED)
		move(e, ref, home_list(at(e, ref)));
}

uint32_t evict_resident(const struct evict *e)
{
	return e->list[EVICT_IDLE].len + e->list[EVICT_NEW].len + e->list[EVICT_HOT].len +
	       e->list[EVICT_LEAVING].len + e->list[EVICT_PINNED].len;
}

uint32_t evict_pinned(const struct evict *e)
{
	return e->list[EVICT_PINNED].len;
}

uint32_t evict_leaving(const struct evict *e)
{
	return e->list[EVICT_LEAVING].len;
}

uint64_t evict_page_of(const struct evict *e, uint32_t i)
{
	const struct evict_entry *x = at(e, i);

	return x->list == EVICT_FREE || x->list == EVICT_GHOST ? UINT64_MAX : x->page;
}

enum evict_list evict_list_of(const struct evict *e, uint64_t page)
{
	uint32_t ref = find(e, page);

	return ref ? at(e, ref)->list : EVICT_FREE;
}
