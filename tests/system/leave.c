/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads that leave an access to shared memory before it is done: a handler that interrupts it
 * jumps elsewhere, or goes on with something else for a while; or they are cancelled. Node 1 keeps the page that node 0
 * wants by a pin, so that node 0's access does wait. Both deliveries.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>

#include "tests/system/node.h"

#define PAGE 4096
#define ROUNDS 10
#define DEEP 65536 /* bytes: more than a handler of the library's may have used */

static _Atomic uint64_t (*block)[PAGE / 8]; /* a page for each round, and one for handlers */

static void keep(unsigned page)
{
	if (node.rank == 1)
		OK(dsm_pin(node.dsm, block[page], PAGE, DSM_PIN_WRITE));
	node_barrier();
}

/* Called by all when node 0 is to be given the page. */
static void let_go(unsigned page)
{
	node_barrier();
	if (node.rank == 1)
		OK(dsm_unpin(node.dsm, block[page], PAGE));
}

/* --- a signal for a thread that waits for a page --- */

struct sender {
	pthread_t to, thread;
	uint64_t faults; /* before its access */
};

static uint64_t faults(void)
{
	struct dsm_stats s;

	OK(dsm_get_stats(node.dsm, &s, sizeof s));
	return s.faults;
}

static void *send_signal(void *arg)
{
	const struct timespec t = { .tv_nsec = 100000 };
	struct sender *s = arg;

	while (faults() == s->faults) /* node_join() bounds it */
		nanosleep(&t, NULL);
	CHECK(!pthread_kill(s->to, SIGUSR1));
	return NULL;
}

static void sender_start(struct sender *s)
{
	*s = (struct sender){ .to = pthread_self(), .faults = faults() };
	CHECK(!pthread_create(&s->thread, NULL, send_signal, s));
}

static void sender_end(struct sender *s)
{
	CHECK(!pthread_join(s->thread, NULL));
}

/* --- a handler that jumps --- */

static sigjmp_buf out;
static _Atomic uint64_t *in_handler; /* what it adds to before that, or NULL */

static void jump(int number)
{
	if (in_handler)
		atomic_fetch_add(in_handler, 1);
	siglongjmp(out, 1);
}

static __attribute__((noinline)) void access_page(unsigned page)
{
	atomic_fetch_add(&block[page][0], 1);
}

/* The stack on which the access has waited is used for something else when the page comes. */
static __attribute__((noinline)) void come_back(unsigned page)
{
	volatile unsigned char mine[DEEP];

	for (unsigned i = 0; i < DEEP; i++)
		mine[i] = (unsigned char)(i * 31 + page);
	let_go(page);
	CHECK(atomic_fetch_add(&block[page][0], 1) == 1);
	for (unsigned i = 0; i < DEEP; i++)
		CHECK(mine[i] == (unsigned char)(i * 31 + page));
}

static void leave_by_jump(void)
{
	struct sigaction act = { .sa_handler = jump };
	static struct sender sender;

	CHECK(!sigaction(SIGUSR1, &act, NULL));
	for (volatile unsigned round = 0; round < ROUNDS; round++) {
		keep(round);
		if (node.rank == 1) {
			atomic_store(&block[round][0], 1);
			atomic_fetch_add(&block[ROUNDS][0], 1);
			node_barrier();
			let_go(round);
		} else {
			node_barrier();
			in_handler = round % 2 ? &block[ROUNDS][0] : NULL;
			if (sigsetjmp(out, 1) == 0) {
				sender_start(&sender);
				access_page(round);
				node_fail("node 1 has pinned page %u, and yet it is here", round);
			}
			sender_end(&sender);
			come_back(round);
		}
		node_barrier();
	}
	CHECK(atomic_load(&block[ROUNDS][0]) == ROUNDS + ROUNDS / 2);
}

/* --- a handler that goes on elsewhere, and comes back --- */

static ucontext_t elsewhere, waiting;

static void change(int number)
{
	CHECK(!swapcontext(&waiting, &elsewhere));
}

static void access_and_end(int page)
{
	access_page((unsigned)page);
}

/* Leaves the access to that page, does others, and returns to it when the page is there, or when
 * it is not: then it goes on waiting. */
static void leave_and_return(unsigned page, int there)
{
	static ucontext_t fresh, back;
	static struct sender sender;
	char *stack = malloc(DEEP);

	CHECK(stack && !getcontext(&fresh));
	fresh.uc_stack.ss_sp = stack;
	fresh.uc_stack.ss_size = DEEP;
	fresh.uc_link = &back;
	makecontext(&fresh, (void (*)(void))access_and_end, 1, (int)page);
	sender_start(&sender);
	CHECK(!swapcontext(&elsewhere, &fresh)); /* until the handler comes back here */
	sender_end(&sender);
	for (unsigned i = 0; i < ROUNDS; i++)
		if (i != page)
			access_page(i);
	let_go(page);
	if (there)
		while (atomic_load(&block[page][0]) != 1)
			;
	CHECK(!swapcontext(&back, &waiting)); /* until it has done what it was about to do */
	free(stack);
}

