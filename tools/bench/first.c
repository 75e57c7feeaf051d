/* SPDX-License-Identifier: BSD-2-Clause */
/* First touches: fresh shared memory is written in order, and so is plain shared memory. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tools/bench/pages.h"
#include "tools/bench/shared.h"

#define APART 512 /* pages that nobody looks at, but for reading ahead */

/* MiB/s of one pass over pages that nobody has touched. */
static double fill(const struct pages *p)
{
	const uint64_t start = bench_now_ns();

	pages_fill(p, 1);
	return (double)p->n * BENCH_PAGE / (1 << 20) / ((double)(bench_now_ns() - start) / 1e9);
}

static void *map_plain(size_t bytes)
{
	const int fd = memfd_create("bench-plain", MFD_CLOEXEC);
	void *at = MAP_FAILED;

	if (fd >= 0 && ftruncate(fd, (off_t)bytes) == 0)
		at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		bench_fail("no plain shared memory");
	close(fd);
	return at;
}

/* Both are kept until the end: memory that has just been freed is faster to get. */
void first_touch(struct result *out)
{
	const unsigned n = bench_count(4096, 256), reps = bench.options->reps;
	struct pages shared, *plain = calloc(reps, sizeof *plain);
	struct series of_shared, of_plain;
	struct result base = { 0 };
	double misses = 0;

	if (!plain)
		bench_fail("out of memory");
	series_open(&of_shared, reps, 1);
	series_open(&of_plain, reps, 1);
	for (unsigned rep = 0; rep < reps; rep++) {
		plain[rep] = (struct pages){ .base = map_plain((size_t)n * BENCH_PAGE),
			                     .n = n,
			                     .page_bytes = BENCH_PAGE };
		pages_open(&shared, n + APART);
		shared.n = n;
		bench_barrier();
		if (bench.rank == 0) {
			const uint64_t before = bench_stats().write_misses;

			series_rep_one(&of_shared, fill(&shared));
			misses += (double)(bench_stats().write_misses - before);
			series_rep_one(&of_plain, fill(&plain[rep]));
		} else {
			series_rep_one(&of_shared, 0);
			series_rep_one(&of_plain, 0);
		}
		bench_barrier();
		if (bench.rank == 1)
			pages_verify(&shared, 1, 0);
		bench_barrier();
		pages_close(&shared);
	}
	for (unsigned rep = 0; rep < reps; rep++)
		munmap(plain[rep].base, (size_t)n * BENCH_PAGE);
	free(plain);
	result_take(&base, &of_plain, SERIES_MORE_IS_BETTER, "MiB/s");
	result_take(out, &of_shared, SERIES_MORE_IS_BETTER, "MiB/s");
	result_extra(out, "misses_per_page", misses / reps / n, "");
	result_floor(out, base.value, "plain shared memory");
}
