/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What dsm.h lacks for those who bind libdsm to another language: dsm.hpp does for C++, the
 * package dsm for Python.
 */
#ifndef DSM_BIND_H
#define DSM_BIND_H

#include "dsm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the library that is loaded, such as "0.1.0": a static text. */
DSM_API const char *dsm_version(void);

/*
 * The node that this process is, from the end of dsm_init until all nodes have come to dsm_fini, and
 * all threads of dsm_thread.h have ended; else NULL. Objects in shared memory cannot keep it, for it is private memory.
 */
DSM_API dsm_t *dsm_current(void);

/*
 * For programs that end by exit(3), whatever their threads are doing: leaves the job, as dsm_fini
 * does, and ends the process with that status, by _exit(2). Threads of this node may go on using the
 * region all the while; once all nodes have called it, who wants a page that is not here waits until
 * the end. Blocks until all nodes have called it, or one is lost. On a stack in the region, or with
 * dsm NULL, it ends the process alone.
 */
DSM_API void dsm_exit(dsm_t *dsm, int status) __attribute__((noreturn));

/*
 * A dsm_log_fn that writes to a descriptor, ctx being an int * to it: a digit, the level; a space;
 * the line; a newline; 600 bytes at most, by one write. It waits a second for a descriptor that
 * does not block, and then leaves the line out. For languages in which a function of the program's
 * must not be called by a thread of the library's, or has to wait for what a thread may hold that
 * is waiting for a page: they read a pipe.
 */
DSM_API void dsm_log_fd(void *ctx, enum dsm_log_level level, const char *text);

#ifdef __cplusplus
}
#endif
#endif
