/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nodes whose network breaks while they work (breaks.sh). Each adds to counters that all share,
 * by stores, by calls and under a mutex, until rank 0 finds a file:
 *
 *	breaks FILE
 *
 * Either nothing was lost, and then the counters are right, or the job is lost, for all. Both
 * are status 0, and a line says which.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/system/node.h"

#define ROUNDS 16 /* between two barriers */

struct counter {
	atomic_ulong stored;
	uint64_t called, locked;
} __attribute__((aligned(4096)));

struct shared {
	struct counter counter[64];
	dsm_mutex mutex;
	atomic_int stop;
};

static struct shared *shared;
static volatile uint64_t done, last_ns;
static sigjmp_buf out;

static void on_sigbus(int sig)
{
	siglongjmp(out, 1);
}

/* Ends the node where the job is lost. */
static void expect(int rc)
{
	if (rc == DSM_ERR_LOST)
		siglongjmp(out, 1);
	OK(rc);
}

static void add(struct counter *c)
{
	uint64_t old;

	atomic_fetch_add(&c->stored, 1);
	expect(dsm_fetch_add64(node.dsm, &c->called, 1, &old));
	expect(dsm_mutex_lock(node.dsm, shared->mutex));
	c->locked++;
	expect(dsm_mutex_unlock(node.dsm, shared->mutex));
	last_ns = node_now_ns();
}

/* All have done the same number of rounds. */
static void check(void)
{
	for (int i = 0; i < node.size; i++) {
		struct counter *c = &shared->counter[i];
		uint64_t want = done * (uint64_t)node.size;

		if (atomic_load(&c->stored) != want || c->called != want || c->locked != want)
			node_fail("counter %d is %lu, %lu and %lu, not %lu", i, atomic_load(&c->stored),
			          c->called, c->locked, want);
	}
}

static void work(const char *file)
{
	do {
		for (int i = 0; i < ROUNDS; i++, done++)
			for (int of = 0; of < node.size; of++)
				add(&shared->counter[of]);
		if (node.rank == 0 && access(file, F_OK) == 0)
			atomic_store(&shared->stop, 1);
		expect(dsm_barrier(node.dsm));
	} while (!atomic_load(&shared->stop));
	check();
	expect(dsm_barrier(node.dsm));
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_sigbus };

	if (argc != 2)
		return 2;
	sigaction(SIGBUS, &action, NULL);
	node_join("breaks", 600);
	shared = node_shared("shared", sizeof *shared, 4096);
	if (node.rank == 0)
		OK(dsm_mutex_create(node.dsm, &shared->mutex));
	node_barrier();
	node_say("works");
	last_ns = node_now_ns();
	if (sigsetjmp(out, 1) == 0) {
		work(argv[1]);
		node_say("went on");
	} else {
		node_say("lost %lu ms after its last round",
		         (unsigned long)((node_now_ns() - last_ns) / 1000000));
	}
	dsm_fini(node.dsm);
	return 0;
}
