/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Objects of dsm_sync.h where nodes may die, see states.h: no node's death leaves anybody waiting, and
 * of a mutex its next holder is told. All words are where they are, which moves
 * no page: of a lost one it is told by a code (DSM_ERR_LOST_DATA), not by a signal.
 */
#ifndef ROBUST_H
#define ROBUST_H

#include <stdint.h>

#include "dsm/dsm_sync.h"

struct dsm;

/* The view that this node is in; whether another one lives, and in which view that is so: his death ends
 * it, and waits that have begun in it. */
uint32_t robust_view(struct dsm *d);
int robust_node_lives(struct dsm *d, uint32_t node, uint32_t *view);

/* 0; DSM_ERR_OWNER_DEAD: it is taken, and its last holder's node has died; DSM_ERR_TIMEDOUT,
 * DSM_ERR_NOMEM, DSM_ERR_LOST, DSM_ERR_LOST_DATA: not. */
int robust_take(struct dsm *d, uint32_t *word, uint64_t until_ns);
/* The same at once, or DSM_ERR_BUSY. */
int robust_try(struct dsm *d, uint32_t *word);
/* DSM_ERR_PERM: no thread of this node has it. */
int robust_give(struct dsm *d, uint32_t *word);
/* 0: a thread of this node has it. */
int robust_is_ours(struct dsm *d, uint32_t *word);

/* A place of a semaphore: as above, without owners. */
int robust_sem_take(struct dsm *d, uint32_t *word, uint64_t until_ns);
int robust_sem_try(struct dsm *d, uint32_t *word);
int robust_sem_give(struct dsm *d, uint32_t *word);

/* --- robust_rw.c: reader-writer locks. DSM_ERR_OWNER_DEAD: it is taken, and a writer's node has died who
 * had it, or was about to, and no writer has unlocked it since. --- */
int robust_rw_read(struct dsm *d, struct dsm_sync_rwlock *l, uint64_t until_ns);
int robust_rw_try_read(struct dsm *d, struct dsm_sync_rwlock *l);
int robust_rw_write(struct dsm *d, struct dsm_sync_rwlock *l, uint64_t until_ns);
int robust_rw_try_write(struct dsm *d, struct dsm_sync_rwlock *l);
int robust_rw_unlock(struct dsm *d, struct dsm_sync_rwlock *l);

/* --- robust_meet.c --- */
/* 0, DSM_SYNC_LAST; DSM_ERR_VIEW: it is broken. */
int robust_barrier(struct dsm *d, struct dsm_sync_barrier *b);
int robust_barrier_reset(struct dsm *d, struct dsm_sync_barrier *b, uint32_t threads, uint32_t view);
/* 1: the caller is to do it; 0: it is done. */
int robust_once_begin(struct dsm *d, struct dsm_sync_once *o);
int robust_once_end(struct dsm *d, struct dsm_sync_once *o);

#endif
