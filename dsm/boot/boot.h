/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bootstrap: how the nodes of a job find each other. One ops table; what a way of
 * starting has to offer is an allgather, and word of a job that ended. Knows job/, and
 * nothing of what a node does with it.
 *
 * What guards it: calls block, and one thread uses a boot at a time, but for ended(), which
 * another may call meanwhile: each way has a lock of its own for that, held during a round.
 */
#ifndef BOOT_H
#define BOOT_H

#include <stddef.h>
#include <stdint.h>

#include "dsm/job/job.h"

struct boot {
	const struct boot_ops *ops;
	int rank, size;
	int has_starter;          /* who stops nodes, and tells of their end (stop, lost) */
	int one_machine;          /* all nodes run on this machine, and see the same of it */
	int nodes_here;           /* so many share this machine's processors */
	char bind[64];            /* our address that the others reach, "" where any will do */
	char runtime_dir[108];    /* the job's private directory, "" without one */
	char job[32];             /* the job's name, "" without one */
	uint8_t secret[BOOT_SECRET]; /* what all nodes of the job know, and its way of starting
	                              * has told nobody else; of one node nothing */
	int unguarded;            /* nobody gave it one, and others can come where its nodes meet */
};

struct boot_ops {
	const char *name;
	/* Every node gives len bytes (at most BOOT_BLOB_MAX); all receives size blobs,
	 * stride bytes apart, and lens their lengths. -ETIMEDOUT after timeout_ms, with
	 * the missing ranks in why; -ECONNRESET when the job ended; -EPROTONOSUPPORT when
	 * the nodes' versions differ. After a failure all further calls fail. */
	int (*allgather)(struct boot *boot, const void *mine, size_t len, void *all, size_t stride,
	                 uint32_t *lens, int timeout_ms, char *why, size_t why_len);
	/* A descriptor that becomes readable when the job has ended, and during rounds;
	 * ended() tells which. -1 without one. */
	int (*fd)(const struct boot *boot);
	/* To be called when fd is readable: 0 false alarm, or a negative code (-ECONNRESET
	 * a node or the starter is gone) and a sentence in why. Does not block. 1: another
	 * thread is in allgather, which takes what is there and sees an end, too; until it is
	 * done there is no use in asking again. */
	int (*ended)(struct boot *boot, char *why, size_t why_len);
	/* This node cannot go on, for the reason why: the job ends for all, who are told so.
	 * Then all further calls fail. Does nothing once the job has ended. 0; or 1, where
	 * another thread is in allgather: for that it waits only if wait is set. */
	int (*fail)(struct boot *boot, const char *why, int wait);
	/* From now on the loss of a node does not end the job: lost() tells of it. But that of the
	 * starter, where there is one, does; and rounds fail once a node is lost. */
	void (*survive)(struct boot *boot);
	/* A descriptor that is readable when lost() may have something. -1 without one. */
	int (*lost_fd)(const struct boot *boot);
	/* The next loss: 1, with its rank, and whether it is sure (the starter has seen it dead) or just
	 * that its connection ended; 0: no more. Does not block. */
	int (*lost)(struct boot *boot, int *rank, int *sure);
	/* Has the starter stop the node of this rank, who then tells lost() of all. 0; or -ENOTSUP:
	 * there is no starter, -ECONNRESET: not any more. */
	int (*stop)(struct boot *boot, int rank);
	/* The descriptors of its connections, at most max (size + 4 are enough): how many. */
	int (*descriptors)(const struct boot *boot, int *fds, int max);
	/* Leaves, in good order unless the job has ended, and frees boot. */
	void (*close)(struct boot *boot);
};

struct boot_config {
	int timeout_ms; /* for all nodes to come; 0: BOOT_TIMEOUT_MS */
	/* The caller's exchange, or NULL: as dsm_config.allgather. */
	int (*allgather)(void *ctx, const void *mine, void *all, size_t len);
	void *allgather_ctx;
	int rank, size; /* with allgather */
};
#define BOOT_TIMEOUT_MS 60000

/*
 * Takes the caller's exchange, or chooses by the environment:
 * - DSM_JOB, DSM_RANK, DSM_SIZE: the local way (boot_local), DSM_JOB being the job's
 *   directory with the rendezvous socket in it.
 * - DSM_RENDEZVOUS, DSM_RANK, DSM_SIZE: by hand (boot_hand), DSM_RENDEZVOUS being the
 *   host and port where rank 0 listens.
 * - None of them, PMIX_NAMESPACE and PMIX_RANK: what the launcher says (boot_pmix).
 * - Else: a job of one node (boot_single).
 * Some but not all, or nonsense in one: -EINVAL and a sentence in why. Other codes:
 * -ECONNREFUSED no such job; -EACCES it is another user's, or has another secret; -EEXIST
 * the rank is taken; -EPROTONOSUPPORT as in allgather; -ETIMEDOUT, -ECONNRESET. Every
 * failure has a sentence. config may be NULL.
 */
int boot_open(const struct boot_config *config, struct boot **out, char *why, size_t why_len);

#endif
