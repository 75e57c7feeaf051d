/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads that leave an access to shared memory before it is done: a handler that interrupts it
 * jumps elsewhere, or goes on with something else for a while. Node 1 keeps the page that node 0
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
#define ROUNDS 20
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

int main(void)
{
	node_join("leave", 60);
	CHECK(node.size == 2);
	block = node_shared("leave", (ROUNDS + 1) * PAGE, PAGE);
	leave_by_jump();
	leave_by_change();
	node_unshare("leave", block);
	node_leave();
	return 0;
}
