/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What must hold of what is served, whoever dies: a reference beside the nodes of mirror_world.h, which
 * chooses what threads ask for, and compares what they are told. No block is given twice, none is
 * leaked, none that is freed is unknown; memory that is said to be fresh is; a name has the value that it was
 * given last, and nobody sees it fall back; one at a time has claimed a name.
 */
#ifndef MIRROR_MODEL_H
#define MIRROR_MODEL_H

#include "tests/heap/mirror_world.h"

#define BLOCKS 4096
#define ALL (NODES * THREADS)
#define VERSIONS 512
#define GRANULES (ZONE_BYTES / 16)
#define CLAIMS 3
#define NEVER UINT64_MAX

/* Taken, as far as anybody was told; or perhaps free since somebody has begun to free it. */
struct block { uint64_t offset, bytes; int by; };

/* A name that one thread adds and removes. Odd versions are there. */
struct name {
	int version;                            /* the last that was asked for, or is there */
	uint64_t begin[VERSIONS], end[VERSIONS]; /* of the request for each */
};

struct model {
	int may_be_gone, is_gone;
	uint32_t gone; /* a view in which all is lost */
	struct block block[BLOCKS];
	int blocks;
	uint8_t touched[GRANULES];
	struct name name[ALL];
	int seen[ALL], floor[ALL]; /* of each name: by any read that is over; by each thread's own */
	int reads[ALL];  /* by thread: the name that it looks up */
	int frees[ALL];  /* or the block that it frees, or -1 */
	int leaves[ALL]; /* which has been taken from it, and is to be discarded */
	int wants[ALL];  /* what it expects of what it asks for */
	int claims[ALL]; /* the name that it wants to claim, or has */
	int has[ALL];    /* it has it: 1; and has added it: 2 */
	int holder[CLAIMS];
	unsigned maybe_taken; /* blocks for the dead */
};
extern struct model model;

struct model_counts {
	unsigned ended, lost; /* answers; DSM_ERR_LOST_DATA of these */
	unsigned blocks, names, claims, cancelled;
};
extern struct model_counts model_counts;

static inline int model_index(const struct thread *t)
{
	return t->node * THREADS + t->slot;
}

/* --- mirror_model.c --- */
void model_open(int may_be_gone);
/* A thread asks for something at random, or takes back what it has asked for. */
void model_ask(struct thread *t);
void model_ended(struct thread *t, int status, uint64_t a, uint64_t b);
/* A node is out: what its threads had asked for may be done. */
void model_lose(int node);
/* Nobody asks for more: those who live give back what they have claimed, until all is at rest. */
void model_rest(void);

/* --- mirror_compare.c --- */
/* At rest: what is served is what the answers say, also at the deputy. */
void model_compare(void);

#endif
