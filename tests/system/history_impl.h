/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of the checker of histories share: the word under check. */
#ifndef HISTORY_IMPL_H
#define HISTORY_IMPL_H

#include "tests/system/history.h"

#define NONE UINT32_MAX

/* An access of the word under check. */
struct access {
	const struct history_op *op;
	uint32_t thread;
	uint32_t index; /* in the thread's history */
};

/* A store, the initial value being number 0. Read-modify-writes chain the stores that
 * must follow each other directly; chain is the number of a chain's first store. */
struct store {
	uint64_t value;
	uint32_t thread, index;
	uint32_t next_in_chain, has_pred;
	uint32_t chain, position;
	/* for a chain's first store: */
	uint32_t edges, waits_for;
};

/* "from comes before to", because of what thread did at index. */
struct edge {
	uint32_t from, to, next;
	uint32_t thread, index;
};

/* The times of a value; with the accesses that say so, NULL for the initial and the final value. */
struct zone {
	uint64_t first_end, last_begin;
	uint64_t stored; /* begin of its store */
	uint64_t value;
	const struct access *first, *last;
};

struct checker {
	const struct history *history;
	char *why;
	uint32_t word;
	struct access *access;
	size_t n_access;
	struct store *store;
	uint32_t n_store;
	struct edge *edge;
	uint32_t n_edge;
	uint32_t *table; /* value to store, open addressing */
	uint32_t table_mask;
	uint32_t *todo;
	struct zone *zone; /* of each store; history_time.c */
};

/* Says what is wrong with the word. Returns 1. */
int history_fault(struct checker *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Where the number of the store with this value is, NONE when there is none. */
uint32_t *history_store_of(struct checker *c, uint64_t value);
/* Once the word's stores are collected: does an order agree with the times? 0 or 1. */
int history_check_times(struct checker *c);

#endif
