/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads on other nodes. A node starts them while its program is in any call, or computes, or
 * waits in dsm_fini. The rules of dsm.h hold.
 *
 *	static void *work(void *arg)                     // in the program of all nodes
 *	{
 *		dsm_fetch_add64(dsm_current(), arg, 1, NULL); // arg: in shared memory; dsm_bind.h
 *		return NULL;
 *	}
 *
 *	dsm_thread thread;
 *	if (dsm_thread_create(dsm, 2, NULL, work, counter, &thread) == 0)
 *		dsm_thread_join(dsm, thread, NULL);
 *
 * Which function it is goes by the object it is in, which is the program or a library, and by where
 * in there. The other node has to have loaded the same object, by its build id (or, without one, by
 * what its file holds); not at the same address, unless that is asked for: other pointers to
 * functions, and to data that is not shared, are good on the other node only where it has the
 * object at the same address, as for programs that are linked with -no-pie, or run by setarch -R.
 *
 * A thread has its node's memory, descriptors, limits and so on, and of the one that was in
 * dsm_init there: signals that are blocked, policy and priority. It may end by pthread_exit.
 * dsm_fini waits for all of them, on all nodes, joined or not; until they have ended dsm_current()
 * is what it was.
 */
#ifndef DSM_THREAD_H
#define DSM_THREAD_H

#include "dsm.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DSM_ANY_NODE (-1)

/* The node has not loaded the object that the function is in, or has another build of it. */
#define DSM_ERR_PROGRAM (-1014)
/* The thread would wait for itself. */
#define DSM_ERR_DEADLK (-35)

/* A plain value, valid on every node. 0 names none. */
typedef struct dsm_thread { uint64_t id; } dsm_thread;

enum dsm_thread_flag {
	DSM_THREAD_DETACHED = 1,     /* nobody will join it */
	DSM_THREAD_SAME_ADDRESS = 2, /* DSM_ERR_PROGRAM where the object is at another address */
};

struct dsm_thread_attr {
	size_t size;        /* sizeof(struct dsm_thread_attr) */
	size_t stack_bytes; /* 0: as much as is usual at its node; 64 KiB at least */
	unsigned flags;
};
#define DSM_THREAD_ATTR_INIT { sizeof(struct dsm_thread_attr), 0, 0 }

/*
 * Starts a thread that calls fn(arg), at that node, which may be this one; DSM_ANY_NODE: at one
 * after the other, beginning behind this one, leaving out those that cannot have more. attr may be
 * NULL. What the caller has written before, the thread sees. Blocks, for one request. Errors:
 * DSM_ERR_INVAL (no such node, size, flags, no fn), DSM_ERR_PROGRAM (the log says more; or fn is in
 * no file), DSM_ERR_NOMEM (no memory for its stack; or 32767 threads there that run, or are not
 * joined), DSM_ERR_LIMIT (of threads, in that process or on that machine), DSM_ERR_LOST.
 */
DSM_API int dsm_thread_create(dsm_t *dsm, int node, const struct dsm_thread_attr *attr,
                              void *(*fn)(void *arg), void *arg, dsm_thread *out);

/*
 * Waits until the thread has ended, with destructors of its thread-local objects, and sets *value,
 * unless NULL, to what fn returned or pthread_exit was given. All that it has written the caller
 * sees. Any thread of any node may do so, once: the thread is no more then. Blocks. Errors:
 * DSM_ERR_NOENT (no such thread: joined, or detached), DSM_ERR_BUSY (another thread is waiting for
 * it), DSM_ERR_DEADLK, DSM_ERR_NOMEM (32767 threads of this node wait already), DSM_ERR_LOST.
 */
DSM_API int dsm_thread_join(dsm_t *dsm, dsm_thread thread, void **value);
/* For so many milliseconds (0: not, -1: for ever): then DSM_ERR_TIMEDOUT, and it may be joined. */
DSM_API int dsm_thread_timedjoin(dsm_t *dsm, dsm_thread thread, int timeout_ms, void **value);

/* Nobody will join it: it is no more when it has ended. Blocks, for one request. Errors:
 * DSM_ERR_NOENT, DSM_ERR_BUSY (a thread is waiting for it), DSM_ERR_LOST. */
DSM_API int dsm_thread_detach(dsm_t *dsm, dsm_thread thread);

/* The calling thread. DSM_ERR_NOENT: it is none of dsm_thread_create. */
DSM_API int dsm_thread_self(dsm_t *dsm, dsm_thread *out);

/* The node that it was started at. DSM_ERR_INVAL: it names none. */
DSM_API int dsm_thread_node(dsm_t *dsm, dsm_thread thread);

#ifdef __cplusplus
}
#endif
#endif
