/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A job that goes on when nodes die, as one node's engine sees it: who lives, which pages are lost,
 * and what is kept for a view to come. A table, which never steps; land.c has where pages land in
 * such a job, enter.c begins a view, and dsm/members/survive.h knows when. In a job that ends with a
 * node, on is 0, and nothing of this is done. Under the node's lock.
 */
#ifndef VIEW_H
#define VIEW_H

#include <pthread.h>
#include <stdint.h>

#include "coherence/coh.h"
#include "dsm/dsm_survive.h"
#include "dsm/memory/memory.h"
#include "dsm/members/survive.h"
#include "dsm/node/read_locks.h"

/* Threads of a node that may wait in locks, and as many for words, where nodes may die: a view that
 * begins goes through what there is room for. */
#define VIEW_WAITS 1024

struct dsm;

struct view_msg {
	coh_node from;
	struct coh_msg msg;
};

/* A page write under way, whose source is pinned. */
struct view_write {
	uint64_t page;
	uint32_t next; /* free */
	coh_node to;
	uint16_t n;    /* 0: free */
};

struct view {
	int on; /* from the start on */
	struct survive *survive; /* NULL until the start is done, and at the end */
	uint32_t number;
	uint64_t members;
	uint64_t cut;  /* whom the transport does not reach any more */
	uint64_t left; /* who has come to dsm_fini */
	int leaving;   /* this node has */
	uint8_t shut;  /* the window may not be used */
	uint8_t recovering; /* the core has more to do for the view */
	uint64_t *lost; /* a bit a page; lazily populated */
	uint64_t n_lost, n_late; /* pages found to be lost; page writes that came after their view */
	struct view_msg *kept; /* of a view to come, and what came after: a ring */
	size_t kept_cap, kept_head, kept_len;
	struct view_write *write;
	uint32_t write_free, writes;
	struct landings landings;
	struct read_locks read_locks;
	pthread_cond_t changed;
	pthread_t teller; /* calls tell for each view */
	int has_teller, telling_ends;
	dsm_view_fn tell;
	void *tell_ctx;
};

/* Of a job whose nodes may die, of so many; 1: all live. -ENOMEM */
int view_open(struct dsm *d);
/* Memory of landings (landings.h) that there is to be room for where it is pinned: for what this node has
 * asked for, in as many views as there can be, and for what comes beside that in one. The sum of the worst of
 * all would be far more than any job has. */
uint64_t view_landing_bytes(const struct dsm *d);
void view_close(struct dsm *d); /* zeroed is allowed */

/* Whether an event has to wait while the window may not be used: what a thread asks for. */
static inline int view_shuts(unsigned event)
{
	return event <= COH_EV_ATOMIC || event == COH_EV_DISCARD || event == COH_EV_RENEW || event == COH_EV_FUTEX_WAIT ||
	       event == COH_EV_FUTEX_WAKE || event == COH_EV_LOCK;
}

/* How many pages may be asked for at once: a page write's tag has room for a view, or for more than one. */
unsigned view_run_most(const struct dsm *d);
/* Whether a call that is refused now is so for a moment only: until this node has reported what it
 * has to the homes of a view that has begun, or may use the window again. */
int view_holds_up(const struct dsm *d, unsigned event);

/* Whether a node of this rank lives, as far as this one knows. */
int view_lives(const struct dsm *d, coh_node rank);
/* The transport does not reach it: the others are told. What it was sent is dropped. */
void view_suspect(struct dsm *d, coh_node rank);

/* A page of which no copy lives: who touches it from now on is told so. */
void view_lose(struct dsm *d, uint64_t page);
int view_has_lost(const struct dsm *d, uint64_t page);
/* Those of them that were lost are so no more: who touches them asks for them. */
void view_renew(struct dsm *d, uint64_t page, uint16_t n);

/* Keeps a message behind those that are kept. -ENOMEM */
int view_keep(struct dsm *d, coh_node from, const struct coh_msg *msg);

/* --- page writes: their cookies --- */
/* One to that node begins: its cookie. UINT64_MAX: there are too many. */
uint64_t view_write_begins(struct dsm *d, coh_node to, uint64_t page, uint16_t n);
/* It is over, or has not begun: its source is free. */
void view_write_ends(struct dsm *d, uint64_t cookie);
/* So are all to that node. */
void view_writes_end(struct dsm *d, coh_node to);

/* --- land.c --- */
/* The registration that these pages' frames lie in, which have memory then. NULL, and this node
 * has failed, when there is none to be had. */
struct tr_mem *land_mem(struct dsm *d, uint64_t page, uint16_t n);
/* Fills in where the pages that a message asks for are to land. 0; or this node has failed. */
int land_fill(struct dsm *d, struct coh_effect *e);
/* Brings a small page's frame near while its content is asked for. */
void land_warm(struct dsm *d, const struct coh_effect *e);
/* A page has landed, in a job that survives: brings it into its frame. 1: the core is to be told,
 * with this tag; 0: it is of another view. */
int land_take(struct dsm *d, uint32_t *tag);

/* --- enter.c: drivers --- */
/* A view begins (struct survive_told). They take the lock. */
void node_view_begins(void *dsm, uint32_t number, const struct vset *members);
void node_view_usable(void *dsm, int usable);
void node_view_ends(void *dsm, const char *why);

#endif
