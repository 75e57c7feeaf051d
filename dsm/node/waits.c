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

static void waiter_unlink(struct waiter *w)
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

	waiter_unlink(w);
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

void node_lock(struct dsm *d, sigset_t *mask)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, mask);
	pthread_mutex_lock(&d->lock);
}

void node_unlock(struct dsm *d, const sigset_t *mask)
{
	pthread_mutex_unlock(&d->lock);
	pthread_sigmask(SIG_SETMASK, mask, NULL);
}

/* How often a thread takes what the transport still has before it leaves the rest. */
#define LAST_LOOKS 4

/* Another thread than the service thread has stepped the core: what it left for later
 * (queued sends, a deferred message's deadline, kept requests, a fault for which there may
 * be a slot now) is the service thread's to see to. A thread that sleeps is woken only if
 * there is something: mostly all is done after another look at the transport, which has
 * news of what was just sent. The last thread that helps leaves the transport as the
 * sleeping service thread needs it. */
void node_hand_over(struct dsm *d)
{
	int more = 0;

	if (!d->progress.asleep || d->progress.helpers)
		d->tr->ops->wake_peers(d->tr); /* whoever looks now may not get to run at once */
	if (!d->progress.asleep)
		return;
	for (unsigned i = 0; i < LAST_LOOKS && !d->progress.helpers; i++) {
		if (more || d->tr->ops->pending(d->tr))
			node_progress(d);
		more = d->tr->ops->wait_arm(d->tr);
		if (!more)
			break;
	}
	if (!d->progress.helpers)
		more |= d->tr->ops->pending(d->tr) || d->tenure.deferred;
	if (more || d->heap.inbox.len || d->faults.has_stalled) {
		d->tr->ops->wake_peers(d->tr);
		loop_kick(d);
	}
}

uint64_t node_goes_on(const struct dsm *d, uint64_t end_ns)
{
	uint64_t now = clock_now_ns();

	return now < end_ns || (d->faults.n && now < d->faults.expected_ns) ? now : 0;
}

int node_waiter_is_done(const struct waiter *w)
{
	return __atomic_load_n(&w->done, __ATOMIC_ACQUIRE) == WAIT_DONE;
}

void node_waiter_help(struct dsm *d, struct waiter *w)
{
	uint64_t now, end;

	if (d->progress.spin_ns && !node_waiter_is_done(w)) {
		end = clock_now_ns() + d->progress.spin_ns;
		if (d->progress.helpers++ == 0)
			d->tr->ops->wait_disarm(d->tr);
		for (;;) {
			node_progress(d);
			if (node_waiter_is_done(w) || !(now = node_goes_on(d, end)))
				break;
			pthread_mutex_unlock(&d->lock);
			node_relax(d, now);
			pthread_mutex_lock(&d->lock);
		}
		d->progress.helpers--;
	}
	node_hand_over(d);
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

/* Lock held. The calling thread is through with what it faulted on. */
static void end_tenures(struct dsm *d)
{
	struct coh_event ev = {.kind = COH_EV_TIMER};
	int slot;

	while (d->tenure.running && (slot = tenure_thread_done(&d->tenure, clock_thread())) >= 0) {
		ev.slot = slot;
		node_step(d, &ev);
	}
}

/* Lock held. */
static int call_locked(struct dsm *d, const struct coh_event *ev)
{
	int rc;

	end_tenures(d);
	while (!d->members.lost) {
		rc = node_step(d, ev);
		if (rc != -EAGAIN)
			return rc;
		node_hand_over(d);
		node_wait_room(d);
	}
	return DSM_ERR_LOST;
}

int node_call(struct dsm *d, const struct coh_event *ev)
{
	sigset_t mask;
	int rc;

	node_lock(d, &mask);
	rc = call_locked(d, ev);
	node_hand_over(d);
	node_unlock(d, &mask);
	return rc;
}

int node_call_wait(struct dsm *d, struct coh_event *ev, struct waiter *w)
{
	const char *what = w->what;
	sigset_t mask;
	int rc;

	node_lock(d, &mask);
	node_waiter_add(d, w, what);
	ev->cookie = (uintptr_t)w;
	rc = call_locked(d, ev);
	/* A lost job has ended the wait already. */
	if (rc && !node_waiter_is_done(w))
		waiter_unlink(w);
	if (rc)
		node_hand_over(d);
	else
		node_waiter_help(d, w);
	node_unlock(d, &mask);
	if (rc)
		return rc;
	node_waiter_sleep(d, w, -1);
	return w->status;
}
