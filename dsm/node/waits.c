/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls of the application: stepping the core for them, and waiting for answers. */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "dsm/node/node.h"

void node_waiter_add(struct dsm *d, struct waiter *w, const char *what)
{
	*w = (struct waiter){.what = what, .thread = clock_thread(), .since_ns = clock_now_ns()};
	w->next = d->waits.all;
	w->link = &d->waits.all;
	if (w->next)
		w->next->link = &w->next;
	d->waits.all = w;
}

void node_waiter_remove(struct waiter *w)
{
	*w->link = w->next;
	if (w->next)
		w->next->link = w->link;
}

/* Values of waiter.done. */
enum { WAIT_NOT_DONE = 0, WAIT_DONE = 1, WAIT_ASLEEP = 2 };

static void wake_sleeper(uint32_t *done)
{
	syscall(SYS_futex, done, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

void node_waiter_done(struct dsm *d, struct waiter *w, int status)
{
	uint32_t *done = &w->done;

	node_waiter_remove(w);
	w->status = status;
	/* Release pairs with the acquire in node_waiter_is_done(): status and results before
	 * done. From here on the waiter may be gone; only its address is used. */
	if (__atomic_exchange_n(done, WAIT_DONE, __ATOMIC_ACQ_REL) != WAIT_ASLEEP)
		return;
	/* To wake a thread takes longer than to send what another node waits for. */
	if (d->waits.stepping && d->waits.n_sleepers < NODE_SLEEPERS)
		d->waits.sleeper[d->waits.n_sleepers++] = done;
	else
		wake_sleeper(done);
}

void node_wake_sleepers(struct dsm *d)
{
	while (d->waits.n_sleepers)
		wake_sleeper(d->waits.sleeper[--d->waits.n_sleepers]);
}

int node_waiter_is_done(const struct waiter *w)
{
	return __atomic_load_n(&w->done, __ATOMIC_ACQUIRE) == WAIT_DONE;
}

void node_waiter_sleep(struct dsm *d, struct waiter *w, int timeout_ms)
{
	struct timespec t = {.tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1000000L};
	sigset_t mask;

	if (node_waiter_is_done(w))
		return;
	if (w->mask) /* the application's handlers may run while its thread sleeps */
		pthread_sigmask(SIG_SETMASK, w->mask, &mask);
	while (!node_waiter_is_done(w)) {
		uint32_t was = WAIT_NOT_DONE;
		/* Says that a wake is wanted; fails when it is done, or was said before. */
		__atomic_compare_exchange_n(&w->done, &was, WAIT_ASLEEP, 0, __ATOMIC_ACQ_REL,
		                            __ATOMIC_ACQUIRE);
		long rc = syscall(SYS_futex, &w->done, FUTEX_WAIT_PRIVATE, WAIT_ASLEEP,
		                  timeout_ms < 0 ? NULL : &t, NULL, 0);
		if (rc < 0 && errno == ETIMEDOUT)
			break;
	}
	if (w->mask)
		pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

void node_wait_room(struct dsm *d)
{
	d->tr->ops->wake_peers(d->tr); /* for what was sent to get here */
	d->waits.starved++;
	pthread_cond_wait(&d->waits.room, &d->lock);
	d->waits.starved--;
}
