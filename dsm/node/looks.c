/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that changes, and pages whose faults come back to the same word. */
#include "dsm/node/looks.h"

#define LEFT_ALONE 250 /* times, after it was fought for */

static struct looks_page *place_of(struct looks *w, uint64_t page)
{
	return &w->page[page % LOOKS_PAGES];
}

int looks_given(struct looks *w, uint64_t page, uint64_t offset)
{
	struct looks_page *p = place_of(w, page);
	const uint32_t word = (uint32_t)(offset / 8);
	int again;

	if (p->page != page + 1) {
		*p = (struct looks_page){.page = page + 1, .word = word};
		return 0;
	}
	again = p->word == word;
	p->word = word;
	if (!p->fought)
		return again;
	p->fought--;
	return 0;
}

void looks_fought(struct looks *w, uint64_t page)
{
	struct looks_page *p = place_of(w, page);

	if (p->page == page + 1)
		p->fought = LEFT_ALONE;
}

uint64_t looks_content(const struct looked *w)
{
	const uint64_t *word = w->at;
	uint64_t sum = 0;

	if (w->bytes == 4)
		return *(const volatile uint32_t *)w->at;
	/* Factors that differ: two words that swap do not go unseen. */
	for (uint32_t i = 0; i < w->bytes / 8; i++)
		sum += word[i] * (2 * (uint64_t)i + 1);
	return sum;
}
