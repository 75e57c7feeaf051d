/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Litmus tests over nodes: the outcomes that the host CPU (x86-TSO) forbids must never
 * be seen, whoever holds the pages when it begins. Run under dsmctl run.
 *
 * A round is one instance of a test: its threads, each on a node of its own, meet in
 * private shared memory (a file, not the memory under test), wait for a random moment,
 * and run. Many instances make a batch; before a batch, one node zeroes the variables
 * of all of them, which takes every other copy away ("cold"), and perhaps all nodes read
 * them ("shared").
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/system/node.h"

#define BATCH 64 /* instances, at most */
#define THREADS 4
#define OUTCOMES 16

typedef volatile uint64_t word;

/* A test has up to 4 threads on x and y, and up to 4 results of one bit each. */
struct litmus {
	const char *name, *results;
	unsigned threads;
	void (*thread[THREADS])(word *x, word *y, uint64_t *r);
	void (*after)(word *x, word *y, uint64_t *r); /* or NULL */
	unsigned forbidden;                           /* the one outcome, as bits */
	int is_forbidden;
};

/* The accesses are volatile, which keeps the compiler from reordering them; the rest is
 * up to the CPU and to us. */
static void store_x(word *x, word *y, uint64_t *r)
{
	*x = 1;
}

static void store_y(word *x, word *y, uint64_t *r)
{
	*y = 1;
}

static void store_x_y(word *x, word *y, uint64_t *r)
{
	*x = 1;
	*y = 1;
}

static void load_y_x(word *x, word *y, uint64_t *r)
{
	r[0] = *y;
	r[1] = *x;
}

static void load_x_y(word *x, word *y, uint64_t *r)
{
	r[0] = *x;
	r[1] = *y;
}

static void load_y_x_2(word *x, word *y, uint64_t *r)
{
	r[2] = *y;
	r[3] = *x;
}

static void load_x_x(word *x, word *y, uint64_t *r)
{
	r[0] = *x;
	r[1] = *x;
}

static void store_x_load_y(word *x, word *y, uint64_t *r)
{
	*x = 1;
	r[0] = *y;
}

static void store_y_load_x(word *x, word *y, uint64_t *r)
{
	*y = 1;
	r[1] = *x;
}

static void store_x_fence_load_y(word *x, word *y, uint64_t *r)
{
	*x = 1;
	atomic_thread_fence(memory_order_seq_cst);
	r[0] = *y;
}

static void store_y_fence_load_x(word *x, word *y, uint64_t *r)
{
	*y = 1;
	atomic_thread_fence(memory_order_seq_cst);
	r[1] = *x;
}

static void load_x_store_y(word *x, word *y, uint64_t *r)
{
	r[0] = *x;
	*y = 1;
}

static void load_y_store_x(word *x, word *y, uint64_t *r)
{
	r[1] = *y;
	*x = 1;
}

static void store_x2_y1(word *x, word *y, uint64_t *r)
{
	*x = 2;
	*y = 1;
}

static void store_y2_x1(word *x, word *y, uint64_t *r)
{
	*y = 2;
	*x = 1;
}

static void last_is_2(word *x, word *y, uint64_t *r)
{
	r[0] = *x == 2;
	r[1] = *y == 2;
}

static const struct litmus tests[] = {
	{ "MP", "y x", 2, { store_x_y, load_y_x }, NULL, 0x1, 1 },
	{ "SB", "y x", 2, { store_x_load_y, store_y_load_x }, NULL, 0, 0 },
	{ "SB+fences", "y x", 2, { store_x_fence_load_y, store_y_fence_load_x }, NULL, 0x0, 1 },
	{ "LB", "x y", 2, { load_x_store_y, load_y_store_x }, NULL, 0x3, 1 },
	{ "CoRR", "x x", 2, { store_x, load_x_x }, NULL, 0x1, 1 },
	{ "2+2W", "x=2 y=2", 2, { store_x2_y1, store_y2_x1 }, last_is_2, 0x3, 1 },
	{ "IRIW", "x y, y x", 4, { store_x, store_y, load_x_y, load_y_x_2 }, NULL, 0x5, 1 },
};

enum layout { SAME, HOMES, DENSE, LAYOUTS };
static const char *const layout_name[LAYOUTS] = { "one page", "two homes", "all on one page" };

/* What the nodes share besides the memory under test. All of it zero at first. */
struct meeting {
	_Atomic uint32_t arrived;         /* the barrier of all nodes */
	_Atomic uint32_t at_start[BATCH]; /* threads that have come to an instance */
	uint64_t result[BATCH][4];
	uint64_t delay_ns[BATCH][THREADS];
};

static struct meeting *meeting;
static uint8_t *arena;
static size_t block = 64 * 4096; /* neighbouring blocks have different homes */
static unsigned instances = BATCH;
static unsigned patience_s = 120;

/* --------------------------------------------------------------- the meeting -- */

