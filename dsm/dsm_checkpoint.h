/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Saving a job, so that a later one goes on from there, on as many nodes as it likes: what shared
 * memory holds, where it lies, its blocks, names, mutexes and conditions, and bytes of each node's
 * own. The rules of dsm.h hold.
 *
 *	int64_t n = dsm_restored(dsm, 0, &step, sizeof step);   // dsmctl run --restore DIR
 *	if (n < 0)
 *		step = 0;                                       // begins anew
 *	for (; step < steps; step++) {
 *		if (step % 100 == 0) {
 *			struct dsm_checkpoint_args a = DSM_CHECKPOINT_ARGS_INIT;
 *			a.dir = "saved";
 *			a.private_data = &step;
 *			a.private_bytes = sizeof step;
 *			dsm_checkpoint(dsm, &a);
 *		}
 *		...
 *	}
 */
#ifndef DSM_CHECKPOINT_H
#define DSM_CHECKPOINT_H

#include "dsm.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A file or directory could not be made, written or read. */
#define DSM_ERR_STORAGE (-1012)
/* There is no checkpoint there, or it is damaged, or of a newer version. */
#define DSM_ERR_CHECKPOINT (-1013)

struct dsm_checkpoint_args {
	size_t size;       /* sizeof(struct dsm_checkpoint_args) */
	const char *dir;   /* where: the same directory on all nodes; it is made where it is missing */
	const void *private_data; /* of this node: for dsm_restored() */
	size_t private_bytes;
	unsigned flags;    /* 0, or of DSM_CHECKPOINT_*: the same on all nodes */
};
/* The program goes on while pages are saved; dsm_checkpoint_wait() tells what came of it. */
#define DSM_CHECKPOINT_BACKGROUND 1u
/* Only what may have been written since the last one is saved, where that had the flag, too. */
#define DSM_CHECKPOINT_INCREMENTAL 2u
/* What is saved is compressed, by libzstd: DSM_ERR_INVAL where the library was built without it. */
#define DSM_CHECKPOINT_COMPRESS 4u
#define DSM_CHECKPOINT_ARGS_INIT { sizeof(struct dsm_checkpoint_args), NULL, NULL, 0, 0 }

/*
 * Saves the job. One thread of every node calls it; what is saved is what shared memory holds when
 * all are there. Until it returns other threads may read; those that write, or are in dsm_alloc,
 * dsm_free, dsm_pin or an atomic, wait. Mutexes are saved as if nobody held them; a call of another
 * thread that is under way may be saved as made or as not made. On return the checkpoint is complete
 * and on the disk, in place of the one that was in dir, on all nodes; or all get an error, and the
 * one that was in dir is as it was. The first job that writes to a directory has it until it ends.
 * One thread of a node at a time, and none in a call of dsm_coll.h meanwhile but in dsm_shared.
 * Blocks. Errors: DSM_ERR_INVAL (size, dir, flags), DSM_ERR_BUSY (memory is pinned by dsm_pin; or
 * another job writes there; or another thread is in the call), DSM_ERR_STORAGE, DSM_ERR_CHECKPOINT
 * (what is in dir cannot be read, and is not written over), DSM_ERR_NOMEM, DSM_ERR_LOST; a node
 * whose part failed has the reason in dsm_checkpoint_error() and in its log.
 */
DSM_API int dsm_checkpoint(dsm_t *dsm, const struct dsm_checkpoint_args *args);

/*
 * With DSM_CHECKPOINT_BACKGROUND dsm_checkpoint returns when all is kept as it is, which takes a
 * moment, and a thread of the library saves it: who stores to a page that is not saved yet waits
 * for its being copied. Copies take memory, DSM_CHECKPOINT_COPIES bytes on this node at most; those
 * that are more go to a file in dir, which has no name and goes at the end.
 * 0 says that it has begun. This waits for its end: 0 when the checkpoint is complete and on the
 * disk, or what the last one in the background has failed with, then the one before is as it was;
 * all nodes get the same, as soon as it is known. 0 when there was none. The next dsm_checkpoint, and
 * dsm_fini, wait for it, too. Errors: DSM_ERR_BUSY (another thread is in one of the calls),
 * DSM_ERR_INVAL (this is a child of fork), and as dsm_checkpoint.
 */
DSM_API int dsm_checkpoint_wait(dsm_t *dsm);

/*
 * With DSM_CHECKPOINT_INCREMENTAL a checkpoint has only pages that may have been written since the
 * one before, and lies on that, which stays in dir: up to 16 make a chain, which is read as one. It
 * is a full one where there is none to lie on: of this job, the last that it tried, in this dir,
 * with this flag, and good; or where the chain is as long as it may be. After one with the flag the
 * first store to each page takes a fault, until one without it.
 */

/* The sentence that explains the calling thread's last failed dsm_checkpoint, or
 * dsm_checkpoint_wait, or "". */
DSM_API const char *dsm_checkpoint_error(void);

/*
 * Whether the job is to be saved now: 1 or 0, on all nodes alike. One thread of every node calls it
 * in the same turn of its loop, where the job could be saved, and calls dsm_checkpoint() then:
 *
 *	const char *dir = "saved";
 *	if (dsm_checkpoint_wanted(dsm, &dir) > 0) {
 *		a.dir = dir;
 *		dsm_checkpoint(dsm, &a);
 *	}
 *
 * It is wanted when DSM_CHECKPOINT_EVERY seconds, as rank 0 has them in its environment, have passed
 * since the last one, or the start; and once for each dsmctl checkpoint JOB DIR, which waits for it:
 * then *dir becomes that directory, as text that is valid until the next call; else *dir is left as
 * it is. It takes as long as a barrier; as with calls of dsm_coll.h, one thread of a node at a time.
 * Errors, which need not be the same on all nodes: DSM_ERR_INVAL (dir is NULL, or the nodes are in
 * different calls), DSM_ERR_BUSY, DSM_ERR_LOST.
 */
DSM_API int dsm_checkpoint_wanted(dsm_t *dsm, const char **dir);

/*
 * The private bytes of a node of the job that this one was restored from (DSM_RESTORE, or dsmctl
 * run --restore): copies at most len of them to buf, and returns how many there are. Any node may
 * ask for those of any old rank. Does not block. Errors: DSM_ERR_NOENT (the job was not restored),
 * DSM_ERR_INVAL (that job had no such rank).
 */
DSM_API int64_t dsm_restored(dsm_t *dsm, int old_rank, void *buf, size_t len);

#ifdef __cplusplus
}
#endif
#endif
