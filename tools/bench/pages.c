/* SPDX-License-Identifier: BSD-2-Clause */
/* Pages of known content, and of known home. */
#include "tools/bench/pages.h"

#include <stdlib.h>
#include <string.h>

/* Homes change from block to block of pages: so many more may be needed to find enough. */
#define SLACK 128

void pages_open(struct pages *p, unsigned n)
{
	*p = (struct pages){ .n = n, .page_bytes = BENCH_PAGE };
	p->base = bench_alloc((size_t)n * BENCH_PAGE);
	p->order = bench_shuffle(n);
}

/* Where an atomic on an untouched page is carried out is its home. */
static int is_home_here(uint8_t *page)
{
	uint64_t before = bench_stats().atomics;

	OK(dsm_fetch_add64(bench.dsm, (uint64_t *)page, 0, NULL));
	return bench_stats().atomics != before;
}

/* Keeps n of those that were opened: the first whose home it is. */
static void keep_those_at(struct pages *p, unsigned n, int home)
{
	const unsigned among = p->n;
	uint32_t *all;
	unsigned found = 0;

	free(p->order);
	p->n = n;
	p->order = bench_shuffle(n);
	p->index = calloc(n, sizeof *p->index);
	all = calloc((size_t)n * (size_t)bench.size, sizeof *all);
	if (!p->index || !all)
		bench_fail("out of memory");
	for (uint32_t i = 0; bench.rank == home && i < among && found < n; i++)
		if (is_home_here(p->base + (size_t)i * p->page_bytes))
			p->index[found++] = i;
	if (bench.rank == home && found < n)
		bench_fail("%u of %u pages have their home here, wanted %u", found, among, n);
	bench_gather(p->index, n * sizeof *all, all);
	memcpy(p->index, all + (size_t)home * n, n * sizeof *p->index);
	free(all);
}

void pages_open_at(struct pages *p, unsigned n, int home)
{
	pages_open(p, (n + SLACK) * (unsigned)bench.size);
	keep_those_at(p, n, home);
}

bool pages_open_huge(struct pages *p, int home)
{
	*p = (struct pages){ .page_bytes = HUGE_PAGE };
	p->base = bench_alloc_huge(&p->n);
	if (!p->base)
		return false;
	/* Homes are not dealt out evenly to the page. */
	keep_those_at(p, p->n / (unsigned)bench.size / 2, home);
	return true;
}

void pages_close(struct pages *p)
{
	free(p->index);
	free(p->order);
	*p = (struct pages){ 0 };
}

void pages_fill_one(const struct pages *p, unsigned i, unsigned generation)
{
	volatile uint64_t *at = pages_at(p, i);

	for (unsigned word = 0; word < pages_words(p); word++)
		at[word] = pages_word(i, word, generation);
}

void pages_fill(const struct pages *p, unsigned generation)
{
	for (unsigned i = 0; i < p->n; i++)
		pages_fill_one(p, i, generation);
}

void pages_read(const struct pages *p, unsigned n, unsigned generation, struct series *s)
{
	for (unsigned i = 0; i < n; i++) {
		const unsigned page = p->order[i];
		uint64_t start = bench_now_ns(), value = *pages_at(p, page);

		if (s)
			series_add(s, bench_us_since(start));
		if (value != pages_word(page, 0, generation))
			bench_fail("page %u reads %llx", page, (unsigned long long)value);
	}
}

void pages_verify_one(const struct pages *p, unsigned i, unsigned generation, unsigned skip)
{
	volatile uint64_t *at = pages_at(p, i);

	for (unsigned word = skip; word < pages_words(p); word++) {
		uint64_t got = at[word], want = pages_word(i, word, generation);

		if (got != want)
			bench_fail("word %u of page %u is %llx, not %llx", word, i,
			           (unsigned long long)got, (unsigned long long)want);
	}
}

void pages_verify(const struct pages *p, unsigned generation, unsigned skip)
{
	for (unsigned i = 0; i < p->n; i++)
		pages_verify_one(p, i, generation, skip);
}
