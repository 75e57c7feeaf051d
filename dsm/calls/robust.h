/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mutexes and semaphores of dsm_sync.h where nodes may die, see states.h: no node's death leaves
 * anybody waiting, and of a mutex its next holder is told. All words are where they are, which moves
 * no page: of a lost one it is told by a code (DSM_ERR_LOST_DATA), not by a signal.
 */
#ifndef ROBUST_H
#define ROBUST_H

#include <stdint.h>

struct dsm;

/* 0; DSM_ERR_OWNER_DEAD: it is taken, and its last holder's node has died; DSM_ERR_TIMEDOUT,
 * DSM_ERR_NOMEM, DSM_ERR_LOST, DSM_ERR_LOST_DATA: not. */
int robust_take(struct dsm *d, uint32_t *word, uint64_t until_ns);
/* The same at once, or DSM_ERR_BUSY. */
int robust_try(struct dsm *d, uint32_t *word);
/* DSM_ERR_PERM: no thread of this node has it. */
int robust_give(struct dsm *d, uint32_t *word);

/* A place of a semaphore: as above, without owners. */
int robust_sem_take(struct dsm *d, uint32_t *word, uint64_t until_ns);
int robust_sem_try(struct dsm *d, uint32_t *word);
int robust_sem_give(struct dsm *d, uint32_t *word);

#endif
