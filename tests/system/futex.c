/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The calls of dsm_futex.h, on any number of nodes: no wake-up is lost, whatever nodes do at the
 * same time to the word that a thread is about to wait for; threads are woken in the order in which
 * they came; a wake is never spent on a thread whose time was over; who waits uses no processor.
 *
 *	futex [ROUNDS]    the races alone, with so many rounds together; else 10000, and all of it
 */
#include "dsm/dsm_futex.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "tests/system/node.h"

#define PAGE 4096
#define THREADS 3
#define MANY 300
#define REST_MS 400
#define LINED 6 /* threads of a node that wait in line */

static struct shared {
	/* each on a page of its own */
	_Alignas(PAGE) uint32_t turn;
	_Alignas(PAGE) uint32_t lock;
	uint64_t guarded;
	_Alignas(PAGE) uint32_t lock_still; /* by atomics that leave the page where it is */
	_Alignas(PAGE) uint64_t guarded_still;
	_Alignas(PAGE) uint32_t word, beside;
	_Alignas(PAGE) uint32_t over;
	_Alignas(PAGE) uint64_t came, left;
	_Alignas(PAGE) uint64_t woken, late, counted;
} * shared;

static uint32_t rounds = 10000;

static uint32_t load(const uint32_t *at)
{
	return __atomic_load_n(at, __ATOMIC_SEQ_CST);
}

static int thread_id(void)
{
	return (int)syscall(SYS_gettid);
}

/* fn in so many threads of this node, with their numbers among all nodes'. */
struct part {
	void (*fn)(unsigned n);
	unsigned n;
};

static void *part_thread(void *arg)
{
	struct part *p = arg;

	p->fn(p->n);
	return NULL;
}

static void in_threads(void (*fn)(unsigned n))
{
	pthread_t thread[THREADS];
	struct part part[THREADS];

	for (unsigned i = 0; i < THREADS; i++) {
		part[i] = (struct part){ fn, (unsigned)node.rank * THREADS + i };
		CHECK(!pthread_create(&thread[i], NULL, part_thread, &part[i]));
	}
	for (unsigned i = 0; i < THREADS; i++)
		CHECK(!pthread_join(thread[i], NULL));
	node_barrier();
}

/* --- answers --- */

static void answers(void)
{
	uint32_t mine = 0, woken = 7;

	EXPECT(DSM_ERR_INVAL, dsm_futex_wait(node.dsm, NULL, 0, 0));
	EXPECT(DSM_ERR_INVAL, dsm_futex_wait(node.dsm, &mine, 0, 0));
	EXPECT(DSM_ERR_INVAL,
	       dsm_futex_wait(node.dsm, (const uint32_t *)((char *)&shared->word + 2), 0, 0));
	EXPECT(DSM_ERR_INVAL, dsm_futex_wait(node.dsm, &shared->word, 0, -2));
	EXPECT(DSM_ERR_INVAL, dsm_futex_wake(node.dsm, &mine, 1, &woken));
	CHECK(woken == 7);
	EXPECT(DSM_ERR_CHANGED, dsm_futex_wait(node.dsm, &shared->word, 1, -1));
	EXPECT(DSM_ERR_TIMEDOUT, dsm_futex_wait(node.dsm, &shared->word, 0, 0));
	EXPECT(DSM_ERR_TIMEDOUT, dsm_futex_wait(node.dsm, &shared->word, 0, 1));
	OK(dsm_futex_wake(node.dsm, &shared->word, UINT32_MAX, &woken));
	CHECK(woken == 0);
	OK(dsm_futex_wake(node.dsm, &shared->word, 0, NULL));
}

/* --- races --- */

/* Each thread changes the word in its turn, and all others sleep for that. */
static void take_turns(unsigned n)
{
	uint32_t all = (uint32_t)node.size * THREADS, now, was;

	for (;;) {
		while ((now = load(&shared->turn)) < rounds / 10 && now % all != n) {
			int rc = dsm_futex_wait(node.dsm, &shared->turn, now, -1);
			CHECK(rc == 0 || rc == DSM_ERR_CHANGED);
		}
		if (now >= rounds / 10)
			break;
		if (now / all % 2)
			OK(dsm_fetch_add32(node.dsm, &shared->turn, 1, &was));
		else
			__atomic_store_n(&shared->turn, now + 1, __ATOMIC_SEQ_CST);
		OK(dsm_futex_wake(node.dsm, &shared->turn, UINT32_MAX, NULL));
	}
}

