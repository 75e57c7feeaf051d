/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What pages held at a moment, while the program goes on: who is about to change a frame that is not
 * saved yet has what is in it copied first. And which frames may have changed since a moment.
 *
 * Copies are in memory as long as they have room there; those that are more go to a file. Who makes
 * one writes it there himself: he needs nobody for that, and so nobody can wait for him in a circle.
 *
 * The engine tells of each frame before it may change, by a store of this node's (the window lets
 * write), by one who writes a page here (a landing), or by the engine itself (an atomic, zeroes,
 * memory that goes back). It does so in a signal handler perhaps: nothing is allocated there.
 * What cannot be written fails the saving, and not who writes.
 *
 * Under the node's lock.
 */
#ifndef MOMENT_H
#define MOMENT_H

#include <stddef.h>
#include <stdint.h>

#define MOMENT_RUN 64 /* pages */

struct dsm;

/* Pages of one zone that follow each other. */
struct moment_run {
	uint64_t page, at; /* at: of its copies, in bytes */
	uint32_t n;
	uint64_t due, copied; /* a bit each: what it held is in its frame, which is pinned; is copied */
	uint64_t spilled;     /* of those copied: to the file */
};

struct moment {
	struct moment_run *run; /* of ascending pages; NULL: nothing is being saved */
	uint64_t runs;
	uint8_t *copy; /* has memory only where something was copied */
	size_t copy_bytes;
	uint64_t room, held; /* bytes of copies that may be in memory, and are */
	int spill;     /* the file for the others, where all there is has no room; -1 */
	int failed;    /* -errno: a copy is lost */
	uint64_t *written; /* a bit for each page; NULL: nobody asks */
	size_t written_bytes;
};

/* These frames may change after this. */
void moment_change(struct dsm *d, uint64_t first, uint32_t n);

/* Whether the page may have changed since. */
int moment_is_written(const struct dsm *d, uint64_t page);

/* --- moment_save.c: above the engine --- */
/* How many bytes the copies can be. */
uint64_t moment_bytes(const struct dsm *d, const struct moment_run *run, uint64_t runs);
/* Begins, while nobody writes: their frames are pinned, and all is due. The runs stay where they are
 * until the end, which closes spill: an empty file, or -1 where copies of all have room. -ENOMEM.
 * Takes the lock. */
int moment_begin(struct dsm *d, struct moment_run *run, uint64_t runs, int spill);
/* What the pages of a run held then; they are due no longer. Or -errno: a copy is lost. Takes the lock. */
int moment_take(struct dsm *d, struct moment_run *run, uint8_t *out);
/* Takes the lock; half-done and not begun are allowed. */
void moment_end(struct dsm *d);

/* From here on, while nobody writes, what is written counts. -ENOMEM. Takes the lock. */
int moment_watch(struct dsm *d);
void moment_watch_no_more(struct dsm *d);

#endif
