/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of survive_sync.c share. */
#ifndef SURVIVE_SYNC_H
#define SURVIVE_SYNC_H

#include <stdatomic.h>
#include <stdint.h>

#include "dsm/dsm_sync.h"

#define NODES_MAX 8
#define SYNC_BLOCK ((size_t)256 << 10) /* pages that have one home, and the next ones another */
#define GO_ON_MS 3000

/* Beside the region, for all processes. */
struct tally {
	_Atomic uint32_t dead; /* ranks, one bit each: noted just before */
	_Atomic uint64_t died_ns, stop; /* stop: the last round, or 0 */
	_Atomic uint64_t arrived[NODES_MAX];
	dsm_mutex mutex[NODES_MAX];
	dsm_cond cond[NODES_MAX];
	struct {
		_Atomic uint32_t inside; /* rank * 2 + thread + 1 */
		_Atomic uint32_t left_held, told, lost;
		_Atomic uint64_t sum;
	} lock[2 * NODES_MAX]; /* of the library's, then in shared memory */
};

struct sync_run {
	struct tally *tally;
	uint8_t *block; /* of each node, one of SYNC_BLOCK */
	int victim, deaths, holder;
	unsigned loss_ms;
	uint64_t seed;
	_Atomic uint64_t worst_ns;
	_Atomic int worker_ends, worker_ended;
};
extern struct sync_run run;

/* --- survive_sync_locks.c --- */
void sync_catch(void); /* SIGBUS */
struct dsm_sync_mutex *sync_mutex(int k);
struct dsm_sync_cond *sync_cond(int k);
struct dsm_sync_sem *sync_sem(void);
uint32_t *sync_word(int k);

/* The mutex of that number: 0, DSM_ERR_OWNER_DEAD; or DSM_ERR_LOST_DATA: it is not to be had. */
int sync_lock(int k);
/* What is done inside, and unlocks: got is what the lock has returned. */
void sync_section(int k, int got);
/* One thing of these; waits: also what others have to end. */
void sync_some(int waits, uint64_t *random);
/* A call since then has taken so long. */
void sync_took(uint64_t since_ns);
/* In the end: what was held by the dead was told, and what is lost is so by their deaths. */
void sync_compare(void);

#endif