static void leave_by_change(void)
{
	struct sigaction act = { .sa_handler = change };

	CHECK(!sigaction(SIGUSR1, &act, NULL));
	for (unsigned round = 0; round < ROUNDS; round++) {
		keep(round);
		if (node.rank == 1) {
			for (unsigned i = 0; i <= ROUNDS; i++)
				if (i != round)
					atomic_store(&block[i][0], 1);
			atomic_store(&block[round][0], 1);
			node_barrier();
			let_go(round);
		} else {
			node_barrier();
			leave_and_return(round, round % 2);
			CHECK(atomic_load(&block[round][0]) == 2);
		}
		node_barrier();
	}
}

/* --- threads that are cancelled --- */

static int cleaned; /* how often a cancelled thread has cleaned up */

/* Shared memory works there as anywhere. */
static void clean_up(void *page)
{
	atomic_fetch_add((_Atomic uint64_t *)page, 1);
	cleaned++;
}

/* Not before it says so, whatever it waits for, asks for, or calls meanwhile. */
static void *cancelled_late(void *arg)
{
	dsm_mutex *mutex = arg;
	uint64_t old;
	void *ptr;

	CHECK(!pthread_cancel(pthread_self()));
	pthread_cleanup_push(clean_up, &block[ROUNDS][1]);
	for (unsigned i = 0; i < ROUNDS; i++)
		access_page(i);
	OK(dsm_fetch_add64(node.dsm, (uint64_t *)&block[0][2], 1, &old));
	OK(dsm_mutex_lock(node.dsm, *mutex));
	OK(dsm_mutex_unlock(node.dsm, *mutex));
	OK(dsm_alloc(node.dsm, PAGE, 0, 0, &ptr));
	OK(dsm_free(node.dsm, ptr));
	OK(dsm_pin(node.dsm, block[1], PAGE, DSM_PIN_WRITE));
	OK(dsm_unpin(node.dsm, block[1], PAGE));
	pthread_testcancel();
	node_fail("a cancelled thread has gone on");
	pthread_cleanup_pop(0);
	return NULL;
}

static void cancel_late(dsm_mutex *mutex)
{
	pthread_t thread;
	void *end;

	CHECK(!pthread_create(&thread, NULL, cancelled_late, mutex));
	CHECK(!pthread_join(thread, &end));
	CHECK(end == PTHREAD_CANCELED);
}

/* At once, even where it waits for a page that does not come. */
static void *cancelled_early(void *arg)
{
	const unsigned *page = arg;

	pthread_cleanup_push(clean_up, &block[ROUNDS][1]);
	CHECK(!pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL));
	for (;;)
		for (unsigned i = 0; i <= *page; i++)
			access_page(i);
	pthread_cleanup_pop(0);
	return NULL;
}

static void cancel_early(unsigned page)
{
	const struct timespec t = { .tv_nsec = page * 300000 };
	pthread_t thread;
	void *end;

	CHECK(!pthread_create(&thread, NULL, cancelled_early, &page));
	nanosleep(&t, NULL); /* wherever it may be then */
	CHECK(!pthread_cancel(thread));
	CHECK(!pthread_join(thread, &end));
	CHECK(end == PTHREAD_CANCELED);
}

static void be_cancelled(void)
{
	dsm_mutex mutex;

	OK(dsm_mutex_create(node.dsm, &mutex));
	for (unsigned round = 0; round < ROUNDS; round++) {
		keep(round);
		if (node.rank == 1) {
			for (unsigned i = 0; i <= ROUNDS; i++)
				if (i != round)
					atomic_fetch_add(&block[i][3], 1);
			let_go(round);
			cancel_late(&mutex);
		} else {
			cancel_early(round);
			let_go(round);
			cancel_late(&mutex);
			CHECK(cleaned == 2 * ((int)round + 1));
		}
		node_barrier();
	}
	OK(dsm_mutex_destroy(node.dsm, mutex));
	CHECK(atomic_load(&block[ROUNDS][1]) == 3 * ROUNDS);
}

static const struct {
	const char *name;
	void (*run)(void);
} parts[] = {
	{ "jump", leave_by_jump },
	{ "change", leave_by_change },
	{ "cancel", be_cancelled },
};

/* All parts, or the one that is named. */
int main(int argc, char **argv)
{
	node_join("leave", 60);
	CHECK(node.size == 2);
	for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++) {
		if (argc > 1 && strcmp(argv[1], parts[i].name))
			continue;
		block = node_shared("leave", (ROUNDS + 1) * PAGE, PAGE);
		parts[i].run();
		node_unshare("leave", block);
	}
	node_leave();
	return 0;
}
