/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The rwp engine within: extents and their modes, and the thread that moves mappings. Each of
 * its files calls those above it here, and rwp.c, the engine, all of them.
 *
 * An extent (64 pages of 4 KiB, or one of 2 MiB) is registered in one of two modes:
 *
 *	RWP	knows NONE and WRITE: a page that is taken away stays mapped and resident,
 *		protected from all access. What all extents begin with.
 *	WP	knows NONE, READ and WRITE, as the wp engine has it.
 *
 *	          a page becomes READ
 *	   RWP -------------------------> WP
 *	       <-------------------------
 *	          no page has been READ for some time (calm)
 *
 * No registration changes its mode, so a mapping of the same frames, registered in the
 * other one, is moved over the extent. The application sees nothing of it: the kernel does
 * it under the lock that faults take.
 */
#ifndef TRAP_RWP_H
#define TRAP_RWP_H

#include <pthread.h>

#include "dsm/trap/base.h"

#define RWP_MODES \
	(UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_MINOR | UFFDIO_REGISTER_MODE_RWP)

/* All zero: mode RWP, nothing mapped. Guarded by the caller's lock. */
struct extent {
	uint64_t present; /* mode RWP: pages that have an entry, by our doing. The kernel may
	                   * have taken it away since. */
	uint16_t calm;    /* page changes since a page was READ, or (RWP) since the switch */
	uint8_t wp;       /* the mode */
	uint8_t fixed;    /* WP for good: it lies in a place, all of it or a part */
	uint8_t starts;   /* a mapping starts here (that of the zone's first extent is implied) */
	uint8_t readers;  /* pages that are READ */
	uint8_t patience; /* each switch to WP that comes soon after one back doubles the time */
};

/*
 * One move at a time. lock guards all but the descriptor; asked is signalled for the
 * thread, done_fd is readable when the move is over.
 */
struct mover {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t asked;
	enum { MOVER_IDLE, MOVER_ASKED, MOVER_DONE } state;
	void *from, *to;
	size_t len;
	int result;
	int done_fd;
	bool running, stop;
};

/* A thread has at most one fault outstanding. What does not fit here faults again. */
#define RWP_KEPT_MAX 128

/*
 * extent, mappings and swept are guarded by the caller's lock. reading guards kept, n_kept
 * and lost, and is held by whoever reads the descriptor: next_fault has no other lock, and
 * a switch reads it too. It is taken last.
 */
struct rwp {
	struct base base;
	struct extent *extent;
	uint64_t extents, pte_extents;
	uint64_t mappings, mappings_max; /* the window's, were they all alike but for the mode */
	uint64_t swept;                  /* switches since the last sweep for locked ones */
	_Atomic uint64_t faults_rwp, to_wp, to_rwp, stayed_wp;

	struct mover mover;
	pthread_mutex_t reading;
	struct uffd_msg kept[RWP_KEPT_MAX]; /* faults read while a switch waited */
	unsigned n_kept;
	bool lost;   /* some did not fit */
	int kept_fd; /* eventfd: 1 while there are kept ones */
	int poll_fd; /* epoll of the userfaultfd and kept_fd */
};

static inline struct rwp *rwp_of(const struct trap *trap)
{
	return (struct rwp *)trap;
}

/* --- rwp_extents.c: which there are --- */

/* The number of the extent that a page is in; and the first page of that number. */
static inline uint64_t rwp_index_of(const struct rwp *rwp, uint64_t page)
{
	const struct region_zone *pmd = &rwp->base.region->zone[REGION_PMD];

	return page < pmd->first ? page / REGION_EXTENT_PAGES
	                         : rwp->pte_extents + page - pmd->first;
}

static inline struct extent *rwp_extent_of(const struct rwp *rwp, uint64_t page)
{
	return &rwp->extent[rwp_index_of(rwp, page)];
}

static inline uint64_t rwp_first_page(const struct rwp *rwp, uint64_t e)
{
	const struct region_zone *pmd = &rwp->base.region->zone[REGION_PMD];

	return e < rwp->pte_extents ? e * REGION_EXTENT_PAGES : pmd->first + e - rwp->pte_extents;
}

/* The pages of n extents of one zone. */
static inline struct run rwp_pages_of(const struct rwp *rwp, uint64_t e, uint64_t n)
{
	uint64_t pages = n * (e < rwp->pte_extents ? REGION_EXTENT_PAGES : 1);

	return base_run(&rwp->base, rwp_first_page(rwp, e), pages);
}

int rwp_extents_open(struct rwp *rwp);
void rwp_extents_close(struct rwp *rwp);
/* The part of the run that lies in extents of the first one's mode. */
struct run rwp_same_mode(const struct rwp *rwp, struct run run);

/* --- rwp_mappings.c: how many mappings that makes --- */

/* n extents from e on have this mode now, and nothing mapped. */
void rwp_set_mode(struct rwp *rwp, uint64_t e, uint64_t n, bool wp);
/* Whether n extents, all of one mode, can take the other one within so many mappings. */
bool rwp_room_to_switch(const struct rwp *rwp, uint64_t e, uint64_t n, uint64_t max);
/* Extends extents of mode RWP so that no mapping is added. */
void rwp_widen(const struct rwp *rwp, uint64_t *e, uint64_t *n);

/* --- rwp_pages.c: page tables under RWP --- */

/* As base_take and base_give, for a run in extents of mode RWP; giving is for WRITE. */
int rwp_take(struct rwp *rwp, struct run run);
int rwp_give(struct rwp *rwp, struct run run);
/* Maps what of the run is not mapped, and lifts the protection of what is; *done: pages
 * done from the start on. */
int rwp_fill(struct rwp *rwp, struct run run, uint64_t *done);

void rwp_forget(struct trap *trap, uint64_t first, uint32_t n);

/* --- rwp_move.c: moving a mapping, and the faults that come meanwhile --- */

int rwp_move_open(struct rwp *rwp);
void rwp_move_close(struct rwp *rwp);
/* Moves a registered mapping over the window at `to`. 0, or what mremap says; then it is
 * where it was. -ETIMEDOUT (logged): the kernel does not finish it; then none is any more. */
int rwp_move(struct rwp *rwp, void *from, size_t len, void *to);
int rwp_next_fault(struct trap *trap, struct trap_fault *out);

/* --- rwp_switch.c: modes, above all these --- */

/* The extents of a run, all of mode RWP, become WP; maybe more of them do, where there is
 * no room for more mappings. The accesses stay as they are. -ENOMEM, -EIO (logged). */
int rwp_to_wp(struct rwp *rwp, struct run run);
/* Accesses of a run in mode WP have changed: extents that have been calm for long go back.
 * Failure to is logged and changes nothing else. */
void rwp_settle(struct rwp *rwp, struct run run);
/* Accesses of a run in mode RWP have changed. */
void rwp_note(struct rwp *rwp, struct run run);

/* ops.place: what is at another address is under WP, whatever its neighbours are. */
int rwp_place(struct trap *trap, uint64_t first, uint64_t n, void *addr);

/* Moves one extent whatever its history, for tests; a READ page forbids RWP (-EBUSY). */
int rwp_force(struct trap *trap, uint64_t page, bool wp);

#endif
