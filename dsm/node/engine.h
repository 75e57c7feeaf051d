/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine: feeds events to the core, and carries out the effects before it lets go of the
 * lock. It knows neither a driver nor a call: what an effect changes for others stands in the
 * tables below it (waits.h, fault_list.h, pins.h, tenure.h), where those look. All with the
 * node's lock held.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include <stddef.h>
#include <stdint.h>

#include "coherence/coh.h"
#include "dsm/node/looks.h"

struct dsm;

/* A word of a page homed here that was compared, of which the core has yet to hear. */
struct compared {
	uint64_t page;
	int equal;
	uint32_t view;
};

/* cfg does not change after the start. */
struct engine {
	struct coh *coh;
	struct coh_config cfg;
	size_t bytes; /* of coh */
	struct coh_effects fx; /* of the last step */
	struct compared *compared; /* as many as a step has effects: what is over may begin one more */
	unsigned n_compared;
	uint64_t count[COH_COUNTS];
	uint64_t pages_written, bad_messages;
	uint64_t removed; /* a page, plus one, whose frame the program has taken away; 0: none */
	struct looked looked; /* of the thread that is being woken, by a step's effects */
	struct {
		uint64_t key; /* 0: none */
		uint32_t thread;
	} lock_given; /* by a step's effects; see node_step_ask() */
	uint64_t handled; /* faults, messages, landings and tenures taken: tells activity */
};

/* Steps the core and carries out the effects. Returns what the step returned. */
int node_step(struct dsm *d, const struct coh_event *ev);
/* The page that a message is about, or TRACE_NO_PAGE. */
uint64_t node_page_of(const struct coh_msg *msg);
/* Sends a message outside the core (services). */
void node_send(struct dsm *d, coh_node to, const struct coh_msg *msg);

/* A page write of this node's, of that cookie, is over. */
void node_written(struct dsm *d, uint64_t cookie);

/* --- apply.c --- */
/* Does an atomic of 4 or 8 bytes. Returns what was there. */
uint64_t node_apply(void *at, const struct coh_atomic *a);
/* Whether the word there holds value. */
int node_holds(const void *at, uint32_t value);

/* --- used.c --- */
/* These pages are given to this node's threads, or taken from them. */
void used_access(struct dsm *d, uint64_t first, uint32_t n, enum coh_access access);

/* --- fail.c --- */
/* The job cannot go on: tells why, ends all waits with DSM_ERR_LOST. */
void node_fail(struct dsm *d, const char *why);

/* --- receive.c: above the engine --- */
/* Steps with a message of another node, which may have to wait for the end of a pin. */
void node_take_message(struct dsm *d, struct coh_event *ev);
/* What was kept for the view that has just begun, as far as it is of it. */
void node_take_kept(struct dsm *d);
/* Takes what the transport and due tenures have. */
void node_progress(struct dsm *d);

#endif
