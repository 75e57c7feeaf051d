/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting for a word of shared memory to change: what futex(2) is to threads of one machine. Locks
 * and the like can be built from it as plain memory, as many as there is room for: any aligned word
 * of 32 bits in the region will do, and there is nothing to make before, nor to destroy. The rules
 * of dsm.h hold.
 *
 *	// an event that happens once, on any node      // who waits for it, on any node
 *	__atomic_store_n(&e, 1, __ATOMIC_SEQ_CST);      while (!__atomic_load_n(&e, __ATOMIC_SEQ_CST))
 *	dsm_futex_wake(dsm, &e, UINT32_MAX, NULL);              dsm_futex_wait(dsm, &e, 0, -1);
 */
#ifndef DSM_FUTEX_H
#define DSM_FUTEX_H

#include "dsm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The word does not hold what was expected. */
#define DSM_ERR_CHANGED (-11)

/*
 * Waits until it is woken by dsm_futex_wake for this word, if the word holds expected. That is
 * found out, and the thread put to sleep, in one step towards all loads, stores and atomics of all
 * nodes, dsm_* and the processor's: who changes the word and then calls dsm_futex_wake finds
 * everybody who has seen the old value. The page does not move for it. Waits up to timeout_ms
 * milliseconds (0: not, -1: for ever), signals or not. Any number of words; 32767 threads of a
 * node at once (jobs of more than 64 nodes: 2097152 / nodes). Memory that is freed meanwhile wakes
 * nobody. Blocks, without using the processor. Returns 0: woken. Errors: DSM_ERR_CHANGED: another
 * value, at once; DSM_ERR_TIMEDOUT: not woken, and then no dsm_futex_wake has counted it;
 * DSM_ERR_INVAL: no aligned word of the region, or timeout_ms; DSM_ERR_NOMEM: too many threads
 * wait; DSM_ERR_LOST.
 */
DSM_API int dsm_futex_wait(dsm_t *dsm, const uint32_t *word, uint32_t expected, int timeout_ms);

/*
 * Wakes at most count threads, of all nodes, that wait for the word, those first who came first;
 * woken, unless NULL, is set to how many. Whoever waits for it in a loop until the word has a
 * certain value does right: an earlier user of the memory may have waked late. Blocks, for two
 * messages for each 64 threads. Errors: DSM_ERR_INVAL, DSM_ERR_LOST.
 */
DSM_API int dsm_futex_wake(dsm_t *dsm, const uint32_t *word, uint32_t count, uint32_t *woken);

#ifdef __cplusplus
}
#endif
#endif
