/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages that the application holds (dsm_pin): neither given up, nor given to another node
 * that wants what is held, before it lets go. Who asks for one waits. For a page of
 *
 *	another home  the home's Inv or Fwd, of which there is one at a time, is kept here
 *	              before the core has seen it
 *	this home     the core holds the page, as in tenure, and defers what comes; the timer
 *	              that ends the tenure is not given to it
 *
 * A run that begins with one waits for nothing: the core refuses it. Both from the step on that grants the page: from then on nothing that takes it away gets
 * past. Under the node's lock.
 */
#ifndef PIN_H
#define PIN_H

#include <stdint.h>

#include "coherence/coh.h"

#define PIN_HOME_PAGES 4096 /* holds of the core for them */

struct dsm;
struct trap_fault;

struct pin {
	uint64_t page, since_ns;
	uint32_t pins;    /* calls that have it */
	uint32_t wanting; /* calls that are getting it */
	uint8_t write;    /* else only for reading */
	uint8_t held;     /* what is said above is true now */
	uint8_t kept;     /* msg is there, for the end */
	uint8_t migratory; /* a read of it was granted as a write */
	uint8_t warned;
	int32_t slot;     /* of the core's hold; -1: none */
	struct coh_msg msg;
	struct pin *prev, *next;
};

struct pins {
	struct pin **at; /* by page; lazily populated; NULL before the first */
	struct pin *all;
	uint64_t held, home; /* how many are; how many are of this home */
	unsigned waiting;    /* calls that wait for a tenure to end */
	unsigned clearing;   /* of those held, how many are so for a moment, to be cleared */
};

/* The pin of a page, or NULL. */
struct pin *pins_at(const struct dsm *d, uint64_t page);
/* The same, made if it is not there; NULL: no memory. */
struct pin *pins_get(struct dsm *d, uint64_t page);
void pins_free(struct dsm *d, struct pin *p);
/* The page is held from now on. */
void pins_hold(struct dsm *d, struct pin *p);
/* The page is here as p wants it. For reading that is S, not M: then other nodes may read it
 * all the while. */
int pins_is_there(const struct dsm *d, const struct pin *p);
/* And it is not about to be taken away. */
int pins_may_hold(const struct dsm *d, const struct pin *p);
/* These pages have this access now: those that are wanted like that are held from here on. */
void pins_granted(struct dsm *d, uint64_t first, uint32_t n, enum coh_access access);
/* The core holds the page, by slot. 1: a pin has it, and no tenure begins. */
int pins_take_hold(struct dsm *d, uint64_t page, unsigned slot);
/* A message for the core. 1: kept for later. Else it may go: a run perhaps shortened, and told what
 * is held. */
int pins_keep(struct dsm *d, struct coh_msg *m);
/* A thread wants to write a page that is held for reading: 0; -EAGAIN: the home is busy with
 * the page, try again after another step; 1: another node is to write it first, so the
 * thread waits for the end of the pin, which wakes it. */
int pins_writer_waits(struct dsm *d, uint64_t page);
void pins_close(struct dsm *d); /* half-built and zeroed are allowed */
/* Says once of each pin that others have waited long for its end. */
void pins_check(struct dsm *d, uint64_t now_ns, uint64_t warn_ns);
/* --- unpin.c --- */
/* Ends the pin unless a call has it, or is getting it. */
void pins_put(struct dsm *d, struct pin *p);
/* All pins end. */
void pins_end(struct dsm *d);

#endif
