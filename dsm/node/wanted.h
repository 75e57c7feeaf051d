/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A checkpoint that somebody wants of the program: dsmctl has asked for one, or it is time for the
 * next. What is here is rank 0's, but for told. Under the node's lock.
 *
 *	NONE -> ASKED        by dsmctl, to dir
 *	ASKED -> GIVEN       the program was told, by dsm_checkpoint_wanted()
 *	GIVEN -> ENDED       it has saved, or tried to; or asks again without having done so
 *	ASKED -> NONE        dsmctl does not wait any longer
 *
 * While one is being saved beside the program nothing is given: it would be taken for that one.
 */
#ifndef WANTED_H
#define WANTED_H

#include <stdint.h>

#define WANTED_DIR_MAX 4096

enum wanted_state { WANTED_NONE = 0, WANTED_ASKED, WANTED_GIVEN, WANTED_ENDED };

struct wanted_checkpoint {
	uint64_t every_ns; /* 0: only when it is asked for */
	uint64_t since_ns; /* the last one's end, or the start */
	uint64_t calls;    /* how often the program has looked */
	int goes_on;       /* one is being saved while the program goes on */
	int always_packed; /* each is to be compressed, whatever the program says; or: */
	int packed;        /* the one that was asked for */
	enum wanted_state state;
	uint64_t number;   /* of what was asked, by the asker's choice */
	char dir[WANTED_DIR_MAX];  /* where, since ASKED */
	int code;                  /* ENDED: what came of it */
	char said[WANTED_DIR_MAX]; /* the sentence for that, or where it was saved to */
	char told[WANTED_DIR_MAX]; /* what this node's program was given last; without the lock */
};

#endif