/* 0 free, 1 held, 2 held and somebody may sleep: one wake for each unlock. */
static uint32_t swap(uint32_t *at, uint32_t value)
{
	uint32_t was;

	if (at == &shared->lock)
		return __atomic_exchange_n(at, value, __ATOMIC_SEQ_CST);
	OK(dsm_swap32(node.dsm, at, value, &was));
	return was;
}

static void lock(uint32_t *at)
{
	uint32_t was = swap(at, 2);

	while (was) {
		int rc = dsm_futex_wait(node.dsm, at, 2, -1);
		CHECK(rc == 0 || rc == DSM_ERR_CHANGED);
		was = swap(at, 2);
	}
}

static void unlock(uint32_t *at)
{
	if (swap(at, 0) == 2)
		OK(dsm_futex_wake(node.dsm, at, 1, NULL));
}

static void fight(unsigned n)
{
	uint32_t mine = rounds / ((uint32_t)node.size * THREADS) / 2;

	(void)n;
	for (uint32_t i = 0; i < mine; i++) {
		lock(&shared->lock);
		shared->guarded++;
		unlock(&shared->lock);
		lock(&shared->lock_still);
		shared->guarded_still++;
		unlock(&shared->lock_still);
	}
}

/* One wakes, the others wait, and not for long: as many return as woken as were counted. */
static void race_with_time(unsigned n)
{
	uint64_t mine = 0, late = 0;
	uint32_t woken;

	if (n == 0) {
		for (uint32_t i = 0; shared->counted < rounds / 10 + 1; i++) {
			OK(dsm_futex_wake(node.dsm, &shared->word, 1 + i % 2, &woken));
			CHECK(woken <= 1 + i % 2);
			shared->counted += woken;
			/* so that the time of some is over when the next wake comes */
			if (woken && i % 4 < 3)
				EXPECT(DSM_ERR_TIMEDOUT,
				       dsm_futex_wait(node.dsm, &shared->beside, 0, (int)(i % 4)));
		}
		__atomic_store_n(&shared->over, 1, __ATOMIC_SEQ_CST);
		return;
	}
	for (unsigned i = n; !load(&shared->over); i++) {
		int rc = dsm_futex_wait(node.dsm, &shared->word, load(&shared->word), (int)(i % 3));
		CHECK(rc == 0 || rc == DSM_ERR_TIMEDOUT);
		mine += rc == 0;
		late += rc != 0;
	}
	__atomic_fetch_add(&shared->late, late, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&shared->woken, mine, __ATOMIC_SEQ_CST);
}

static void races(void)
{
	in_threads(take_turns);
	CHECK(load(&shared->turn) == rounds / 10);
	in_threads(fight);
	CHECK(shared->guarded ==
	      rounds / ((uint32_t)node.size * THREADS) / 2 * ((uint32_t)node.size * THREADS));
	CHECK(shared->guarded_still == shared->guarded);
	in_threads(race_with_time);
	if (node.rank == 0)
		node_say("%llu threads woken, %llu in vain until their time was over",
		         (unsigned long long)shared->woken, (unsigned long long)shared->late);
	CHECK(shared->woken == shared->counted);
	node_barrier();
}

/* --- threads that sleep, for certain --- */

struct sleeper {
	pthread_t thread;
	int id; /* of the thread; 0: not yet */
	uint64_t came, left;
};

