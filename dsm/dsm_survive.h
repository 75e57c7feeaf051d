/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A job that goes on when nodes die: DSM_ON_LOSS=continue, dsmctl run --survive. The rules of dsm.h
 * hold; dsm_survive(3) and docs/failures.md say what may be relied on.
 *
 * Who lives is agreed on in views: a number, and the ranks that live in it. All begin in view 1 of
 * all; numbers only rise, sets only shrink. When a node dies, threads that wait for pages wait on
 * until the others are in the next view, and go on then. What the dead node alone had is lost: it is
 * SIGBUS where it is touched (EFAULT from a system call), and DSM_ERR_LOST_DATA from calls.
 *
 *	struct dsm_view view;                           while (dsm_wait_view(dsm, view.number, -1) == 0) {
 *	dsm_view(dsm, &view);                                   dsm_view(dsm, &view);
 *	                                                        dsm_lost(dsm, table, bytes, on_lost, NULL);
 *	                                                }
 *
 * Calls that take a mutex return DSM_ERR_OWNER_DEAD where its last holder has died: the caller has it.
 * dsm_barrier is of those who live. Waits for conditions may end for nothing when a node dies;
 * dsm_futex_wait returns DSM_ERR_VIEW then, and so does dsm_futex_wake when nobody knows how many it
 * has woken: all have been. To destroy a mutex or condition may, too: perhaps it is done.
 *
 * For now such a job has no reader-writer locks, barriers and once of dsm_sync.h, no dsm_coll.h and
 * dsm_thread.h, no pins and no checkpoints: these calls return DSM_ERR_NOTSUP. It has at most 64 nodes,
 * of which 1024 threads each wait for mutexes and conditions, and as many for words. What rank 0 serves
 * (dsm_alloc, dsm_free, names) returns DSM_ERR_LOST once rank 0 is dead.
 */
#ifndef DSM_SURVIVE_H
#define DSM_SURVIVE_H

#include "dsm.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DSM_ERR_NOTSUP (-95)       /* not to be had in a job that goes on when nodes die */
#define DSM_ERR_LOST_DATA (-1016)  /* what this memory held was at a node that has died */
#define DSM_ERR_VIEW (-1017)       /* a node has died meanwhile: the call is to be made again */

/* Of calls that take a mutex: the caller has it, and whoever had it last has died with it. */
#define DSM_ERR_OWNER_DEAD (-130)

#define DSM_VIEW_MAX 64 /* nodes of a job that survives */

struct dsm_view {
	uint32_t number;  /* 1 at first; 0: this job ends when a node is lost */
	uint64_t members; /* the ranks that live, one bit each */
	int living;       /* how many these are */
};

/* The view that this node is in. Does not block. DSM_ERR_INVAL. */
DSM_API int dsm_view(dsm_t *dsm, struct dsm_view *view);

/* Waits until this node is in a view after that of this number, timeout_ms milliseconds at most (0:
 * not, -1: for ever). Blocks. DSM_ERR_TIMEDOUT, DSM_ERR_INVAL, DSM_ERR_NOTSUP, DSM_ERR_LOST. */
DSM_API int dsm_wait_view(dsm_t *dsm, uint32_t number, int timeout_ms);

/* Calls fn in a thread of the library's own for each view after that of now; several may have become
 * one. It may use shared memory and calls, but not dsm_fini, which waits for it. Once, and not with
 * NULL. DSM_ERR_BUSY (there is one), DSM_ERR_INVAL, DSM_ERR_NOTSUP, DSM_ERR_LIMIT. */
typedef void (*dsm_view_fn)(void *ctx, dsm_t *dsm, const struct dsm_view *view);
DSM_API int dsm_on_view(dsm_t *dsm, dsm_view_fn fn, void *ctx);

/* Calls fn, in this thread, for each run of pages of [ptr, ptr + bytes) that is lost, from the lowest
 * on; its return value, unless 0, ends that and is returned. What is lost while it looks may be
 * missing. Blocks: it asks the pages' homes. DSM_ERR_INVAL, DSM_ERR_NOTSUP, DSM_ERR_LOST. */
typedef int (*dsm_lost_fn)(void *ctx, void *ptr, size_t bytes);
DSM_API int dsm_lost(dsm_t *dsm, const void *ptr, size_t bytes, dsm_lost_fn fn, void *ctx);

#ifdef __cplusplus
}
#endif
#endif
