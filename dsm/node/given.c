/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether pages that were asked for ahead were of use. */
#include "dsm/node/given.h"

#include <stddef.h>

static struct given_page *place_of(struct given *g, uint64_t page)
{
	return &g->page[page % GIVEN_PAGES];
}

void given_ask(struct given *g, uint64_t page, uint64_t by, uint32_t thread)
{
	*place_of(g, page) = (struct given_page){ .page = page + 1, .by = by, .thread = thread };
}

const struct given_page *given_find(const struct given *g, uint64_t page)
{
	const struct given_page *at = &g->page[page % GIVEN_PAGES];

	return at->page == page + 1 ? at : NULL;
}

void given_came(struct given *g, uint64_t page, uint64_t content)
{
	struct given_page *at = place_of(g, page);

	at->was = content;
	at->has_come = 1;
}

int given_went(struct given *g, uint64_t page, uint64_t content)
{
	struct given_page *at = place_of(g, page);

	at->page = 0;
	return at->has_come ? content != at->was : -1;
}
