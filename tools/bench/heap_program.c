/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dsm-bench-heap BLOCKS REPS: what malloc and free take, in a program with threads that knows nothing
 * of libdsm. dsm-bench runs it alone, which is glibc, and under dsmctl run --threads on two nodes,
 * where main is on one and its only thread on the other. Each repetition is a line of times in ns,
 * each of a malloc and a free of a small block:
 *
 *	one block at a time, in one thread
 *	1000 at a time
 *	10000 at a time, in one thread, and freed in the other
 *	the same, where who allocates writes into each, and the other looks what it holds
 *	for each of these how the other one is told which they are: the program's own work, which is in
 *	neither
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FEW 1000
#define MANY 10000

static struct {
	pthread_barrier_t turn;
	void *block[MANY];
	unsigned batches; /* 0: the end */
	int used;
	double freeing_ns, told_ns; /* by the other one */
} shared;

static __thread void *own[MANY]; /* a thread's, on its node */

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static _Noreturn void fail(const char *why)
{
	fprintf(stderr, "dsm-bench-heap: %s\n", why);
	exit(1);
}

/* 16 to 128 bytes, without an order that one could count on. */
static size_t bytes_of(unsigned i)
{
	return 16 + i * 40503u % 113;
}

static void take(void **block, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!(block[i] = malloc(bytes_of(i))))
			fail("no memory");
}

static void give(void **block, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		free(block[i]);
}

/* --- one thread --- */

static double local(unsigned blocks, unsigned at_a_time)
{
	static void *block[FEW];
	const double start = now_ns();

	for (unsigned done = 0; done < blocks; done += at_a_time) {
		take(block, at_a_time);
		give(block, at_a_time);
	}
	return (now_ns() - start) / blocks;
}

/* --- two --- */

static void turn(void)
{
	const int rc = pthread_barrier_wait(&shared.turn);

	if (rc && rc != PTHREAD_BARRIER_SERIAL_THREAD)
		fail(strerror(rc));
}

static void look(void *const *block, unsigned batch)
{
	for (unsigned i = 0; i < MANY; i++)
		if (*(volatile unsigned *)block[i] != batch + i)
			fail("a block holds something else");
}

static void *other(void *unused)
{
	for (turn(); shared.batches; turn()) {
		const double start = now_ns();
		double told;

		memcpy(own, shared.block, sizeof own);
		told = now_ns();
		if (shared.used)
			look(own, shared.batches);
		give(own, MANY);
		shared.freeing_ns += now_ns() - told;
		shared.told_ns += told - start;
		turn();
	}
	return unused;
}

static double across(unsigned blocks, int used, double *told)
{
	const unsigned batches = (blocks + MANY - 1) / MANY;
	double taking_ns = 0, telling_ns = 0;

	shared.used = used;
	shared.freeing_ns = shared.told_ns = 0;
	for (shared.batches = batches; shared.batches; shared.batches--) {
		const double start = now_ns();
		double taken;

		take(own, MANY);
		for (unsigned i = 0; used && i < MANY; i++)
			*(volatile unsigned *)own[i] = shared.batches + i;
		taken = now_ns();
		memcpy(shared.block, own, sizeof own);
		telling_ns += now_ns() - taken;
		taking_ns += taken - start;
		turn();
		turn();
	}
	*told = (telling_ns + shared.told_ns) / batches / MANY;
	return (taking_ns + shared.freeing_ns) / batches / MANY;
}

int main(int argc, char **argv)
{
	const unsigned blocks = argc == 3 ? (unsigned)atol(argv[1]) : 0;
	const unsigned reps = argc == 3 ? (unsigned)atol(argv[2]) : 0;
	pthread_t thread;

	if (!blocks || !reps || blocks % FEW)
		fail("BLOCKS, which are thousands, and REPS");
	if (pthread_barrier_init(&shared.turn, NULL, 2) ||
	    pthread_create(&thread, NULL, other, NULL))
		fail("no thread");
	for (unsigned rep = 0; rep < reps; rep++) {
		const double one = local(blocks, 1), some = local(blocks, FEW);
		double told, told_used;
		const double plain = across(blocks, 0, &told);
		const double used = across(blocks, 1, &told_used);

		printf("%.2f %.2f %.2f %.2f %.2f\n", one, some, plain, used,
		       (told + told_used) / 2);
	}
	turn(); /* batches is 0 */
	return pthread_join(thread, NULL) ? 1 : 0;
}