/* Apart from the memory under test, where nodes share other memory: it is faster, and does not
 * depend on what is tested. That is so in a job's directory; nodes of other starters may be on
 * different machines. */
static void meeting_open(void)
{
	const char *dir = getenv("DSM_JOB");
	char path[4096];
	int fd;

	if (!dir) {
		meeting = node_shared("meeting", sizeof *meeting, 4096);
		return;
	}
	snprintf(path, sizeof path, "%s/litmus.job", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, sizeof *meeting))
		node_fail("cannot create %s: %s", path, strerror(errno));
	meeting = mmap(NULL, sizeof *meeting, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (meeting == MAP_FAILED)
		node_fail("cannot map %s: %s", path, strerror(errno));
	close(fd);
}

/* Spins, then yields, until *at is at least n (counting round 2^32); bounded. */
static void wait_for(_Atomic uint32_t *at, uint32_t n, const char *what)
{
	uint64_t begin = 0;

	/* Acquire: what those who arrived wrote before is seen. */
	for (unsigned i = 1; (int32_t)(atomic_load_explicit(at, memory_order_acquire) - n) < 0;
	     i++) {
		if (i % 128 == 0)
			sched_yield();
		if (i % 65536)
			continue;
		if (!begin)
			begin = node_now_ns();
		if (node_now_ns() - begin > patience_s * 1000000000ull) {
			node_say("no progress for %u s: waiting for the others to %s", patience_s,
			         what);
			node_tell_state();
			_exit(3);
		}
	}
}

static void meet_all(const char *what)
{
	static uint32_t rounds;

	rounds++;
	/* Release, acquire: a barrier. */
	atomic_fetch_add_explicit(&meeting->arrived, 1, memory_order_acq_rel);
	wait_for(&meeting->arrived, rounds * (uint32_t)node.size, what);
}

/* ------------------------------------------------------------------- a batch -- */

static void place(enum layout layout, unsigned instance, word **x, word **y)
{
	/* So far apart that each has a page to itself, unless pages are of 2 MiB. */
	const size_t step = block / instances;
	uint8_t *at = arena;

	switch (layout) {
	case SAME:
		*x = (word *)(at + instance * step);
		*y = (word *)(at + instance * step + step / 2);
		break;
	case HOMES:
		*x = (word *)(at + instance * step);
		*y = (word *)(at + block + instance * step);
		break;
	default:
		/* Two blocks further on: instances before it leave the page where it is. */
		*x = (word *)(at + 2 * block + instance * 64);
		*y = (word *)(at + 2 * block + instance * 64 + 8);
	}
}

static void batch_prepare(enum layout layout, int shared, unsigned batch, uint64_t *random)
{
	word *x, *y;

	if ((int)(batch / (unsigned)node.size % (unsigned)node.size) == node.rank) {
		for (unsigned i = 0; i < instances; i++) {
			place(layout, i, &x, &y);
			*x = 0;
			*y = 0;
			atomic_store_explicit(&meeting->at_start[i], 0, memory_order_relaxed);
			memset(meeting->result[i], 0, sizeof meeting->result[i]);
			/* From all at once to farther apart than a miss takes. */
			for (unsigned t = 0; t < THREADS; t++)
				meeting->delay_ns[i][t] =
					node_random(random) % (1 + (1ull << (i % 18)));
		}
	}
	meet_all("prepare the variables");
	for (unsigned i = 0; shared && i < instances; i++) {
		place(layout, i, &x, &y);
		(void)(*x + *y);
	}
	meet_all("read the variables");
}

static void batch_run(const struct litmus *test, enum layout layout, unsigned batch)
{
	/* Which of the test's threads this node is. */
	unsigned t = ((unsigned)node.rank + batch) % (unsigned)node.size;
	word *x, *y;

	for (unsigned i = 0; t < test->threads && i < instances; i++) {
		uint64_t r[4] = { 0 }, until;

		place(layout, i, &x, &y);
		atomic_fetch_add_explicit(&meeting->at_start[i], 1, memory_order_relaxed);
		wait_for(&meeting->at_start[i], test->threads, "start an instance");
		until = meeting->delay_ns[i][t];
		if (until > 100)
			for (until += node_now_ns(); node_now_ns() < until;)
				;
		test->thread[t](x, y, r);
		for (unsigned k = 0; k < 4; k++)
			if (r[k])
				meeting->result[i][k] = r[k];
	}
	meet_all("run the instances");
}

/* By one node, while the others wait. */
static void batch_count(const struct litmus *test, enum layout layout, uint64_t *histogram)
{
	word *x, *y;

	if (node.rank == 0) {
		for (unsigned i = 0; i < instances; i++) {
			unsigned outcome = 0;

			place(layout, i, &x, &y);
			if (test->after)
				test->after(x, y, meeting->result[i]);
			for (unsigned k = 0; k < 4; k++) {
				if (meeting->result[i][k] > 1)
					node_fail("%s: a load saw %" PRIu64 ", which nobody stored",
					          test->name, meeting->result[i][k]);
				outcome |= (unsigned)meeting->result[i][k] << k;
			}
			histogram[outcome]++;
		}
	}
	meet_all("count the outcomes");
}

