/* SPDX-License-Identifier: BSD-2-Clause */
/* A checkpoint on its way: what a node knows of it between the steps that all take together. */
#ifndef CALLS_CHECKPOINT_H
#define CALLS_CHECKPOINT_H

#include <stdint.h>

#include "dsm/checkpoint/checkpoint.h"
#include "dsm/node/node.h"

#define SAVING_WHY sizeof(struct ckpt_why)

struct saving {
	struct dsm *d;
	char *dir;
	unsigned flags;
	const void *private_data;
	void *kept; /* a copy of it, where the program goes on; or NULL */
	uint64_t private_bytes;
	int store; /* rank 0's, which has the lock on dir; -1 */
	int gen;   /* the generation's directory; -1 */
	uint8_t id[CKPT_ID_BYTES];
	uint64_t generation;
	struct moment_run *run; /* what this node is to save; their frames stay */
	uint64_t runs, room;
	struct ckpt_object *object; /* its mutexes and conditions */
	uint64_t objects;
	int lies; /* on another one: it has only what was written since then */
	struct ckpt_manifest manifest, base; /* rank 0's; base: on what it lies */
	struct saving_gone {
		uint64_t page, n;
	} *gone; /* pages that this node is home to, and that nobody has any more */
	uint64_t gones;
	struct ckpt_why why;
	int beside; /* the program goes on: rounds of its own threads may be under way, too */
};

/* --- checkpoint_agree.c: what a node says, and hears --- */
/* The sentence for dsm_checkpoint_error() of this thread. */
void saving_set_error(const char *text);
/* What this node has to say; also to its log. */
void saving_explain(const struct saving *s, const char *text);
/* A code of ours for one of the system's, with the sentence that came with it. */
int saving_failed(struct saving *s, int rc);
/* All nodes tell how it went: 0 when it went well everywhere; else what this one gave, or another. */
int saving_agree(struct saving *s, int rc);

/* --- checkpoint_pages.c --- */
/* While nothing moves: notes the pages that this node has to save, whose frames stay, and its
 * objects. 0, DSM_ERR_NOMEM. */
int saving_note(struct saving *s);
/* Writes those that are not zero, this node's objects, and its private bytes. Codes as of the
 * system, and s->why. */
int saving_write(struct saving *s);
/* Frames may go again; half-done is allowed. */
void saving_let_pages_go(struct saving *s);

/* --- checkpoint_finish.c --- */
/* The end of each checkpoint: rank 0 writes the manifest where rc is 0, or the generation goes. All
 * nodes get the same. */
int saving_commit(struct saving *s, int rc);
void saving_free(struct saving *s);
/* Pages that nobody may write for the saving alone may be written; and nobody is held any more. */
void saving_let_write(const struct saving *s);
void saving_thaw(const struct saving *s);
/* All that is needed to let the program go on. DSM_ERR_NOMEM, DSM_ERR_STORAGE */
int saving_prepare(struct saving *s);
/* The rest, by a thread of its own, which frees s. 0, or, where there is none to be had, what came of
 * the whole. */
int saving_go_on(struct saving *s);
/* Waits for that thread: what came of the last one. */
int saving_wait(struct dsm *d);

/* --- checkpoint_wanted.c --- */
/* A checkpoint is being saved beside the program: none is wanted until it has ended. */
void wanted_goes_on(struct dsm *d);
/* Rank 0: whether this one is to be compressed, whatever the program says. */
int wanted_packed(struct dsm *d);
/* A checkpoint has ended, with this code and sentence; whoever wanted it is told. */
void wanted_saved(struct dsm *d, const char *dir, int code, const char *error);

#endif
