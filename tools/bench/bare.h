/* SPDX-License-Identifier: BSD-2-Clause */
/* The floors: each measures itself on bare libfabric and userfaultfd. */
#ifndef BARE_H
#define BARE_H

#include "tools/bench/bare_fabric.h"
#include "tools/bench/bare_window.h"
#include "tools/bench/tests.h"

/* Memory of the floors on this node: nodes write into each other's alias. */
struct bare_set {
	struct bare *fabric;
	struct bare_window window;
	struct bare_area area;
};

/* Collective: window, and area over its alias, in which rank 1 has the data and the
 * others zeros. False (everywhere) when a node lacks huge pages. */
bool bare_set_open(struct bare_set *set, size_t page_bytes, size_t pages);
void bare_set_close(struct bare_set *set);
/* Zeros, so that what has not arrived shows. */
void bare_set_clear(struct bare_set *set);
/* All data has arrived, every byte. */
void bare_set_verify(const struct bare_set *set);
/* First word of a page of rank 1. */
uint64_t bare_set_word(uint64_t page);
/* Asks rank 1 for a page and waits for it. */
void bare_set_fetch(struct bare_set *set, uint64_t page);
/* A small message to rank 1 and back. */
void bare_set_ping(struct bare_set *set);

/* The other nodes' side of a floor, and its end: node 1 serves until node 0 comes here. */
void bare_set_serve(struct bare_set *set);

/* Closes what floors have opened and share. */
void bare_finish(void);

/* A floor that node 0 measures, in microseconds, while node 1 serves. */
struct bare_served {
	size_t page_bytes;
	unsigned pages, samples; /* samples of a repetition */
	bare_fault_fn fault;     /* with the set; NULL: nothing traps */
	/* A repetition, on pages in this order. */
	void (*rep)(struct bare_set *set, const uint32_t *order, struct series *s);
};
/* Collective. */
void bare_floor_served(struct result *out, const struct bare_served *floor);

/* A floor that node 0 measures alone, in microseconds: a sample for each page. */
struct bare_alone {
	bool by_signal;
	bare_fault_fn fault; /* with the window; NULL: nothing traps */
	void (*rep)(struct bare_window *w, const uint32_t *order, struct series *s);
};
/* Collective. */
void bare_floor_alone(struct result *out, const struct bare_alone *floor);

void bare_trap(struct result *out);
void bare_trap_upgrade(struct result *out);
void bare_round_trip(struct result *out);
void bare_page_round_trip(struct result *out);
void bare_page_round_trip_2m(struct result *out);
void bare_miss(struct result *out);
void bare_miss_2m(struct result *out);
void bare_bandwidth(struct result *out);
void bare_barrier(struct result *out);
void revoke_protect(struct result *out);
void revoke_zap(struct result *out);

#endif
