/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A checker of histories: did some memory behave, word by word, like one memory?
 *
 * Every store of a history puts a value that no other store to that word puts, so
 * a load tells whose store it saw. A word was coherent when its stores have one
 * total order that agrees with each thread's program order: a thread that saw or
 * stored a value never meets an older one (CoRR, CoWR, CoRW, CoWW), an atomic
 * read-modify-write comes directly after the store it read, and the final value is
 * the last store's. With unique values that is decided exactly, in linear time, by
 * looking for a cycle.
 *
 * With the times of accesses, from one clock, it also was one memory to those who talk
 * by other means: what was done before another access began comes before it. Without
 * read-modify-writes that is decided exactly, too (Gibbons & Korach, "Testing Shared
 * Memories", 1997); of those only what follows for their load and store alone.
 *
 * Pure: no I/O, no clock, no shared state.
 */
#ifndef HISTORY_H
#define HISTORY_H

#include <stddef.h>
#include <stdint.h>

enum history_kind {
	HISTORY_READ = 1, /* value was loaded */
	HISTORY_WRITE,    /* value was stored */
	HISTORY_RMW,      /* old was loaded and value stored, in one step */
};

struct history_op {
	uint64_t value, old;
	uint64_t begin, end; /* it took effect in between; begin <= end. Used with timed only */
	uint32_t word;
	uint32_t kind;
};

/* What one thread did, in program order. */
struct history_thread {
	const struct history_op *ops;
	size_t len;
};

struct history {
	const struct history_thread *threads;
	unsigned n_threads;
	uint32_t words;          /* words are 0 .. words-1 */
	const uint64_t *initial; /* of each word */
	const uint64_t *final;   /* of each word, read when all was quiet; or NULL */
	int timed;               /* the times count, too */
	/* Check only the words with word % share_of == share; 0 of 1 means all. */
	uint32_t share, share_of;
};

#define HISTORY_WHY_MAX 1024

/* 0 when every word was coherent; 1 when one was not, and why (HISTORY_WHY_MAX bytes)
 * says which and how; -ENOMEM, or -EINVAL when an op names no word or kind. */
int history_check(const struct history *history, char *why);

#endif
