/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stress test: threads of all nodes hit few pages in every way there is, and log
 * what they saw; history.c then decides whether the memory was coherent.
 *
 * Time is cut into epochs: run, barrier, check what was logged, go on. Logs are in
 * private memory, and change hands through files, not through the memory under test.
 */
#ifndef STRESS_H
#define STRESS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "tests/system/history.h"
#include "tests/system/node.h"

#define STRESS_PAGE_WORDS 8
#define STRESS_COUNTERS 8 /* of each kind: counted with atomics, and under a mutex */
#define STRESS_MUTEXES 4
#define STRESS_THREADS_MAX 16

struct stress_options {
	unsigned seconds, pages, threads, epoch_ms, patience_s;
	int huge; /* 2 MiB pages */
	int dense; /* all pages side by side */
	int untimed; /* no clock is common to all nodes */
	size_t ops; /* that one thread logs per epoch, at most */
	uint64_t seed;
	const char *dir;
};

/* Words are numbered: those of the pages, then atomic counters, then mutex counters. */
struct stress_arena {
	uint8_t *base;
	unsigned pages;
	size_t page_bytes;
	unsigned block_pages; /* pages so far apart have different homes */
	uint32_t words, first_counter, first_guarded;
	dsm_mutex mutex[STRESS_MUTEXES];
};

void stress_arena_init(struct stress_arena *arena, unsigned pages, int huge, int dense);
/* Bytes of shared memory that it takes. */
size_t stress_arena_bytes(const struct stress_arena *arena);
uint64_t *stress_word_at(const struct stress_arena *arena, uint32_t word);

/* One thread. Its own but for the atomics, which the watchdog reads (relaxed: it only
 * reports). */
struct stress_thread {
	const struct stress_options *options;
	const struct stress_arena *arena;
	uint64_t writer; /* its number in the job, from 1 */
	uint64_t serial; /* of the last value it stored */
	uint64_t random;
	struct history_op *log;
	size_t len;
	int timed; /* this epoch: note when accesses began and ended */
	_Atomic uint64_t steps;
	_Atomic uint32_t doing, word;
};

/* Does random things until the log is full or the epoch's time is over. */
void stress_epoch(struct stress_thread *thread);
const char *stress_doing_name(uint32_t doing);

#endif
