/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one node, rank 0, serves to all: the allocator of shared memory, and names for it.
 * Requests and answers are messages; a request of rank 0 itself takes the same way without
 * the network. Their data is private memory, never shared pages. Where nodes may die it is the
 * lowest rank that lives, and the next one has the same (mirror.h).
 *
 * All of it is under the node's lock. Requests are served by the service thread alone.
 */
#ifndef HEAP_H
#define HEAP_H

#include <stdint.h>

#include "coherence/coh.h"
#include "dsm/heap/fold.h"

struct ckpt_manifest;
struct dsm;
struct region_zone;

/* SVC_FREE of whole pages answers with their bytes, which are nobody's then, and which the caller
 * discards before SVC_FREED tells what could not be. */
enum heap_op {
	SVC_ALLOC = 1, SVC_FREE, SVC_PUBLISH, SVC_UNPUBLISH, SVC_LOOKUP, SVC_LOOKUP_CANCEL,
	SVC_FREED,
	SVC_SHARE,   /* arg 0: bytes. Answer: the offset and 1; or 0, 0: the name is claimed */
	SVC_UNSHARE, /* the claim is given up */
	SVC_ROUND,   /* rounds.c */
	SVC_WHERE,   /* arg 0: an offset. Answer: 0; or -ENOENT, nobody has allocated that page, and
	              * the nearest block: offset, bytes (0: none), bytes of its name */
	SVC_NAME,    /* arg: a block's offset, part. Answer: that part of its name */
	SVC_LOST,    /* of any node. arg: a page of its homes, and how many. Answer: which of them are
	              * lost, a bit each; or -EAGAIN */
	SVC_LEAVE,   /* of any node: this one has come to dsm_fini. There is no answer */
	SVC_CHANGE,  /* to the deputy of who serves: what has changed (served.h). status: kind, from bit 8 on
	              * zone, from bit 16 on the node whose request it was; slot and serial: which one */
	SVC_CHANGED, /* and back. arg 0: so many have come */
	SVC_ACCORD,  /* living.c. There is no answer */
};

#define HEAP_LOST_PAGES 192 /* of one SVC_LOST, at most */

/* Blocks are told by a kind: enum region_zone_kind, or HEAP_KEEP2, memory that two nodes hold, at the end of
 * the zone of small pages. Offsets of such are from its begin on: where that is in the zone, in bytes. */
#define HEAP_KEEP2 2
const struct region_zone *heap_zone(const struct dsm *d, unsigned kind);
uint64_t heap_zone_offset(const struct dsm *d, unsigned kind);
uint64_t heap_zone_bytes(const struct dsm *d, unsigned kind); /* 0: there is none */

/* Sets d->heap, and what the node does with services' messages. -ENOMEM */
int heap_open(struct dsm *d);
void heap_close(struct dsm *d); /* half-built is allowed */
/* Asks and waits; svc is the request and then the answer. timeout_ms of a lookup, or -1. The
 * answer's status, or DSM_ERR_LOST; DSM_ERR_LOST_DATA where nodes have died, and with them what is asked
 * for. Takes the lock. */
int heap_call(struct dsm *d, struct coh_svc *svc, int timeout_ms, const char *what);
/* The same of a node to which what svc asks belongs: whoever serves, unless it is of workers.h or of any
 * node. When the time
 * is over the request cancel is sent after it. */
int heap_ask(struct dsm *d, coh_node to, struct coh_svc *svc, int timeout_ms, unsigned cancel,
             const char *what);

/* A round of all nodes, which takes as long as a barrier: word becomes what those of all nodes come
 * to, by an op of enum dsm_op for words of a type, or HEAP_BROADCAST of those of root. All nodes
 * give the same what, or get -EINVAL. -EBUSY: another thread is in one. As heap_call. */
#define HEAP_BESIDE 1016 /* a round with this count goes on beside one with another */
int heap_round(struct dsm *d, struct heap_round what, uint64_t word[HEAP_WORDS], const char *name);
/* The same where nodes may die, of those who live: DSM_ERR_VIEW, or a result, at all of them. */
int heap_meet(struct dsm *d, struct heap_round what, uint64_t word[HEAP_WORDS], const char *name);

/* At rank 0, lock held: blocks and names into m, which is to be freed by ckpt_manifest_free(); and
 * back, at the start. -ENOMEM; -EINVAL: they do not fit into this region. */
int heap_save(struct dsm *d, struct ckpt_manifest *m);
int heap_restore(struct dsm *d, const struct ckpt_manifest *m);

/* Lock held. Calls fn for every name that this node serves (all, or none), with the bytes of its
 * block, or 0. */
void heap_each_name(struct dsm *d,
                    void (*fn)(void *ctx, const char *name, uint64_t address, uint64_t bytes),
                    void *ctx);

#endif
