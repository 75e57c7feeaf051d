/* SPDX-License-Identifier: BSD-2-Clause */
/* Mutexes that are plain memory, each beside what it guards, and pthread's on one node. */
#include <pthread.h>
#include <stdlib.h>

#include "dsm/dsm_sync.h"
#include "tools/bench/pages.h"
#include "tools/bench/shared.h"

#define THREADS 2 /* of each node, where they fight */

struct cell {
	struct dsm_sync_mutex mutex;
	uint64_t count;
};

static void count_up(struct cell *cell)
{
	OK(dsm_sync_mutex_lock(bench.dsm, &cell->mutex));
	++*(volatile uint64_t *)&cell->count;
	OK(dsm_sync_mutex_unlock(bench.dsm, &cell->mutex));
}

static struct {
	pthread_mutex_t mutex;
	volatile uint64_t count;
} own = { .mutex = PTHREAD_MUTEX_INITIALIZER };

static void count_up_own(void)
{
	pthread_mutex_lock(&own.mutex);
	++own.count;
	pthread_mutex_unlock(&own.mutex);
}

/* --- nobody else wants it --- */

static double glibc_ns(unsigned n)
{
	uint64_t start = bench_now_ns();

	for (unsigned i = 0; i < n; i++)
		count_up_own();
	return (double)(bench_now_ns() - start) / n;
}

void mutex_here(struct result *out)
{
	const unsigned n = bench_count(1000000, 1000), reps = bench.options->reps;
	struct cell *cell;
	struct series s;
	struct pages p;

	pages_open_at(&p, 1, 1);
	cell = (struct cell *)(uintptr_t)pages_at(&p, 0);
	series_open(&s, reps, 1);
	for (unsigned rep = 0; bench.rank == 0 && rep < reps; rep++) {
		uint64_t start = bench_now_ns(), sent = bench_stats().messages_sent;

		for (unsigned i = 0; i < n; i++)
			count_up(cell);
		series_rep_one(&s, (double)(bench_now_ns() - start) / n);
		if (rep && bench_stats().messages_sent - sent > n / 100)
			bench_fail("%llu messages for mutexes that are here",
			           (unsigned long long)(bench_stats().messages_sent - sent));
	}
	bench_barrier();
	result_take(out, &s, SERIES_LESS_IS_BETTER, "ns");
	result_floor(out, bench.rank == 0 ? glibc_ns(n) : 0, "pthread_mutex");
	pages_close(&p);
}

void mutex_elsewhere(struct result *out)
{
	const unsigned n = bench_count(2000, 20), reps = bench.options->reps;
	struct series s;
	struct pages p;

	series_open(&s, reps, n);
	pages_open_at(&p, n, 1);
	for (unsigned rep = 0; rep < reps; rep++) {
		for (unsigned i = 0; bench.rank == 1 && i < n; i++)
			count_up((struct cell *)(uintptr_t)pages_at(&p, p.order[i]));
		bench_barrier();
		for (unsigned i = 0; bench.rank == 0 && i < n; i++) {
			struct cell *cell = (struct cell *)(uintptr_t)pages_at(&p, p.order[i]);
			uint64_t start = bench_now_ns();

			count_up(cell);
			series_add(&s, bench_us_since(start));
			if (cell->count != 2 * (rep + 1))
				bench_fail("a count is %llu", (unsigned long long)cell->count);
		}
		if (bench.rank == 0)
			series_rep(&s);
		bench_barrier();
	}
	result_take(out, &s, SERIES_LESS_IS_BETTER, "us");
	result_floor(out, floor_value(FLOOR_MISS) + floor_value(FLOOR_ZAP),
	             "bare_miss + revoke_zap");
	pages_close(&p);
}

/* --- all want it --- */

enum kind { IN_MEMORY, SERVED, GLIBC }; /* served: the old kind, dsm_mutex */

struct fight {
	enum kind kind;
	struct cell *cell;
	dsm_mutex served; /* guards the same count */
	unsigned n;
	pthread_barrier_t start;
};

static void count_up_served(struct fight *f)
{
	OK(dsm_mutex_lock(bench.dsm, f->served));
	++*(volatile uint64_t *)&f->cell->count;
	OK(dsm_mutex_unlock(bench.dsm, f->served));
}

static void *fight_thread(void *arg)
{
	struct fight *f = arg;

	pthread_barrier_wait(&f->start);
	for (unsigned i = 0; i < f->n; i++) {
		if (f->kind == IN_MEMORY)
			count_up(f->cell);
		else if (f->kind == SERVED)
			count_up_served(f);
		else
			count_up_own();
	}
	return NULL;
}

