/* SPDX-License-Identifier: BSD-2-Clause */
/* Floor: how fast runs of pages come in, one after the other, several on their way. */
#include "tools/bench/bare.h"
#include "tools/bench/bench.h"

#define DEPTH 8 /* runs on their way */

/* Asks for all memory in runs of so many bytes. Returns their sum, 0 if it is not wanted. */
static uint64_t pull(struct bare_set *set, size_t run_bytes, bool summed)
{
	const uint64_t runs = set->area.bytes / run_bytes;
	struct bare_event event;
	uint64_t asked = 0, landed = 0, sum = 0;

	while (landed < runs) {
		if (asked < runs && asked - landed < DEPTH) {
			const struct bare_msg msg = { .op = BARE_FETCH,
				                      .offset = asked * run_bytes,
				                      .len = run_bytes,
				                      .tag = asked };

			bare_send(set->fabric, 1, &msg);
			asked++;
		}
		if (!bare_poll(set->fabric, &event))
			continue;
		if (event.kind != BARE_LANDED)
			bench_fail("asked for pages, got something else");
		if (summed)
			sum += bench_add_up(set->area.at + event.tag * run_bytes, run_bytes);
		landed++;
	}
	return sum;
}

static void pull_reps(struct bare_set *set, size_t run_bytes, bool summed, struct series *s)
{
	const double mib = (double)set->area.bytes / (1 << 20);
	uint64_t sum;

	series_open(s, bench.options->reps, 1);
	for (unsigned rep = 0; rep < bench.options->reps; rep++) {
		bare_set_clear(set);
		uint64_t start = bench_now_ns();

		sum = pull(set, run_bytes, summed);
		series_rep_one(s, mib * 1e9 / (double)(bench_now_ns() - start));
		bare_set_verify(set);
		if (summed && sum != bench_add_up(set->area.at, set->area.bytes))
			bench_fail("a run was not there yet when it was said to be");
	}
}

void bare_bandwidth(struct result *out)
{
	static const struct {
		size_t pages;
		const char *name;
		bool summed;
	} run[] = {
		{ 4, "runs_of_4", false },
		{ 16, "runs_of_16", false },
		{ 64, "runs_of_64", false },
		{ 64, "summed", true },
	};
	const unsigned pages = bench_count(16384, 256);
	struct bare_set set;

	bare_set_open(&set, BENCH_PAGE, pages);
	/* A provider is good at some lengths: the best of them is the floor. */
	for (size_t i = 0; bench.rank == 0 && i < sizeof run / sizeof *run; i++) {
		struct result one = { 0 };
		struct series s;

		pull_reps(&set, run[i].pages * BENCH_PAGE, run[i].summed, &s);
		result_take(&one, &s, SERIES_MORE_IS_BETTER, "MiB/s");
		result_extra(out, run[i].name, one.value, "MiB/s");
		if (!run[i].summed && one.value > out->value) {
			out->value = one.value;
			out->p99 = one.p99;
		}
	}
	out->unit = "MiB/s";
	bare_set_serve(&set);
	bare_set_close(&set);
}
