/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting for answers, and for room to ask. */
#include "dsm/node/waits.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "dsm/base/base.h"

void waits_open(struct waits *waits, struct trace *trace)
{
	waits->trace = trace;
	pthread_cond_init(&waits->room, NULL);
}

void waits_close(struct waits *waits)
{
	pthread_cond_destroy(&waits->room);
}

static void enlist(struct waits *waits, struct waiter *w)
{
	w->thread = clock_thread();
	w->since_ns = clock_now_ns();
	w->next = waits->all;
	w->link = &waits->all;
	if (w->next)
		w->next->link = &w->next;
	waits->all = w;
}

void waits_add(struct waits *waits, struct waiter *w, const char *what)
{
	*w = (struct waiter){.what = what};
	enlist(waits, w);
}

void waits_add_again(struct waits *waits, struct waiter *w, struct waiter **home)
{
	w->home = home;
	w->turn = w->done; /* under the lock only who sleeps changes it, and nobody does now */
	enlist(waits, w);
}

void waits_remove(struct waiter *w)
{
	*w->link = w->next;
	if (w->next)
		w->next->link = w->link;
}

/* --- the answer --- */

static void wake_sleeper(uint32_t *done)
{
	syscall(SYS_futex, done, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

void waits_done(struct waits *waits, struct waiter *w, int status)
{
	struct waiter **home = w->home;
	uint32_t *done = &w->done, was;

	waits_remove(w);
	if (w->kind && status == 0)
		latency_note(&waits->latency, w->kind, clock_now_ns() - w->since_ns);
	if (w->what)
		TRACE_NOTE(waits->trace, .kind = TRACE_WAITED, .thread = w->thread,
		           .since_ns = w->since_ns, .page = w->about,
		           .type = trace_name(waits->trace, w->what));
	w->status = status;
	if (home) {
		w->next = *home;
		*home = w;
	}
	/* Release pairs with the acquire in waits_is_over(): status and results before done.
	 * From here on a call's waiter may be gone; only its address is used. */
	was = __atomic_exchange_n(done, w->turn + WAITS_TURN, __ATOMIC_ACQ_REL);
	if (!(was & WAITS_ASLEEP))
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
	waits->stepping++;
}

void waits_step_end(struct waits *waits)
{
	if (--waits->stepping)
		return;
	while (waits->n_sleepers)
		wake_sleeper(waits->sleeper[--waits->n_sleepers]);
}

struct waits_answer waits_answer(struct waiter *w)
{
	return (struct waits_answer){.done = &w->done, .turn = w->turn};
}

int waits_is_over(const struct waits_answer *answer)
{
	return (__atomic_load_n(answer->done, __ATOMIC_ACQUIRE) & ~WAITS_ASLEEP) != answer->turn;
}

void waits_sleep(const struct waits_answer *answer, uint64_t until_ns)
{
	/* The end, not a duration, which would begin anew with each signal. */
	const struct timespec end = {.tv_sec = (time_t)(until_ns / 1000000000),
	                             .tv_nsec = (long)(until_ns % 1000000000)};

	while (!waits_is_over(answer)) {
		uint32_t was = answer->turn;
		/* Says that a wake is wanted; fails when it is done, or was said before. */
		__atomic_compare_exchange_n(answer->done, &was, was | WAITS_ASLEEP, 0,
		                            __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
		/* Of the calls that wait, the one whose time is CLOCK_MONOTONIC's. */
		long rc = syscall(SYS_futex, answer->done, FUTEX_WAIT_BITSET_PRIVATE,
		                  answer->turn | WAITS_ASLEEP,
		                  until_ns == WAITS_FOR_EVER ? NULL : &end, NULL,
		                  FUTEX_BITSET_MATCH_ANY);
		if (rc < 0 && errno == ETIMEDOUT)
			break;
	}
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
