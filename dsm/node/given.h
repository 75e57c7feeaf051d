/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages that were asked for, for writing, before anybody wrote there, and whether they are written then: one that goes as
 * it came cost others what they had. Each was asked for by somebody, a number that says who will want to know. The last
 * pages are remembered, in the places that their numbers have. Under the node's lock.
 */
#ifndef GIVEN_H
#define GIVEN_H

#include <stdint.h>

#define GIVEN_PAGES 256

struct given {
	struct given_page {
		uint64_t page;   /* and 1; 0: none */
		uint64_t by;     /* whoever asked */
		uint32_t thread; /* for this one; 0: for none */
		int has_come;
		uint64_t was; /* what was there when it came */
	} page[GIVEN_PAGES];
};

void given_ask(struct given *g, uint64_t page, uint64_t by, uint32_t thread);
/* Whether it was asked for, and has not gone: then it is this one. Else NULL. */
const struct given_page *given_find(const struct given *g, uint64_t page);
/* It has come, or goes, and holds that. */
void given_came(struct given *g, uint64_t page, uint64_t content);
/* 1: it was written meanwhile; 0: it was not; -1: it had not come. */
int given_went(struct given *g, uint64_t page, uint64_t content);

#endif
