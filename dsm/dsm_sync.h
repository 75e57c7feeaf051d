/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mutexes, conditions, reader-writer locks, semaphores, barriers and once, for the threads of all
 * nodes, that are plain memory: any number of them, in the region, each where its data is. What is
 * all zero is ready: memory from dsm_alloc needs no call. None needs to be destroyed: the memory is
 * freed when nobody uses it any more; a thread that has got a mutex, or has been woken, may free
 * what it got it from. They are not to be copied. The rules of dsm.h hold.
 *
 *	struct cell { struct dsm_sync_mutex mutex; uint64_t sum; } *cells; // from dsm_alloc
 *
 *	dsm_sync_mutex_lock(dsm, &cells[i].mutex);
 *	cells[i].sum++;
 *	dsm_sync_mutex_unlock(dsm, &cells[i].mutex);
 *
 * Who takes one whose page is here, and finds it free, sends no message. Who finds it taken waits
 * without using the processor, in the order of arrival among the nodes. Times are absolute, in
 * nanoseconds of the node's CLOCK_MONOTONIC; DSM_SYNC_NEVER: without end.
 *
 * All return 0 or a negative code: DSM_ERR_INVAL: no aligned memory of the region; DSM_ERR_LOST.
 * Those that wait: DSM_ERR_NOMEM as dsm_futex_wait, and then have nothing. All block for requests
 * to another node, and for pages. Signals end no wait. What orders memory does so between all nodes.
 */
#ifndef DSM_SYNC_H
#define DSM_SYNC_H

#include "dsm_futex.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DSM_SYNC_NEVER UINT64_MAX
#define DSM_SYNC_LAST 1 /* what dsm_sync_barrier_wait tells one of those who came */

/* ------------------------------------------------------------------ mutex -- */

enum dsm_sync_kind {
	DSM_SYNC_PLAIN = 0,
	DSM_SYNC_CHECKED = 1,   /* for its holder: lock DSM_ERR_BUSY; for others: unlock DSM_ERR_PERM */
	DSM_SYNC_RECURSIVE = 2, /* its holder may lock it again, 65535 times: then DSM_ERR_NOMEM */
};

/* Members are the library's, but that kind may be set before anybody uses it. */
struct dsm_sync_mutex {
	uint32_t word, kind;
	uint64_t owner;
};
#define DSM_SYNC_MUTEX_INIT { 0, DSM_SYNC_PLAIN, 0 }
#define DSM_SYNC_CHECKED_MUTEX_INIT { 0, DSM_SYNC_CHECKED, 0 }
#define DSM_SYNC_RECURSIVE_MUTEX_INIT { 0, DSM_SYNC_RECURSIVE, 0 }

/*
 * Nodes get it in the order in which they came. Threads of a node that wait get it from each other,
 * 16 times at most when other nodes wait. A plain mutex does not know its holder: to lock it again
 * waits for ever, to unlock another's is an error of the program (DSM_ERR_PERM if nobody has it).
 */
DSM_API int dsm_sync_mutex_lock(dsm_t *dsm, struct dsm_sync_mutex *mutex);
/* DSM_ERR_BUSY: somebody has it. */
DSM_API int dsm_sync_mutex_trylock(dsm_t *dsm, struct dsm_sync_mutex *mutex);
/* DSM_ERR_TIMEDOUT. */
DSM_API int dsm_sync_mutex_timedlock(dsm_t *dsm, struct dsm_sync_mutex *mutex, uint64_t until_ns);
DSM_API int dsm_sync_mutex_unlock(dsm_t *dsm, struct dsm_sync_mutex *mutex);

/* -------------------------------------------------------------- condition -- */

struct dsm_sync_cond {
	uint64_t word;
};
#define DSM_SYNC_COND_INIT { 0 }

/*
 * Releases mutex, waits for a signal, and takes mutex again. A thread may return without one: wait
 * in a loop. A recursive mutex must be locked once only. DSM_ERR_PERM: as by unlock, without a wait.
 * After DSM_ERR_NOMEM the mutex is held.
 */
DSM_API int dsm_sync_cond_wait(dsm_t *dsm, struct dsm_sync_cond *cond,
                               struct dsm_sync_mutex *mutex);
