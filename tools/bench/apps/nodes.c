/* SPDX-License-Identifier: BSD-2-Clause */
/* A team of nodes: the kernel over libdsm's public calls. */
#include <stdlib.h>
#include <string.h>

#include "tools/bench/apps/teams.h"
#include "tools/bench/bench.h"

#define LOCKINGS_MAX 65536 /* of a node */

/* What rank 0 makes for a run. */
struct shared {
	void *memory;
	dsm_mutex lock[TEAM_LOCKS_MAX];
};

struct node {
	struct shared shared;
	struct order_log log;
};

static void barrier(struct team *t)
{
	(void)t;
	bench_barrier();
}

static void lock(struct team *t, unsigned lock)
{
	struct node *node = t->own;

	OK(dsm_mutex_lock(bench.dsm, node->shared.lock[lock]));
	order_note(&node->log);
}

static void unlock(struct team *t, unsigned lock)
{
	const struct node *node = t->own;

	OK(dsm_mutex_unlock(bench.dsm, node->shared.lock[lock]));
}

static const struct team_ops ops = { .barrier = barrier, .lock = lock, .unlock = unlock };

/* New memory each time, and given back: every run begins with pages that nobody has touched. */
static struct shared shared_open(const struct kernel *kernel)
{
	struct shared mine = { 0 }, *all = team_private((size_t)bench.size * sizeof *all);

	if (bench.rank == 0) {
		OK(dsm_alloc(bench.dsm, kernel->bytes, TEAM_PAGE, 0, &mine.memory));
		for (unsigned i = 0; i < kernel->locks; i++)
			OK(dsm_mutex_create(bench.dsm, &mine.lock[i]));
	}
	bench_gather(&mine, sizeof mine, all);
	mine = all[0];
	free(all);
	return mine;
}

/* When nobody uses it any more. */
static void shared_close(const struct kernel *kernel, struct shared *shared)
{
	bench_barrier();
	if (bench.rank != 0)
		return;
	for (unsigned i = 0; i < kernel->locks; i++)
		OK(dsm_mutex_destroy(bench.dsm, shared->lock[i]));
	OK(dsm_free(bench.dsm, shared->memory));
}

struct nodes_run nodes_measure(const struct kernel *kernel, const void *result)
{
	struct node node = { .shared = shared_open(kernel) };
	struct team t = team_member(kernel, (unsigned)bench.rank, (unsigned)bench.size);
	struct dsm_stats before, after;
	struct nodes_run run;
	uint64_t start;

	t.ops = &ops;
	t.own = &node;
	t.memory = node.shared.memory;
	order_open(&node.log, kernel->locks ? LOCKINGS_MAX : 0);
	before = bench_stats();
	bench_barrier();
	start = bench_now_ns();
	kernel->run(&t);
	run.ms = (double)(bench_now_ns() - start) / 1e6;
	after = bench_stats();
	bench_barrier(); /* until all have counted */
	run.faults = bench_sum((double)(after.faults - before.faults)) / bench.size;
	run.moved = bench_sum((double)(after.pages_written - before.pages_written));
	if (bench.rank == 0 && memcmp(t.result, result, t.result_bytes))
		bench_fail("the result is not that of the threads");
	run.order = order_close(&node.log);
	shared_close(kernel, &node.shared);
	return run;
}
