/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What one node serves to all: blocks of shared memory, and names. It takes a request and gives
 * answers, and each change on the way, for another node to follow: that has the same then, but for
 * who waits. What was answered is remembered for who asks again, by the number of the request.
 * Pure but for malloc, and for what struct served_out does. One thread at a time.
 */
#ifndef SERVED_H
#define SERVED_H

#include "coherence/coh.h"
#include "dsm/heap/alloc.h"
#include "dsm/heap/names.h"
#include "dsm/heap/room.h"
#include "dsm/memory/memory.h"

/* What is served apart: a zone of the region each, and what two nodes hold, the end of its small pages. */
#define SERVED_KEEP2 REGION_ZONES
#define SERVED_ZONES (REGION_ZONES + 1)
#define SERVED_NODES 64 /* of jobs in which requests have numbers */

enum served_kind {
	SERVED_COPY = 1, /* a copy begins: there is nothing, yet */
	SERVED_COPIED,   /* it is whole */
	SERVED_TAKE,     /* arg: a block's offset, bytes, what is beneath (alloc_beneath()) */
	SERVED_GIVE,     /* arg 0: its offset */
	SERVED_LEAVE,    /* the same, in two parts (alloc_give_begin()): by node */
	SERVED_LEFT,     /* arg 0: its offset; and what is dirty of it */
	SERVED_ADD,      /* a name, arg 0: its value */
	SERVED_REMOVE,
	SERVED_CLAIM,    /* by node */
	SERVED_UNCLAIM,
	SERVED_DONE,     /* nothing changes; arg: what was answered */
	SERVED_KINDS
};

/* A change; and where serial is not 0, the request that it does. */
struct served_change {
	uint8_t kind, zone;
	uint16_t node, slot;
	uint32_t serial;
	uint64_t arg[3];
	char name[COH_NAME_MAX];
};

struct served_out {
	/* Opens the allocators and the rooms of all zones there are. -ENOMEM */
	int (*open)(void *ctx);
	void (*answer)(void *ctx, const struct names_waiter *to, int status, const uint64_t arg[3]);
	void (*changed)(void *ctx, const struct served_change *change);
	/* Bytes that there may be in use, where that is less than the zone; else 0. */
	uint64_t (*enough)(void *ctx, unsigned zone);
	/* A block is somebody's (1), or nobody's (-1). */
	void (*taken)(void *ctx, unsigned zone, uint64_t offset, uint64_t bytes, int change);
};

/* A request that was done, with success. */
struct served_done {
	uint32_t serial; /* 0: none */
	uint64_t arg[3]; /* what was answered */
};

struct served {
	struct alloc *alloc[SERVED_ZONES]; /* NULL: there is no such zone */
	struct room room[SERVED_ZONES];
	struct names *names;
	uint64_t zone_at[SERVED_ZONES], page_bytes[SERVED_ZONES]; /* where it begins in the region */
	struct served_done *done[SERVED_NODES]; /* by node, and slot */
	uint32_t n_done[SERVED_NODES];
	const struct served_out *out;
	void *ctx;
};

/* --- served.c --- */
/* out, ctx and zones' places are set. -ENOMEM */
int served_open(struct served *s);
void served_close(struct served *s); /* half-built and zeroed are allowed; may be opened again */
/* The bytes of the block that begins at this offset in the region; 0: there is none. */
uint64_t served_bytes_at(const struct served *s, uint64_t offset);
/* What was answered to a request, by its number; or NULL. */
const struct served_done *served_was_done(const struct served *s, const struct names_waiter *who);
/* Notes that it is. -ENOMEM */
int served_note(struct served *s, uint16_t node, uint16_t slot, uint32_t serial, const uint64_t arg[3]);
/* Only these nodes live: the others wait for nothing, have claimed nothing, give nothing back, and ask
 * no more. */
void served_bury(struct served *s, uint64_t living);

/* --- serve.c --- */
/* A request, one of heap.h. */
void served_ask(struct served *s, const struct names_waiter *who, const struct coh_svc *svc);

/* --- follow.c --- */
/* A change that another one has told of: all but SERVED_COPIED. -ENOMEM; -EINVAL: it cannot be. */
int served_follow(struct served *s, const struct served_change *change);
/* The next change by which another one, which has just been opened, gets all there is: 1; 0: that is
 * all. *at is zeroed at first; nothing may change meanwhile. */
struct served_cursor {
	unsigned stage, zone, node, slot;
	const void *at;
	uint64_t beneath;
	uint64_t lo, hi; /* of the block at hand: what may hold something, and is still to be told of */
	uint64_t give, leave; /* a block to be given back next, and 1; or to leave, by whom */
	uint16_t by;
};
int served_copy(const struct served *s, struct served_cursor *at, struct served_change *out);

#endif
