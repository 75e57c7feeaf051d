/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting for answers, and for room to ask. */
#include "dsm/node/waits.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "dsm/base/base.h"

void waits_open(struct waits *waits)
{
	pthread_cond_init(&waits->room, NULL);
}

void waits_close(struct waits *waits)
{
	pthread_cond_destroy(&waits->room);
}

void waits_add(struct waits *waits, struct waiter *w, const char *what)
{
	*w = (struct waiter){.what = what, .thread = clock_thread(), .since_ns = clock_now_ns()};
	w->next = waits->all;
	w->link = &waits->all;
	if (w->next)
		w->next->link = &w->next;
	waits->all = w;
}

void waits_remove(struct waiter *w)
{
	*w->link = w->next;
	if (w->next)
		w->next->link = w->link;
}

/* --- the answer --- */

/* Values of waiter.done. */
enum { WAIT_NOT_DONE = 0, WAIT_DONE = 1, WAIT_ASLEEP = 2 };

static void wake_sleeper(uint32_t *done)
{
	syscall(SYS_futex, done, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

void waits_done(struct waits *waits, struct waiter *w, int status)
{
	uint32_t *done = &w->done;

	waits_remove(w);
	w->status = status;
	/* Release pairs with the acquire in waits_is_done(): status and results before done.
	 * From here on the waiter may be gone; only its address is used. */
	if (__atomic_exchange_n(done, WAIT_DONE, __ATOMIC_ACQ_REL) != WAIT_ASLEEP)
		return;
	if (waits->stepping && waits->n_sleepers < WAITS_SLEEPERS)
		waits->sleeper[waits->n_sleepers++] = done;
	else
		wake_sleeper(done);
}

void waits_end(struct waits *waits, int status)
{
	while (waits->all)
		waits_done(waits, waits->all, status);
}

void waits_step_begin(struct waits *waits)
{
	waits->stepping = 1;
}

void waits_step_end(struct waits *waits)
{
	waits->stepping = 0;
	while (waits->n_sleepers)
		wake_sleeper(waits->sleeper[--waits->n_sleepers]);
}

int waits_is_done(const struct waiter *w)
{
	return __atomic_load_n(&w->done, __ATOMIC_ACQUIRE) == WAIT_DONE;
}

void waits_sleep(struct waiter *w, uint64_t until_ns)
{
	/* The end, not a duration, which would begin anew with each signal. */
	const struct timespec end = {.tv_sec = (time_t)(until_ns / 1000000000),
	                             .tv_nsec = (long)(until_ns % 1000000000)};
	sigset_t mask;

	if (waits_is_done(w))
		return;
	if (w->mask) /* the application's handlers may run while its thread sleeps */
		pthread_sigmask(SIG_SETMASK, w->mask, &mask);
	while (!waits_is_done(w)) {
		uint32_t was = WAIT_NOT_DONE;
		/* Says that a wake is wanted; fails when it is done, or was said before. */
		__atomic_compare_exchange_n(&w->done, &was, WAIT_ASLEEP, 0, __ATOMIC_ACQ_REL,
		                            __ATOMIC_ACQUIRE);
		/* Of the calls that wait, the one whose time is CLOCK_MONOTONIC's. */
		long rc = syscall(SYS_futex, &w->done, FUTEX_WAIT_BITSET_PRIVATE, WAIT_ASLEEP,
		                  until_ns == WAITS_FOR_EVER ? NULL : &end, NULL,
		                  FUTEX_BITSET_MATCH_ANY);
		if (rc < 0 && errno == ETIMEDOUT)
			break;
	}
	if (w->mask)
		pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

/* --- room --- */

void waits_room(struct waits *waits)
{
	if (waits->starved)
		pthread_cond_broadcast(&waits->room);
}

void waits_for_room(struct waits *waits, pthread_mutex_t *lock)
{
	waits->starved++;
	pthread_cond_wait(&waits->room, lock);
	waits->starved--;
}
