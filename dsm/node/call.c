/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls of the application: the lock, and stepping the core for them. */
#include <errno.h>
#include <signal.h>

#include "dsm/dsm_survive.h"
#include "dsm/node/node.h"

/* Who makes no call is not seen. A fault comes too late: the kernel ends the process at once. */
static void check_mask(struct dsm *d, const sigset_t *mask)
{
	if (!d->signal || d->faults.told_blocked || sigismember(mask, SIGBUS) != 1)
		return;
	d->faults.told_blocked = 1;
	log_line(&d->log, DSM_LOG_WARN, "thread %u has SIGBUS blocked, by which it would get its "
	         "pages: it ends this process where it touches one that is not here",
	         clock_thread());
}

void node_lock(struct dsm *d, sigset_t *mask)
{
	signals_hold(mask);
	pthread_mutex_lock(&d->lock);
	check_mask(d, mask);
}

void node_unlock(struct dsm *d, const sigset_t *mask)
{
	pthread_mutex_unlock(&d->lock);
	signals_release(mask);
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

static int waits_for_slot(unsigned kind)
{
	return kind == COH_EV_ATOMIC || kind == COH_EV_DISCARD || kind == COH_EV_FUTEX_WAIT ||
	       kind == COH_EV_FUTEX_WAKE;
}

/* A wait whose caller knows who lives in a view, which ends it: it must not begin after that. */
static int is_of_old_view(const struct dsm *d, const struct coh_event *ev)
{
	return ev->kind == COH_EV_FUTEX_WAIT && ev->view && ev->view != d->view.number;
}

/* Lock held. The slots of atomics, discards and of what is asked of words' homes come free by what
 * other nodes do. Those of locks and conditions may not before this call has gone on: whoever
 * unlocks what others wait for may want another one first. There are more than threads, mostly,
 * and where they are out the caller hears so. What a view holds up for a moment is tried again
 * after it. */
static int call_locked(struct dsm *d, const struct coh_event *ev)
{
	int rc;

	if (!view_permits(d, ev->kind))
		return DSM_ERR_NOTSUP;
	end_tenures(d);
	while (!d->members.lost) {
		if (is_of_old_view(d, ev))
			return -ESTALE;
		rc = node_step(d, ev);
		if (rc != -EAGAIN)
			return rc;
		if (!waits_for_slot(ev->kind) && !view_holds_up(d, ev->kind))
			return DSM_ERR_NOMEM;
		node_hand_over(d);
		node_wait_room(d);
	}
	return DSM_ERR_LOST;
}

static const char *name_of(const struct coh_event *ev)
{
	if (ev->kind == COH_EV_COND_SIGNAL)
		return ev->sync.value ? "dsm_cond_signal" : "dsm_cond_broadcast";
	return ev->kind == COH_EV_UNLOCK ? "dsm_mutex_unlock" : "call";
}

/* What a call is about: its page, or its mutex or condition as in a handle. */
static uint64_t about(const struct coh_event *ev)
{
	if (ev->kind == COH_EV_ATOMIC || ev->kind == COH_EV_DISCARD)
		return ev->page;
	return (uint64_t)ev->home << 32 | ev->sync.object;
}

int node_call(struct dsm *d, const struct coh_event *ev)
{
	uint32_t object;

	return node_call_object(d, ev, &object);
}

int node_call_object(struct dsm *d, const struct coh_event *ev, uint32_t *object)
{
	sigset_t mask;
	int rc;

	if (node_is_copy(d))
		return DSM_ERR_INVAL;
	node_lock(d, &mask);
	TRACE_NOTE(&d->trace, .kind = TRACE_CALL, .thread = clock_thread(), .page = about(ev),
	           .type = trace_name(&d->trace, name_of(ev)));
	rc = call_locked(d, ev);
	*object = d->engine.fx.object;
	node_hand_over(d);
	node_unlock(d, &mask);
	return rc;
}

/* Lock held. When it fails there is nothing to wait for. */
static int begin_locked(struct dsm *d, struct coh_event *ev, struct waiter *w,
                        struct waits_answer *answer)
{
	const uint8_t kind = w->kind;
	int rc;

	waits_add(&d->waits, w, w->what);
	w->kind = kind;
	w->about = about(ev);
	*answer = waits_answer(w);
	ev->cookie = (uintptr_t)w;
	rc = call_locked(d, ev);
	/* A lost job has ended the wait already. */
	if (rc && !waits_is_over(answer))
		waits_remove(w);
	return rc;
}

int node_call_begin(struct dsm *d, struct coh_event *ev, struct waiter *w,
                    struct waits_answer *answer)
{
	sigset_t mask;
	int rc;

	if (node_is_copy(d))
		return DSM_ERR_INVAL;
	node_lock(d, &mask);
	rc = begin_locked(d, ev, w, answer);
	node_hand_over(d);
	node_unlock(d, &mask);
	return rc;
}

int node_call_end(struct dsm *d, const struct waiter *w, const struct waits_answer *answer)
{
	sigset_t mask;

	if (!waits_is_over(answer)) {
		node_lock(d, &mask);
		node_help(d, answer);
		node_unlock(d, &mask);
		waits_sleep(answer, WAITS_FOR_EVER);
	}
	return w->status;
}

int node_call_wait_until(struct dsm *d, struct coh_event *ev, struct waiter *w,
                         struct waits_answer *answer, uint64_t end_ns)
{
	sigset_t mask;
	int rc;

	if (node_is_copy(d))
		return DSM_ERR_INVAL;
	node_lock(d, &mask);
	rc = begin_locked(d, ev, w, answer);
	if (rc)
		node_hand_over(d);
	else
		node_help_since(d, answer, w->since_ns);
	node_unlock(d, &mask);
	if (rc == 0)
		waits_sleep(answer, end_ns);
	return rc;
}

int node_call_wait(struct dsm *d, struct coh_event *ev, struct waiter *w)
{
	struct waits_answer answer;
	int rc = node_call_wait_until(d, ev, w, &answer, WAITS_FOR_EVER);

	return rc ? rc : w->status;
}
