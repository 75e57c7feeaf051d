/* SPDX-License-Identifier: BSD-2-Clause */
/* A team of threads in plain memory: what the program would be without libdsm. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tools/bench/apps/teams.h"
#include "tools/bench/bench.h"

struct threads {
	const struct kernel *kernel;
	pthread_barrier_t barrier;
	pthread_mutex_t lock[TEAM_LOCKS_MAX];
	uint64_t ns; /* member 0's */
};

struct start {
	struct team *team;
	void (*body)(struct team *t);
};

struct team team_member(const struct kernel *kernel, unsigned rank, unsigned size)
{
	const bool brief = bench.options->brief;

	return (struct team){ .rank = rank,
		              .size = size,
		              .n = brief ? kernel->few.n : kernel->full.n,
		              .work = brief ? kernel->few.work : kernel->full.work,
		              .bytes = kernel->bytes };
}

static void *thread_main(void *arg)
{
	const struct start *start = arg;

	start->body(start->team);
	return NULL;
}

void threads_run(struct team *team, unsigned size, void (*body)(struct team *t))
{
	pthread_t thread[TEAM_SIZE_MAX];
	struct start start[TEAM_SIZE_MAX];

	for (unsigned i = 0; i < size; i++) {
		start[i] = (struct start){ &team[i], body };
		if (pthread_create(&thread[i], NULL, thread_main, &start[i]))
			bench_fail("no thread");
	}
	for (unsigned i = 0; i < size; i++)
		pthread_join(thread[i], NULL);
}

static void barrier(struct team *t)
{
	struct threads *threads = t->own;

	pthread_barrier_wait(&threads->barrier);
}

static void lock(struct team *t, unsigned lock)
{
	struct threads *threads = t->own;

	pthread_mutex_lock(&threads->lock[lock]);
}

static void unlock(struct team *t, unsigned lock)
{
	struct threads *threads = t->own;

	pthread_mutex_unlock(&threads->lock[lock]);
}

static const struct team_ops ops = { .barrier = barrier, .lock = lock, .unlock = unlock };

static void body(struct team *t)
{
	struct threads *threads = t->own;
	uint64_t start;

	team_barrier(t);
	start = bench_now_ns();
	threads->kernel->run(t);
	if (t->rank == 0)
		threads->ns = bench_now_ns() - start;
}

static void take_result(const struct team *t, void **result)
{
	if (*result) {
		if (memcmp(*result, t->result, t->result_bytes))
			bench_fail("threads find another result the second time");
		return;
	}
	*result = team_private(t->result_bytes);
	memcpy(*result, t->result, t->result_bytes);
}

double threads_measure(const struct kernel *kernel, unsigned size, void **result)
{
	struct threads threads = { .kernel = kernel };
	struct team team[TEAM_SIZE_MAX];
	void *memory = mmap(NULL, kernel->bytes, PROT_READ | PROT_WRITE,
	                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		bench_fail("out of memory");
	pthread_barrier_init(&threads.barrier, NULL, size);
	for (unsigned i = 0; i < kernel->locks; i++)
		pthread_mutex_init(&threads.lock[i], NULL);
	for (unsigned i = 0; i < size; i++) {
		team[i] = team_member(kernel, i, size);
		team[i].ops = &ops;
		team[i].own = &threads;
		team[i].memory = memory;
	}
	threads_run(team, size, body);
	take_result(&team[0], result);
	for (unsigned i = 0; i < kernel->locks; i++)
		pthread_mutex_destroy(&threads.lock[i]);
	pthread_barrier_destroy(&threads.barrier);
	munmap(memory, kernel->bytes);
	return (double)threads.ns / 1e6;
}
