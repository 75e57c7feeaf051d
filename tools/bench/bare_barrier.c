/* SPDX-License-Identifier: BSD-2-Clause */
/* Floor: a barrier of all nodes, each polling: in round r every node tells the one 2^r
 * further on, and waits for the one 2^r behind. */
#include <sched.h>

#include "tools/bench/bare.h"
#include "tools/bench/bench.h"
#include "tools/bench/machine.h"

#define ROUNDS_MAX 6

struct state {
	struct bare *fabric;
	bool crowded;              /* more nodes than processors: looking gives way */
	uint64_t told[ROUNDS_MAX]; /* messages of each round so far */
};

static void barrier(struct state *b, uint64_t nth)
{
	struct bare_event event;

	for (unsigned round = 0; 1 << round < bench.size; round++) {
		bare_send(b->fabric, (bench.rank + (1 << round)) % bench.size,
		          &(struct bare_msg){ .op = BARE_PING, .tag = round });
		while (b->told[round] < nth) {
			if (bare_poll(b->fabric, &event)) {
				if (event.kind != BARE_MSG || event.msg.tag >= ROUNDS_MAX)
					bench_fail("not what a barrier sends");
				b->told[event.msg.tag]++;
			} else if (b->crowded) {
				sched_yield();
			}
		}
	}
}

void bare_barrier(struct result *out)
{
	const unsigned n = bench_count(2000, 20), reps = bench.options->reps;
	struct bare_set set;
	struct state b = { .crowded = bench.size > machine_cores() };
	struct series s;
	uint64_t nth = 0;

	bare_set_open(&set, BENCH_PAGE, 1);
	b.fabric = set.fabric;
	series_open(&s, reps, n);
	for (unsigned rep = 0; rep < reps; rep++) {
		for (unsigned i = 0; i < n; i++) {
			uint64_t start = bench_now_ns();

			barrier(&b, ++nth);
			series_add(&s, bench_us_since(start));
		}
		series_rep(&s);
	}
	result_take(out, &s, SERIES_LESS_IS_BETTER, "us");
	bare_set_close(&set);
}
