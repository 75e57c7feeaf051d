/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages of this home whose content is still in a checkpoint's files, where a job goes on from one.
 * They are read when somebody asks for them, by threads of start/'s (restore_load.c); what nobody
 * asks for stays there. Until then the core takes such a page for one that nobody has touched, and
 * so must not hear of it: the engine and those who step it ask here first.
 *
 *	a thread's fault   is remembered, and woken when the page is there: it faults again then
 *	a call             hears -EAGAIN, as when no slot is free, and tries again
 *	a node's request   is kept, and given to the core when the page is there
 *	pages in a row     are read ahead of who asks for them (away_ahead.c)
 *	a run              ends before the first page that is away
 *	freed memory       is away no longer: nobody needs what was in it
 *
 * Nothing about such a page has been granted to anybody, so nothing else can come about it. A
 * request that is kept is overtaken by others of its node, but none of these is about its page.
 *
 * Under the node's lock.
 */
#ifndef AWAY_H
#define AWAY_H

#include <pthread.h>
#include <stdint.h>

#include "coherence/coh.h"

#define AWAY_READERS 4
#define AWAY_STREAMS 4
#define AWAY_PIECE 512 /* small pages, which are as much as a huge one */
#define AWAY_QUEUE 1024 /* a power of two */

struct dsm;

struct away {
	uint64_t left;            /* pages that are away */
	uint64_t count;           /* of the region: length of the maps */
	uint64_t *out, *wanted;   /* a bit a page: it is away; somebody has asked for it */
	uint64_t queue[AWAY_QUEUE], first, end; /* pages that are wanted, oldest first */
	uint64_t at;              /* from where to look for more */
	uint8_t spilled;          /* more are wanted than are in the queue */
	uint8_t all;              /* all are wanted */
	uint8_t stop;             /* readers are to end */
	struct away_piece {
		uint64_t page, which[AWAY_PIECE / 64]; /* a bit for each page from there on */
	} reading[AWAY_READERS];  /* what each reader has taken, or nothing */
	struct away_stream {
		uint64_t at, next, end; /* touched last; not looked at yet; to be read up to here */
		uint8_t open;           /* there is one: two pages were wanted in their order */
	} stream[AWAY_STREAMS];
	unsigned streams;         /* that there have been */
	uint64_t huge;            /* the first page of 2 MiB */
	struct away_kept {
		coh_node from;
		struct coh_msg msg;
		struct away_kept *prev, *next;
	} *kept;                  /* the oldest first */
	uint32_t n_kept, most_kept;
	pthread_cond_t work;      /* for readers */
	uint64_t pages, reads;    /* how many have come; in how many pieces */
};

/* -ENOMEM */
int away_open(struct dsm *d);
void away_close(struct dsm *d); /* zeroed is allowed */

static inline int away_piece_has(const struct away_piece *piece, uint64_t page)
{
	const uint64_t i = page - piece->page;

	return i < AWAY_PIECE && (piece->which[i / 64] >> i % 64 & 1);
}
static inline void away_piece_add(struct away_piece *piece, uint64_t page)
{
	piece->which[(page - piece->page) / 64] |= UINT64_C(1) << (page - piece->page) % 64;
}

/* These pages of this home, one of whose blocks they lie in, are away. How many were not. */
uint64_t away_add(struct away *a, uint64_t page, uint64_t n);
static inline int away_has(const struct away *a, uint64_t page)
{
	return a->left && (a->out[page / 64] >> page % 64 & 1);
}
/* The page is wanted. */
void away_want(struct away *a, uint64_t page);

/* A fault, on a page that is away: 1, and it is wanted. */
int away_fault(struct away *a, uint64_t page);
/* An event of this node's: 0, perhaps with a shorter run; or -EAGAIN. */
int away_event(struct away *a, struct coh_event *ev);
/* A request of another node, perhaps with a shorter run then: 0. 1: it is kept; -ENOMEM; or
 * -EPROTO. */
int away_keep(struct away *a, coh_node from, struct coh_msg *m);

/* --- for readers --- */
/* A page that is wanted, or will be, and that nobody reads: 1; 0: there is none. */
int away_next(struct away *a, uint64_t *page);
/* The page is away no longer: 1; 0: it was not. */
int away_take(struct away *a, uint64_t page);

/* --- away_ahead.c --- */
/* Somebody asks for this page, which is away or not. */
void away_ahead(struct away *a, uint64_t page, int is_away);
/* The next page that will be wanted, if it is away: 1; 0: there is none. */
int away_next_ahead(struct away *a, uint64_t *page);

/* --- away_land.c, above the engine --- */
/* The frames of these pages, which were away, hold what was in the files. */
void away_landed(struct dsm *d, const struct away_piece *piece);
/* Waits until no page is away. DSM_ERR_LOST. Takes the lock. */
int away_fetch_all(struct dsm *d);

#endif
