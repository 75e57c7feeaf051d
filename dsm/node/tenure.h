/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tenure: the times at which the core's holds end. A page is held for a base time from
 * the wake of the thread that faulted on it. While that thread waits for another page,
 * its held pages stay, up to a limit: an instruction can touch 16 pages, and has to have
 * them all at once to get on. Limits are drawn anew for each page, most of them short, some
 * very long, so that of several threads that hold what others wait for all but one give
 * way. With limits that are fixed, equal or by rank, they take each other's pages in turn:
 * in the simulator (tests/sim) 16 nodes with instructions of up to four pages out of a
 * dozen waited up to 700 s then, as compared with 40 ms. What a thread was given a page for is
 * done, too, when that is seen (looks.h): the page does not stay for another one's sake then, and
 * goes before its time where pages are handed back and forth. Pages that are often taken early are kept
 * for a stretch (stretch.h), until a thread of the node makes a call; but one that others want goes when it
 * has not changed for a while although its thread does not wait, and one that others want to read has
 * its time like any other. Under the node's lock.
 */
#ifndef TENURE_H
#define TENURE_H

#include <stdint.h>

#include "dsm/node/looks.h"
#include "dsm/node/stretch.h"

/* As many as the core has holds; those of pinned pages (pin.h) never run here. */
#define TENURE_SLOTS (256 + 4096)

struct tenure_slot {
	uint64_t start_ns, deadline_ns; /* deadline 0: not running */
	uint64_t limit_ns;              /* from the start */
	uint64_t kept_ns;               /* the end of the stretch for which it is kept, or 0 */
	uint32_t thread;                /* whose page it is; 0: unknown */
	uint8_t changed;                /* since the thread was given it */
	uint8_t done;                   /* so has what it was given it for */
	uint8_t waits;                  /* of one that is kept: its thread, for another page */
	uint8_t wanted;                 /* so is this one, by others */
	struct looked looked;
	uint64_t last;                  /* its content when it was last looked at */
	uint64_t look_ns, step_ns;      /* when that is next, and how long after the one before */
};

struct tenure {
	uint64_t base_ns, limit_ns; /* limit: the longest there may be */
	uint64_t random;
	struct tenure_slot slot[TENURE_SLOTS];
	uint64_t next_ns; /* not later than the earliest deadline; UINT64_MAX: none runs */
	unsigned running, top; /* how many run, and all of them below top */
	unsigned kept;         /* how many of them are of pages that are kept */
	unsigned ended;        /* those of a thread that makes a call are not below */
	int deferred; /* a message may be waiting for one of them to end */
	struct looks looks;
	struct stretch stretch;
};

void tenure_init(struct tenure *t, uint64_t base_ns, unsigned rank);
/* w: by what it is seen what the thread does, or NULL. */
void tenure_start(struct tenure *t, unsigned slot, uint32_t thread, const struct looked *w,
                  uint64_t now_ns);
/* These pages are no longer written here, and may be gone. */
void tenure_lowered(struct tenure *t, uint64_t first, uint32_t n);
/* A message waits for this one to end, for somebody who wants to read or to write. */
void tenure_wanted(struct tenure *t, unsigned slot, int to_read, uint64_t now_ns);
/* A slot whose deadline is over, which stops running; -1 when there is none. */
int tenure_due(struct tenure *t, uint64_t now_ns);
/* There is no frame for what a thread wants, perhaps for all that is kept. */
void tenure_give_way(struct tenure *t, uint64_t now_ns);
/* The thread waits for a page, or has been given one. */
void tenure_thread_waits(struct tenure *t, uint32_t thread, uint64_t now_ns);
void tenure_thread_runs(struct tenure *t, uint32_t thread, uint64_t now_ns);
/* The thread makes a call, so what it faulted on is done, and may be so what others work on. */
void tenure_thread_calls(struct tenure *t, uint32_t thread, uint64_t now_ns);
/* Then, again and again: a slot of its, which stops running; -1 when there is none (any more). */
int tenure_thread_done(struct tenure *t, uint32_t thread);

#endif
