/* SPDX-License-Identifier: BSD-2-Clause */
/* Which provider the nodes of a job come to use, from what each has told of its own. Pure. */
#ifndef DSM_VOTE_H
#define DSM_VOTE_H

#include <stdint.h>

#include "transport/ofi.h"

#define VOTE_NAME_BYTES 64

struct vote {
	int32_t status; /* first */
	struct tr_ofi_make make;
	char named[VOTE_NAME_BYTES];    /* the provider to be used, which a user told this node, or one
	                                 * that it follows; "": none */
	char provider[VOTE_NAME_BYTES]; /* what it has open */
};

struct vote_plan {
	int done;                    /* all have the same, and these work together */
	int because;                 /* the node that the others follow */
	char named[VOTE_NAME_BYTES]; /* what each is to open, "": what it likes ... */
	char no_better_than[VOTE_NAME_BYTES]; /* ... but nothing better than this */
};

/* 0, or DSM_ERR_... and a sentence: they cannot come together. */
int vote_count(const struct vote *all, int nodes, struct vote_plan *out);

/* Whether what a node has open is what the plan says. */
int vote_follows(const struct vote *mine, const struct vote_plan *plan);

#endif
