/* SPDX-License-Identifier: BSD-2-Clause */
/* What readers of a checkpoint's pages share: its files, and reading what has been found in them. */
#ifndef RESTORE_READ_H
#define RESTORE_READ_H

#include "dsm/start/restore_find.h"

struct readers {
	unsigned n;
	struct reader {
		struct dsm *d;
		pthread_t thread;
		unsigned number;
		uint8_t *buf; /* for the longest run of pages that are not read to where they belong */
	} reader[AWAY_READERS];
	struct old {
		int fd;
		uint64_t *at; /* of each run: where in the data */
	} old[]; /* the nodes of the job that was saved; and again for each layer */
};

static inline struct old *readers_old(const struct dsm *d, uint64_t layer, uint32_t rank)
{
	return &d->readers->old[layer * d->restored->manifest.nodes + rank];
}

/* Pages that a reader has taken, and where they are. */
struct piece {
	struct found found;
	struct away_piece away; /* those that come from here, and nobody has yet */
};

/* Of those that are away, the next ones that lie beside each other, from *page on: how many. */
uint64_t piece_row(const struct piece *piece, uint64_t *page);

/* 0, or -ENOMEM. */
int reader_open(struct reader *r);
void reader_close(struct reader *r); /* zeroed is allowed */
/* Fills the frames of the pages that are away. Without the lock: no frame of a page that is being read
 * is in anybody else's hands. 0, or a code of the system's and why. */
int reader_read(struct reader *r, const struct piece *piece, struct ckpt_why *why);

#endif