/* DSM_ERR_TIMEDOUT: mutex is held then, too, which may take longer. */
DSM_API int dsm_sync_cond_timedwait(dsm_t *dsm, struct dsm_sync_cond *cond,
                                    struct dsm_sync_mutex *mutex, uint64_t until_ns);
/* Wakes one who waits, or all. With or without the mutex. */
DSM_API int dsm_sync_cond_signal(dsm_t *dsm, struct dsm_sync_cond *cond);
DSM_API int dsm_sync_cond_broadcast(dsm_t *dsm, struct dsm_sync_cond *cond);

/* ----------------------------------------------------- reader-writer lock -- */

struct dsm_sync_rwlock {
	struct dsm_sync_mutex turn;
	uint32_t word, unused;
};
#define DSM_SYNC_RWLOCK_INIT { DSM_SYNC_MUTEX_INIT, 0, 0 }

/*
 * Many readers, or one writer. Who comes when a writer waits, or has it, waits behind him, readers
 * too: so a reader must not lock again. try: DSM_ERR_BUSY. timed: DSM_ERR_TIMEDOUT.
 */
DSM_API int dsm_sync_rwlock_rdlock(dsm_t *dsm, struct dsm_sync_rwlock *lock);
DSM_API int dsm_sync_rwlock_tryrdlock(dsm_t *dsm, struct dsm_sync_rwlock *lock);
DSM_API int dsm_sync_rwlock_timedrdlock(dsm_t *dsm, struct dsm_sync_rwlock *lock,
                                        uint64_t until_ns);
DSM_API int dsm_sync_rwlock_wrlock(dsm_t *dsm, struct dsm_sync_rwlock *lock);
DSM_API int dsm_sync_rwlock_trywrlock(dsm_t *dsm, struct dsm_sync_rwlock *lock);
DSM_API int dsm_sync_rwlock_timedwrlock(dsm_t *dsm, struct dsm_sync_rwlock *lock,
                                        uint64_t until_ns);
/* Of a reader or the writer. DSM_ERR_PERM: nobody has it. */
DSM_API int dsm_sync_rwlock_unlock(dsm_t *dsm, struct dsm_sync_rwlock *lock);

/* -------------------------------------------------------------- semaphore -- */

struct dsm_sync_sem {
	uint32_t word, unused;
};
#define DSM_SYNC_SEM_INIT(value) { (value), 0 } /* 0 to 2^31 - 1 - as many as may be posted */

DSM_API int dsm_sync_sem_wait(dsm_t *dsm, struct dsm_sync_sem *sem);
/* DSM_ERR_BUSY: it is 0. */
DSM_API int dsm_sync_sem_trywait(dsm_t *dsm, struct dsm_sync_sem *sem);
/* DSM_ERR_TIMEDOUT. */
DSM_API int dsm_sync_sem_timedwait(dsm_t *dsm, struct dsm_sync_sem *sem, uint64_t until_ns);
DSM_API int dsm_sync_sem_post(dsm_t *dsm, struct dsm_sync_sem *sem);
/* What is left; 0 when threads wait. */
DSM_API int dsm_sync_sem_value(dsm_t *dsm, struct dsm_sync_sem *sem, uint32_t *value);

/* ---------------------------------------------------------------- barrier -- */

struct dsm_sync_barrier {
	uint64_t word;
	uint32_t threads, unused; /* how many are waited for: set it before anybody comes */
};
#define DSM_SYNC_BARRIER_INIT(threads) { 0, (threads), 0 }

/* Waits until so many threads have called it, and may be used again at once. Returns DSM_SYNC_LAST
 * to one of them, and 0 to the others. DSM_ERR_INVAL: of 0 threads. */
DSM_API int dsm_sync_barrier_wait(dsm_t *dsm, struct dsm_sync_barrier *barrier);

/* ------------------------------------------------------------------- once -- */

struct dsm_sync_once {
	uint32_t word;
};
#define DSM_SYNC_ONCE_INIT { 0 }

/*
 * Calls fn(arg) if nobody has, on the caller's stack; who comes meanwhile waits for its end, and
 * all see what it did. If it does not return (longjmp, an exception, cancellation) others wait for
 * ever.
 */
DSM_API int dsm_sync_once_call(dsm_t *dsm, struct dsm_sync_once *once, void (*fn)(void *arg),
                               void *arg);

#ifdef __cplusplus
}
#endif
#endif
