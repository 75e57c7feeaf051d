/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which cached page goes next: the full version of 2Q (T. Johnson, D. Shasha, "2Q: A Low
 * Overhead High Performance Buffer Management Replacement Algorithm", VLDB 1994), over what
 * a node knows of its pages. That is faults: an access to a page that is here is not seen,
 * and CLOCK or LRU would see nothing else. 2Q needs the faults only:
 *
 *	new       A1in   pages that came for the first time, first in, first out
 *	          A1out  the numbers of pages that left it: who faults again from here is hot
 *	hot       Am     pages that did, by when they were last seen to be used
 *
 * A page that is read once, or fetched ahead and never used, passes through A1in and pushes
 * no hot page out. Before them all go idle frames, of pages that other nodes have taken
 * away: they hold nothing.
 *
 * Pure but for malloc in evict_open(). One thread at a time.
 */
#ifndef EVICT_H
#define EVICT_H

#include <stdint.h>

enum evict_list {
	EVICT_FREE,
	EVICT_IDLE,
	EVICT_NEW,
	EVICT_HOT,
	EVICT_LEAVING,
	EVICT_PINNED,
	EVICT_GHOST,
	EVICT_LISTS
};

struct evict_entry;

struct evict {
	struct evict_entry *entry;
	uint32_t *bucket;
	uint32_t entries, mask, unused; /* entries from unused on were never taken */
	struct evict_queue {
		uint32_t head, tail, len; /* newest and oldest */
	} list[EVICT_LISTS];
};

/* Room for so many pages. -ENOMEM. */
int evict_open(struct evict *e, uint32_t pages);
void evict_close(struct evict *e); /* a zeroed one is allowed */

/* The page has a frame, for a thread that wants it (and not ahead of one). Again for one
 * that was idle or leaving. -ENOSPC when there is no room for it. */
int evict_got(struct evict *e, uint64_t page, int wanted);
/* A thread was seen to use it. */
void evict_used(struct evict *e, uint64_t page);
/* Another node has taken it: its frame holds nothing. */
void evict_lost(struct evict *e, uint64_t page);
/* Its frame was given back. */
void evict_gone(struct evict *e, uint64_t page);

/* The page that goes next; it is leaving then. -ENOENT when there is none. */
int evict_next(struct evict *e, uint64_t *page);
/* It cannot go now: it is taken for new, or used. */
void evict_kept(struct evict *e, uint64_t page);

/* The same of all that are leaving. */
void evict_stay(struct evict *e);

/* It stays, whatever happens, until the end of that. */
void evict_pin(struct evict *e, uint64_t page);
void evict_unpin(struct evict *e, uint64_t page);

/* Pages with a frame, those that are leaving or pinned among them. */
uint32_t evict_resident(const struct evict *e);
uint32_t evict_leaving(const struct evict *e);
uint32_t evict_pinned(const struct evict *e);
/* The page of the ith entry, from 1 to e->unused, or UINT64_MAX: that has none with a frame. */
uint64_t evict_page_of(const struct evict *e, uint32_t i);
/* The list that a page is in, EVICT_FREE when in none: for tests. */
enum evict_list evict_list_of(const struct evict *e, uint64_t page);

#endif
