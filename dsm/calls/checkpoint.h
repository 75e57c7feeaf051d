/* SPDX-License-Identifier: BSD-2-Clause */
/* A checkpoint on its way: what a node knows of it between the steps that all take together. */
#ifndef CALLS_CHECKPOINT_H
#define CALLS_CHECKPOINT_H

#include <stdint.h>

#include "dsm/checkpoint/checkpoint.h"

struct dsm;

struct saving {
	struct dsm *d;
	const char *dir;
	const void *private_data;
	uint64_t private_bytes;
	int store; /* rank 0's, which has the lock on dir; -1 */
	int gen;   /* the generation's directory; -1 */
	uint8_t id[CKPT_ID_BYTES];
	uint64_t generation;
	struct saving_run {
		uint64_t page;
		uint32_t n;
	} *run; /* what this node is to save; their frames stay */
	uint64_t runs, room;
	struct ckpt_manifest manifest; /* rank 0's */
	struct ckpt_why why;
};

/* --- checkpoint_pages.c --- */
/* While nothing moves: notes the pages that this node has to save. 0, DSM_ERR_NOMEM. */
int saving_note_pages(struct saving *s);
/* Writes those that are not zero, this node's objects, and its private bytes. Codes as of the
 * system, and s->why. */
int saving_write(struct saving *s);
/* Frames may go again; half-done is allowed. */
void saving_let_pages_go(struct saving *s);

#endif