/* -------------------------------------------------------------------- a test -- */

static void tell(const struct litmus *test, const char *how, const uint64_t *histogram)
{
	unsigned results = test->threads == 4 ? 4 : 2;

	printf("litmus: %-9s %-28s (%s)", test->name, how, test->results);
	for (unsigned o = 0; o < OUTCOMES; o++) {
		if (!histogram[o])
			continue;
		printf("  ");
		for (unsigned k = 0; k < results; k++)
			printf("%u", o >> k & 1);
		printf(":%" PRIu64, histogram[o]);
	}
	printf("%s\n",
	       test->is_forbidden && histogram[test->forbidden] ? "  FORBIDDEN OUTCOME" : "");
}

/* On the node that counts: 1 when a forbidden outcome was seen, or only ever one outcome. */
static int judge(const struct litmus *test, const uint64_t *histogram)
{
	unsigned seen = 0;

	for (unsigned o = 0; o < OUTCOMES; o++)
		seen += histogram[o] != 0;
	if (seen < 2)
		node_say("%s: one outcome only: its threads never met", test->name);
	return seen < 2 || (test->is_forbidden && histogram[test->forbidden]);
}

/* Pages behind those that are used, so that all nodes are home to as many: written once, they
 * take their homes' memory for good. */
static void fill(size_t bytes)
{
	if (node.rank == 0)
		for (size_t at = 2 * block + 4000; at < bytes; at += 4096)
			arena[at] = 1;
	node_barrier();
}

static int test_run(const struct litmus *test, unsigned rounds, uint64_t *random)
{
	uint64_t all[OUTCOMES] = { 0 };

	for (unsigned layout = 0; layout < LAYOUTS; layout++) {
		for (int shared = 0; shared < 2; shared++) {
			uint64_t histogram[OUTCOMES] = { 0 }, begin = node_now_ns();
			char how[64];

			for (unsigned batch = 0; batch * instances < rounds / (2 * LAYOUTS); batch++) {
				batch_prepare(layout, shared, batch, random);
				batch_run(test, layout, batch);
				batch_count(test, layout, histogram);
			}
			snprintf(how, sizeof how, "%s, %s, %.1f s", layout_name[layout],
			         shared ? "shared" : "cold", (double)(node_now_ns() - begin) / 1e9);
			if (node.rank == 0)
				tell(test, how, histogram);
			for (unsigned o = 0; o < OUTCOMES; o++)
				all[o] += histogram[o];
		}
	}
	return node.rank == 0 ? judge(test, all) : 0;
}

int main(int argc, char **argv)
{
	const int huge = argc > 1 && !strcmp(argv[1], "--huge");
	unsigned rounds = 2000, seconds = 240;
	uint64_t random;
	size_t blocks = 3;
	int failed = 0;
	char *end;

	if (argc > 1 + huge) {
		rounds = (unsigned)strtoul(argv[1 + huge], &end, 10);
		if (argc > 2 + huge || *end || end == argv[1 + huge] || rounds < 2 * LAYOUTS ||
		    rounds > 100000000) {
			fprintf(stderr, "usage: dsmctl run -n NODES litmus [--huge] [ROUNDS]\n"
			                "--huge: on pages of 2 MiB, 4 for each node\n"
			                "ROUNDS of each test, in all layouts together\n");
			return 2;
		}
	}
#ifndef __x86_64__
	printf("litmus: the outcomes it calls forbidden are those of x86\n");
	return 77;
#endif
	seconds += rounds / 50;
	while (instances > 1 && instances > rounds / (2 * LAYOUTS))
		instances /= 2;
	if (huge) {
		block = 2u << 20;
		if (instances > BATCH / 8) /* in each of which more than one page travels */
			instances = BATCH / 8;
		node.huge_bytes = 4 * block;
	}
	node_join("litmus", seconds);
	random = 88172645463325252ull + (uint64_t)node.rank;
	meeting_open();
	if (!huge && node.size > 3)
		blocks = (size_t)node.size;
	arena = node_shared_in("litmus", blocks * block, block, huge ? DSM_HUGE : 0);
	fill(huge ? 0 : blocks * block);
	for (unsigned i = 0; i < sizeof tests / sizeof *tests; i++) {
		if ((int)tests[i].threads <= node.size)
			failed |= test_run(&tests[i], rounds, &random);
		else if (node.rank == 0)
			printf("litmus: %-9s left out: wants %u nodes\n", tests[i].name,
			       tests[i].threads);
	}
	node_unshare("litmus", arena);
	node_leave();
	return failed;
}
