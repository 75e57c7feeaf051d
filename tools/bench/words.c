/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads that wait for words, and are woken by other nodes. */
#include "dsm/dsm_futex.h"
#include "tools/bench/pages.h"
#include "tools/bench/shared.h"

static void change(uint32_t *word, uint32_t to)
{
	uint32_t was;

	OK(dsm_swap32(bench.dsm, word, to, &was));
	if (was != to - 1)
		bench_fail("the word was %u, not %u", was, to - 1);
	OK(dsm_futex_wake(bench.dsm, word, 1, NULL));
}

/* Until it is that no more. A wake that was meant for an earlier turn may come late. */
static void await(uint32_t *word, uint32_t no_more)
{
	int rc;

	do
		rc = dsm_futex_wait(bench.dsm, word, no_more, -1);
	while (rc == 0);
	if (rc != DSM_ERR_CHANGED)
		bench_fail("waiting for a word: %s", dsm_strerror(rc));
}

void futex_wake(struct result *out)
{
	const unsigned n = bench_count(2000, 20), reps = bench.options->reps;
	uint32_t *word, now = 0;
	struct series s;
	struct pages p;

	pages_open_at(&p, 1, 1);
	word = (uint32_t *)(uintptr_t)pages_at(&p, 0);
	series_open(&s, reps, n);
	for (unsigned rep = 0; rep < reps; rep++) {
		bench_barrier();
		for (unsigned i = 0; i < n && bench.rank < 2; i++, now += 2) {
			uint64_t start = bench_now_ns();

			if (bench.rank == 1)
				await(word, now);
			change(word, now + 1 + (uint32_t)bench.rank);
			if (bench.rank == 0)
				await(word, now + 1);
			series_add(&s, bench_us_since(start) / 2);
		}
		if (bench.rank < 2)
			series_rep(&s);
		else
			series_rep_one(&s, 0); /* it has only watched */
	}
	bench_barrier();
	result_take(out, &s, SERIES_LESS_IS_BETTER, "us");
	result_floor(out, 2 * floor_value(FLOOR_ROUND_TRIP), "2 x bare_round_trip");
	pages_close(&p);
}
