/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A job that goes on when nodes die: DSM_ON_LOSS=continue, dsmctl run --survive. The rules of dsm.h
 * hold; dsm_survive(3) and docs/failures.md say what may be relied on.
 *
 * Who lives is agreed on in views: a number, and the ranks that live in it. All begin in view 1 of
 * all; numbers only rise, sets only shrink. When a node dies, threads that wait for pages wait on
 * until the others are in the next view, and go on then. What the dead node alone had is lost: it is
 * SIGBUS where it is touched (EFAULT from a system call), and DSM_ERR_LOST_DATA from calls, until
 * dsm_renew makes it anew.
 *
 *	struct dsm_view view;                           while (dsm_wait_view(dsm, view.number, -1) == 0) {
 *	dsm_view(dsm, &view);                                   dsm_view(dsm, &view);
 *	                                                        dsm_lost(dsm, table, bytes, on_lost, NULL);
 *	                                                        dsm_renew(dsm, table, bytes);
 *	                                                }
 *
 * Calls that take a mutex return DSM_ERR_OWNER_DEAD where its last holder has died: the caller has it.
 * So do those of reader-writer locks where a writer has, until one has unlocked it; dead readers do
 * not count. A barrier of dsm_sync.h returns DSM_ERR_VIEW when a node has died since it was made, until
 * dsm_sync_barrier_reset. What a node was doing once when it died the next one does.
 * dsm_barrier is of those who live. Waits for conditions may end for nothing when a node dies;
 * dsm_futex_wait returns DSM_ERR_VIEW then, and so does dsm_futex_wake when nobody knows how many it
 * has woken: all have been. To destroy a mutex or condition may, too: perhaps it is done.
 *
 * Memory and names (dsm_alloc, dsm_free, dsm_publish, dsm_lookup, dsm_shared) are served by the lowest
 * rank that lives, and the next one has the same: calls wait until the others go on, and are done once.
 * When both die at once, these calls return DSM_ERR_LOST_DATA from then on.
 *
 * Memory allocated with DSM_KEEP2 is held by two nodes: what anybody may have seen of it no single
 * death loses, nor does it fall back. A node's own stores that no other node has seen go with it, the
 * later ones first. What it stored is on two nodes before others see it, or anything it stored after
 * it, and before a call returns that unlocks, signals, wakes, posts, comes to a barrier, is an
 * atomic, allocates, frees or deals with names: such calls block until then, which after a death
 * takes until all such memory is held by two again. The next death may come after that. The program
 * tells others by a socket or a file after such a call, or dsm_secure. It is in 4 KiB pages, of a
 * range of the region of its own (DSM_KEEP2 in the environment, dsm(7)), and counts twice in the
 * nodes' budgets; an atomic on it moves the page. Where two nodes have died at once it may be lost as
 * any memory. A job that ends with a node has nothing of this.
 *
 * dsm_reduce and dsm_broadcast are of those who live, and return DSM_ERR_VIEW on all of them, at the same call,
 * when one has died (dsm_coll.h).
 *
 * For now such a job has no dsm_thread.h, no pins and no checkpoints: these calls return DSM_ERR_NOTSUP. It has at
 * most 64 nodes, of which 1024 threads each wait for mutexes and conditions, and as many for words.
 */
#ifndef DSM_SURVIVE_H
#define DSM_SURVIVE_H

#include "dsm.h"
#include "dsm_sync.h"

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

/* Makes those pages that [ptr, ptr + bytes) touches and that are lost anew: they are zero, as fresh
 * memory is, on all nodes. What is not lost stays as it is. One node calls it, or several at the same
 * time, each for all of them: the pages' homes see to it that a page is made anew once, and that
 * before it returns every node of the view has heard so, where whoever touches the page gets it from
 * then on. Who is to find what was lost, and fill the memory again, is the program's to settle. Until
 * somebody has touched such a page it is lost again when its home dies. Blocks. DSM_ERR_INVAL,
 * DSM_ERR_NOTSUP, DSM_ERR_LOST. */
DSM_API int dsm_renew(dsm_t *dsm, void *ptr, size_t bytes);

/* Returns when all that this node's threads have stored to memory of DSM_KEEP2 is on two nodes, and all such
 * memory is held by two again since the last death: before the program tells others of it by a socket or a file,
 * where it has made none of the calls that see to it. At once if so it is, or where there is none. Blocks.
 * DSM_ERR_INVAL, DSM_ERR_LOST. */
DSM_API int dsm_secure(dsm_t *dsm);

/* Makes a barrier of dsm_sync.h, anew when it is broken, for so many threads, 1 to 2^25 - 2, whose nodes
 * all live in the view of that number: when that is over, it is broken. One that was only set to
 * DSM_SYNC_BARRIER_INIT is of view 1. One thread calls it when nobody is in the barrier, nor comes to it
 * before it has returned. Blocks. DSM_ERR_INVAL, DSM_ERR_NOTSUP, DSM_ERR_LOST, DSM_ERR_LOST_DATA. */
DSM_API int dsm_sync_barrier_reset(dsm_t *dsm, struct dsm_sync_barrier *barrier, uint32_t threads,
                                   uint32_t view);

#ifdef __cplusplus
}
#endif
#endif
