/* SPDX-License-Identifier: BSD-2-Clause */
/* By the clock, which on one machine is the same for all processes. */
#include "tools/bench/apps/order.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/bench/apps/team.h"
#include "tools/bench/bench.h"

#define CHUNK (BENCH_GIVE_MAX / sizeof(uint64_t))

struct taken {
	uint64_t ns;
	uint8_t member;
};

void order_open(struct order_log *log, size_t max)
{
	*log = (struct order_log){ .ns = team_private((max + 1) * sizeof *log->ns), .max = max };
}

void order_note(struct order_log *log)
{
	if (log->n < log->max)
		log->ns[log->n] = bench_now_ns();
	log->n++;
}

/* Are all nodes on one machine? */
static bool is_one_clock(void)
{
	char mine[64] = "", all[TEAM_SIZE_MAX][64];
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
	bool same = f && fgets(mine, sizeof mine, f);

	if (f)
		fclose(f);
	bench_gather(mine, sizeof mine, all);
	for (int i = 0; i < bench.size; i++)
		same = same && !strcmp(all[i], all[0]);
	return bench_max(!same) == 0;
}

/* All nodes' times, a chunk of each at a time; those of node i begin at i * n. */
static uint64_t *gather(const struct order_log *log, size_t n)
{
	uint64_t *all = team_private((size_t)bench.size * n * sizeof *all);
	uint64_t *mine = team_private(CHUNK * sizeof *mine);
	uint64_t *chunk = team_private((size_t)bench.size * CHUNK * sizeof *chunk);

	for (size_t at = 0; at < n; at += CHUNK) {
		const size_t some = n - at < CHUNK ? n - at : CHUNK;

		for (size_t i = 0; i < some; i++)
			mine[i] = at + i < log->n ? log->ns[at + i] : 0;
		bench_gather(mine, some * sizeof *mine, chunk);
		for (int node = 0; node < bench.size; node++)
			memcpy(all + (size_t)node * n + at, chunk + (size_t)node * some,
			       some * sizeof *all);
	}
	free(mine);
	free(chunk);
	return all;
}

static int by_time(const void *a, const void *b)
{
	const struct taken *x = a, *y = b;

	return (x->ns > y->ns) - (x->ns < y->ns);
}

static struct order sorted(const uint64_t *all, size_t n)
{
	struct taken *taken = team_private((size_t)bench.size * n * sizeof *taken);
	struct order order = { .n = 0 };

	for (size_t i = 0; i < (size_t)bench.size * n; i++)
		if (all[i])
			taken[order.n++] = (struct taken){ all[i], (uint8_t)(i / n) };
	qsort(taken, order.n, sizeof *taken, by_time);
	order.member = team_private(order.n + 1);
	for (size_t i = 0; i < order.n; i++)
		order.member[i] = taken[i].member;
	free(taken);
	return order;
}

struct order order_close(struct order_log *log)
{
	const size_t n = (size_t)bench_max((double)log->n);
	const bool full = bench_max(log->n > log->max) > 0;
	struct order order = { 0 };
	uint64_t *all;

	if (n && !full && is_one_clock()) {
		all = gather(log, n);
		if (bench.rank == 0)
			order = sorted(all, n);
		free(all);
	}
	free(log->ns);
	return order;
}
