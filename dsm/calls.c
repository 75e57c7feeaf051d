/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls of the application: stepping the core for them, and waiting for answers. */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "dsm/node.h"

void node_waiter_add(struct dsm *d, struct waiter *w, const char *what)
{
	*w = (struct waiter){.what = what, .thread = node_thread(), .since_ns = node_now_ns()};
	w->next = d->waiters;
	w->link = &d->waiters;
	if (w->next)
		w->next->link = &w->next;
	d->waiters = w;
}

static void waiter_unlink(struct waiter *w)
{
	*w->link = w->next;
	if (w->next)
		w->next->link = w->link;
}

void node_waiter_done(struct dsm *d, struct waiter *w, int status)
{
	uint32_t *done = &w->done;

	waiter_unlink(w);
	w->status = status;
	/* Pairs with the acquire in node_waiter_sleep(): status and results before done.
	 * From here on the waiter may be gone; only its address is used. */
	__atomic_store_n(done, 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, done, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

/* Another thread than the service thread has stepped the core: what it left for later
 * (queued sends, a deferred message's deadline) is the service thread's to see to. */
static void hand_over(struct dsm *d)
{
	if (d->tr->ops->pending(d->tr) || d->tenure.deferred)
		loop_kick(d);
}

static int is_done(const struct waiter *w)
{
	return __atomic_load_n(&w->done, __ATOMIC_ACQUIRE);
}

/* Polls the transport in place of the service thread, for a short time: the answer is
 * then taken where it is needed, without waking anybody. */
static void help(struct dsm *d, struct waiter *w)
{
	uint64_t end = node_now_ns() + d->spin_ns;

	pthread_mutex_lock(&d->lock);
	if (d->helpers++ == 0)
		d->tr->ops->wait_disarm(d->tr);
	for (;;) {
		node_progress(d);
		if (is_done(w) || node_now_ns() >= end)
			break;
		pthread_mutex_unlock(&d->lock);
		node_relax(d);
		pthread_mutex_lock(&d->lock);
	}
	/* The last one leaves the transport as the sleeping service thread needs it. */
	if (--d->helpers == 0 && d->tr->ops->wait_arm(d->tr))
		loop_kick(d);
	hand_over(d);
	pthread_mutex_unlock(&d->lock);
}

void node_waiter_sleep(struct dsm *d, struct waiter *w, int timeout_ms)
{
	struct timespec t = {.tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1000000L};

	if (d->spin_ns && !is_done(w))
		help(d, w);
	while (!is_done(w)) {
		long rc = syscall(SYS_futex, &w->done, FUTEX_WAIT_PRIVATE, 0,
		                  timeout_ms < 0 ? NULL : &t, NULL, 0);
		if (rc < 0 && errno == ETIMEDOUT)
			return;
	}
}

/* Lock held. */
static int call_locked(struct dsm *d, const struct coh_event *ev)
{
	int rc;

	while (!d->lost) {
		rc = node_step(d, ev);
		if (rc != -EAGAIN) {
			hand_over(d);
			return rc;
		}
		d->starved++;
		pthread_cond_wait(&d->room, &d->lock);
		d->starved--;
	}
	return DSM_ERR_LOST;
}

int node_call(struct dsm *d, const struct coh_event *ev)
{
	int rc;

	pthread_mutex_lock(&d->lock);
	rc = call_locked(d, ev);
	pthread_mutex_unlock(&d->lock);
	return rc;
}

int node_call_wait(struct dsm *d, struct coh_event *ev, struct waiter *w)
{
	const char *what = w->what;
	int rc;

	pthread_mutex_lock(&d->lock);
	node_waiter_add(d, w, what);
	ev->cookie = (uintptr_t)w;
	rc = call_locked(d, ev);
	/* A lost job has ended the wait already. */
	if (rc && !w->done)
		waiter_unlink(w);
	pthread_mutex_unlock(&d->lock);
	if (rc)
		return rc;
	node_waiter_sleep(d, w, -1);
	return w->status;
}
