/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What tests and floors share: the node that this process is. All nodes of a job run the
 * same tests in the same order; "collective" means that all nodes make the call. A test
 * that finds something wrong, or takes too long, ends the node and with it the job.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "dsm/dsm.h"
#include "tools/bench/options.h"

#define BENCH_PAGE 4096
#define HUGE_PAGE (2u << 20)
#define BENCH_LACKS_HUGE "no huge pages (vm.nr_hugepages)"
#define BENCH_GIVE_MAX 32768 /* bytes that a node can give to the others */

struct slot;

struct bench {
	dsm_t *dsm;
	int rank, size;
	const struct options *options;
	const char *running; /* the test, or what else is being done; for messages */
	struct slot *board;  /* in shared memory, for what nodes tell each other */
};

/* The one node of this process. */
extern struct bench bench;

/* Says "dsm-bench: node R: TEST: TEXT" and ends the process. */
_Noreturn void bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A call of the library that has to answer 0. */
#define OK(call) bench_expect((call), #call)
void bench_expect(int rc, const char *call);

/* Collective. Joins the job; leaves it. */
void bench_join(const struct options *options);
void bench_leave(void);
/* From here on it is this test that runs, for at most so many seconds. */
void bench_begin(const char *test, unsigned seconds);

/* Collective. */
void bench_barrier(void);
/* len bytes of each node, for each: all has room for size times len. */
void bench_gather(const void *mine, size_t len, void *all);
double bench_sum(double mine);
double bench_max(double mine);
/* New shared memory, on page boundaries, never used before. */
void *bench_alloc(size_t bytes);
/* All pages of 2 MiB that a job has, once; NULL: there are none. */
void *bench_alloc_huge(unsigned *pages);

struct dsm_stats bench_stats(void);
/* How many operations: few with --short. */
unsigned bench_count(unsigned full, unsigned few);
/* Waits, working, until no page here or elsewhere is within its tenure. */
void bench_settle(void);

/* 0 to n-1 in a random order, the same every time. To be freed. */
uint32_t *bench_shuffle(unsigned n);

/* The sum of all words, which takes in every byte. */
uint64_t bench_add_up(const volatile void *at, size_t bytes);

static inline uint64_t bench_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline double bench_us_since(uint64_t start_ns)
{
	return (double)(bench_now_ns() - start_ns) / 1e3;
}

/* Between two looks at memory that another thread is to change. */
static inline void bench_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

#endif
