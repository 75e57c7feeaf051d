/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared pages whose contents are known: every word of every page says which page, which
 * word and which generation it is.
 */
#ifndef PAGES_H
#define PAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/bench/bench.h"
#include "tools/bench/series.h"

#define PAGE_WORDS (BENCH_PAGE / sizeof(uint64_t))

struct pages {
	uint8_t *base;
	uint32_t *index; /* of each in base; NULL: one after the other */
	uint32_t *order; /* a random one, so that the accesses form no stream */
	unsigned n;
	size_t page_bytes;
};

/* Collective. New pages, one after the other, with homes as they come. */
void pages_open(struct pages *p, unsigned n);
/* Collective. New pages whose home is a certain node. */
void pages_open_at(struct pages *p, unsigned n, int home);
/* Collective. Pages of 2 MiB at that home, once; false: there are none. */
bool pages_open_huge(struct pages *p, int home);
void pages_close(struct pages *p);

static inline volatile uint64_t *pages_at(const struct pages *p, unsigned i)
{
	return (volatile uint64_t *)(p->base + (size_t)(p->index ? p->index[i] : i) * p->page_bytes);
}

static inline unsigned pages_words(const struct pages *p)
{
	return (unsigned)(p->page_bytes / sizeof(uint64_t));
}

/* Content; generation tells one writing from the next. */
static inline uint64_t pages_word(unsigned page, unsigned word, unsigned generation)
{
	return ((uint64_t)generation << 40 | (uint64_t)page << 20 | word) * 0x9e3779b97f4a7c15u;
}

/* Writes every word of a page, of all pages. */
void pages_fill_one(const struct pages *p, unsigned i, unsigned generation);
void pages_fill(const struct pages *p, unsigned generation);
/* Reads the first word of the first n pages in the random order. Each access is timed, unless s
 * is NULL. */
void pages_read(const struct pages *p, unsigned n, unsigned generation, struct series *s);
/* Every word is as it was written, but for the first skip ones of a page. */
void pages_verify_one(const struct pages *p, unsigned i, unsigned generation, unsigned skip);
void pages_verify(const struct pages *p, unsigned generation, unsigned skip);

#endif