/* n times in each of so many threads of this node; when they have ended. */
static void fight(struct fight *f, enum kind kind, unsigned threads, unsigned n)
{
	pthread_t *thread = calloc(threads, sizeof *thread);

	f->kind = kind;
	f->n = n;
	pthread_barrier_init(&f->start, NULL, threads);
	for (unsigned i = 0; i < threads; i++)
		if (!thread || pthread_create(&thread[i], NULL, fight_thread, f))
			bench_fail("no thread");
	for (unsigned i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	pthread_barrier_destroy(&f->start);
	free(thread);
}

/* Of all nodes: how often a second. */
static double rate(struct fight *f, enum kind kind, unsigned n)
{
	uint64_t start;

	bench_barrier();
	start = bench_now_ns();
	fight(f, kind, THREADS, n);
	bench_barrier();
	return (double)n * THREADS * bench.size * 1e9 / (double)(bench_now_ns() - start);
}

/* With a thread of one node for each of those of all nodes that fight. */
static double glibc_rate(struct fight *f, unsigned n)
{
	const unsigned threads = THREADS * (unsigned)bench.size;
	uint64_t start = bench_now_ns();

	fight(f, GLIBC, threads, n);
	return (double)threads * n * 1e9 / (double)(bench_now_ns() - start);
}

struct ring {
	struct cell cell;
	dsm_mutex served;
};

void mutex_contended(struct result *out)
{
	const unsigned n = bench_count(5000, 20), reps = bench.options->reps;
	const uint64_t all = (uint64_t)n * THREADS * (unsigned)bench.size;
	struct ring *ring = bench_alloc(BENCH_PAGE);
	struct fight f = { .cell = &ring->cell };
	struct series s, old;
	double value, p99;

	if (bench.rank == 0)
		OK(dsm_mutex_create(bench.dsm, &ring->served));
	bench_barrier();
	f.served = ring->served;
	series_open(&s, reps, 1);
	series_open(&old, reps, 1);
	for (unsigned rep = 0; rep < reps; rep++) {
		series_rep_one(&s, rate(&f, IN_MEMORY, n));
		series_rep_one(&old, rate(&f, SERVED, n));
	}
	if (ring->cell.count != 2 * all * reps)
		bench_fail("the count is %llu", (unsigned long long)ring->cell.count);
	bench_barrier();
	if (bench.rank == 0)
		OK(dsm_mutex_destroy(bench.dsm, f.served));
	series_summary(&old, SERIES_MORE_IS_BETTER, &value, &p99);
	series_close(&old);
	result_take(out, &s, SERIES_MORE_IS_BETTER, "1/s");
	result_extra(out, "dsm_mutex", value, "1/s");
	if (bench.rank == 0)
		result_extra(out, "glibc", glibc_rate(&f, 100 * n), "1/s");
	bench_barrier();
}

/* --- from node to node --- */

#define HOLD_NS 50000 /* so that the other node is in line */

struct relay {
	struct dsm_sync_mutex mutex;
	dsm_mutex served; /* the old kind */
	int last;         /* node, plus one */
	uint64_t left_ns; /* nodes of one machine have one clock */
};

static void lock(struct relay *r, dsm_mutex served)
{
	OK(served.id ? dsm_mutex_lock(bench.dsm, served)
	             : dsm_sync_mutex_lock(bench.dsm, &r->mutex));
}

static void unlock(struct relay *r, dsm_mutex served)
{
	OK(served.id ? dsm_mutex_unlock(bench.dsm, served)
	             : dsm_sync_mutex_unlock(bench.dsm, &r->mutex));
}

/* n times; how long it has taken from the other node's unlock until what it wrote is seen. */
static void hand_over(struct relay *r, dsm_mutex served, unsigned n, struct series *s)
{
	for (unsigned i = 0; i < n; i++) {
		uint64_t since;

		lock(r, served);
		since = r->left_ns;
		if (r->last && r->last != bench.rank + 1)
			series_add(s, bench_us_since(since));
		r->last = bench.rank + 1;
		for (since = bench_now_ns(); bench_now_ns() - since < HOLD_NS;)
			bench_relax();
		r->left_ns = bench_now_ns();
		unlock(r, served);
	}
	bench_barrier();
}

void mutex_handed_over(struct result *out)
{
	const unsigned n = bench_count(1000, 20), reps = bench.options->reps;
	struct relay *r = bench_alloc(BENCH_PAGE);
	struct series s, old;
	double value, p99;
	dsm_mutex served;

	if (bench.rank == 0)
		OK(dsm_mutex_create(bench.dsm, &r->served));
	bench_barrier();
	served = r->served;
	series_open(&s, reps, n);
	series_open(&old, reps, n);
	for (unsigned rep = 0; rep < reps; rep++) {
		r->last = 0;
		bench_barrier();
		hand_over(r, (dsm_mutex){ 0 }, n, &s);
		if (s.n > s.rep_start)
			series_rep(&s);
		r->last = 0;
		bench_barrier();
		hand_over(r, served, n, &old);
		if (old.n > old.rep_start)
			series_rep(&old);
	}
	if (bench.rank == 0)
		OK(dsm_mutex_destroy(bench.dsm, served));
	series_summary(&old, SERIES_LESS_IS_BETTER, &value, &p99);
	series_close(&old);
	result_take(out, &s, SERIES_LESS_IS_BETTER, "us");
	result_extra(out, "dsm_mutex", value, "us");
}
