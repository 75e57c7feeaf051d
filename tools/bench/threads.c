/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads that are started and joined: on another node, on this one, and pthread's. */
#include <pthread.h>

#include "dsm/dsm_thread.h"
#include "tools/bench/bench.h"
#include "tools/bench/shared.h"

static void *nothing(void *arg)
{
	return arg;
}

static void on_node(int node)
{
	dsm_thread thread;
	void *value;

	OK(dsm_thread_create(bench.dsm, node, NULL, nothing, &thread, &thread));
	OK(dsm_thread_join(bench.dsm, thread, &value));
	if (value != &thread)
		bench_fail("a thread leaves %p, not %p", value, (void *)&thread);
}

static void of_pthread(int node)
{
	pthread_t thread;
	int rc = pthread_create(&thread, NULL, nothing, NULL);

	(void)node;
	if (rc || pthread_join(thread, NULL))
		bench_fail("pthread_create or pthread_join fails: %d", rc);
}

/* n times, one after the other. */
static void repeat(struct series *s, void (*once)(int node), int node, unsigned n)
{
	once(node); /* the first one of a node starts a helper there */
	for (unsigned i = 0; i < n; i++) {
		uint64_t start = bench_now_ns();

		once(node);
		series_add(s, bench_us_since(start));
	}
	series_rep(s);
}

void thread_create_join(struct result *out)
{
	const unsigned n = bench_count(2000, 20), reps = bench.options->reps;
	struct series there, here, pthread;
	double value, p99;

	series_open(&there, reps, n);
	series_open(&here, reps, n);
	series_open(&pthread, reps, n);
	for (unsigned rep = 0; bench.rank == 0 && rep < reps; rep++) {
		repeat(&pthread, of_pthread, 0, n);
		repeat(&here, on_node, 0, n);
		repeat(&there, on_node, 1, n);
	}
	bench_barrier();
	result_take(out, &there, SERIES_LESS_IS_BETTER, "us");
	series_summary(&here, SERIES_LESS_IS_BETTER, &value, &p99);
	series_close(&here);
	result_extra(out, "here", value, "us");
	series_summary(&pthread, SERIES_LESS_IS_BETTER, &value, &p99);
	series_close(&pthread);
	result_floor(out, value, "pthread_create + pthread_join");
}