static void *sleep_once(void *arg)
{
	struct sleeper *s = arg;

	__atomic_store_n(&s->id, thread_id(), __ATOMIC_SEQ_CST);
	OK(dsm_futex_wait(node.dsm, &shared->word, 0, -1));
	s->left = __atomic_fetch_add(&shared->left, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

static void start(struct sleeper *s)
{
	pthread_attr_t attr;

	s->id = 0;
	CHECK(!pthread_attr_init(&attr));
	CHECK(!pthread_attr_setstacksize(&attr, 256 << 10));
	CHECK(!pthread_create(&s->thread, &attr, sleep_once, s));
	CHECK(!pthread_attr_destroy(&attr));
}

/* Until what the thread has asked for is on its way. */
static void await(const struct sleeper *s)
{
	while (!__atomic_load_n(&s->id, __ATOMIC_SEQ_CST) || !node_waits("dsm_futex_wait", s->id))
		;
}

/* A wait for another word of the page comes after those of this node that are on their way. */
static void settle(void)
{
	EXPECT(DSM_ERR_TIMEDOUT, dsm_futex_wait(node.dsm, &shared->beside, 0, 0));
}

/* Nodes line threads up one after the other, from a node that changes; they go in that order. */
static void order(void)
{
	struct sleeper line[LINED];
	uint32_t woken;
	int total = LINED * node.size;

	shared->came = shared->left = 0;
	node_barrier();
	for (int i = 0; i < total; i++) {
		if ((i + i / node.size) % node.size == node.rank) {
			struct sleeper *s = &line[i / node.size];
			s->came = (uint64_t)i;
			start(s);
			await(s);
			settle();
		}
		node_barrier();
	}
	for (int i = 0; i < total; i++) {
		if (i % node.size == node.rank) {
			OK(dsm_futex_wake(node.dsm, &shared->word, 1, &woken));
			CHECK(woken == 1);
			while (__atomic_load_n(&shared->left, __ATOMIC_SEQ_CST) <= (uint64_t)i)
				;
		}
		node_barrier();
	}
	for (int i = 0; i < LINED; i++) {
		CHECK(!pthread_join(line[i].thread, NULL));
		if (line[i].came != line[i].left)
			node_fail("a thread came as number %llu and left as %llu",
			          (unsigned long long)line[i].came,
			          (unsigned long long)line[i].left);
	}
	node_barrier();
}

static uint64_t processor_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* As many threads as a node may well have; one wake for those of all nodes, in several steps. */
static void many(void)
{
	static struct sleeper crowd[MANY];
	uint32_t woken, total = 0, want = MANY * (uint32_t)node.size;
	uint64_t used;

	for (unsigned i = 0; i < MANY; i++)
		start(&crowd[i]);
	for (unsigned i = 0; i < MANY; i++)
		await(&crowd[i]);
	settle();
	node_barrier();
	used = processor_ns();
	EXPECT(DSM_ERR_TIMEDOUT, dsm_futex_wait(node.dsm, &shared->beside, 0, REST_MS));
	used = processor_ns() - used;
	if (used > REST_MS * UINT64_C(1000000) / 4)
		node_fail("%d threads that wait have used the processor for %llu us of %d ms", MANY,
		          (unsigned long long)used / 1000, REST_MS);
	node_barrier();
	if (node.rank == node.size - 1) {
		OK(dsm_futex_wake(node.dsm, &shared->word, want / 2, &woken));
		CHECK(woken == want / 2);
		OK(dsm_futex_wake(node.dsm, &shared->word, UINT32_MAX, &total));
		CHECK(woken + total == want);
	}
	for (unsigned i = 0; i < MANY; i++)
		CHECK(!pthread_join(crowd[i].thread, NULL));
	node_barrier();
}

/* --- time --- */

static void on_signal(int sig)
{
	(void)sig;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int signalled_over;

static void *send_signals(void *arg)
{
	const struct timespec pause = { .tv_nsec = 5000000 };

	while (!__atomic_load_n(&signalled_over, __ATOMIC_SEQ_CST)) {
		nanosleep(&pause, NULL); /* the load, not something to wait for */
		pthread_kill(*(pthread_t *)arg, SIGUSR1);
	}
	return NULL;
}

/* Signals neither end a wait nor make it longer by beginning it anew: with one every 5 ms it would
 * not end at all. */
static void time_with_signals(void)
{
	struct sigaction act = { .sa_handler = on_signal };
	pthread_t me = pthread_self(), sender;
	uint64_t began;

	CHECK(!sigaction(SIGUSR1, &act, NULL));
	CHECK(!pthread_create(&sender, NULL, send_signals, &me));
	for (int ms = 50; ms <= 200; ms += 150) {
		began = now_ns();
		EXPECT(DSM_ERR_TIMEDOUT, dsm_futex_wait(node.dsm, &shared->word, 0, ms));
		CHECK(now_ns() - began >= (uint64_t)ms * 1000000);
	}
	__atomic_store_n(&signalled_over, 1, __ATOMIC_SEQ_CST);
	CHECK(!pthread_join(sender, NULL));
	node_barrier();
}

int main(int argc, char **argv)
{
	if (argc > 1)
		rounds = (uint32_t)strtoul(argv[1], NULL, 0);
	node_join("futex", 60 + rounds / 200);
	shared = node_shared("futex", sizeof *shared, PAGE);
	for (int rank = 0; rank < node.size; rank++) {
		if (rank == node.rank)
			answers();
		node_barrier();
	}
	races();
	if (argc == 1) {
		order();
		many();
		time_with_signals();
	}
	node_unshare("futex", shared);
	node_leave();
	return 0;
}
