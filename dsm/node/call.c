/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls of the application: stepping the core for them. */
#include <errno.h>
#include <signal.h>

#include "dsm/dsm_survive.h"
#include "dsm/node/node.h"

/* Lock held. The calling thread is through with what it faulted on. */
static void end_tenures(struct dsm *d)
{
	struct coh_event ev = {.kind = COH_EV_TIMER};
	const uint32_t thread = clock_thread();
	int slot;

	bound_end(&d->bound, thread);
	tenure_thread_calls(&d->tenure, thread, d->tenure.kept ? clock_now_ns() : 0);
	while (d->tenure.running && (slot = tenure_thread_done(&d->tenure, thread)) >= 0) {
		ev.slot = slot;
		node_step(d, &ev);
	}
}

static int waits_for_slot(unsigned kind)
{
	return kind == COH_EV_ATOMIC || kind == COH_EV_DISCARD || kind == COH_EV_RENEW ||
	       kind == COH_EV_FUTEX_WAIT || kind == COH_EV_FUTEX_WAKE;
}

/* A wait whose caller knows who lives in a view, which ends it, or a renewal of what is lost in one: it
 * must not begin after that. */
static int is_of_old_view(const struct dsm *d, const struct coh_event *ev)
{
	return (ev->kind == COH_EV_FUTEX_WAIT || ev->kind == COH_EV_RENEW) && ev->view &&
	       ev->view != d->view.number;
}

/* Lock held. The slots of atomics, discards and of what is asked of words' homes come free by what
 * other nodes do. Those of locks and conditions may not before this call has gone on: whoever
 * unlocks what others wait for may want another one first. There are more than threads, mostly,
 * and where they are out the caller hears so. What a view holds up for a moment is tried again
 * after it. */
static int call_locked(struct dsm *d, const struct coh_event *ev)
{
	int rc;

	end_tenures(d);
	while (!d->members.lost) {
		if (is_of_old_view(d, ev))
			return -ESTALE;
		rc = node_step_ask(d, ev);
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
	if (ev->kind == COH_EV_ATOMIC || ev->kind == COH_EV_DISCARD || ev->kind == COH_EV_RENEW)
		return ev->page;
	return (uint64_t)ev->home << 32 | ev->sync.object;
}

/* The mutex that a call waits for, as a key of what is bound to it; or 0. */
static uint64_t lock_of(const struct coh_event *ev)
{
	const uint64_t home = BOUND_KEY | (uint64_t)ev->home << 32;

	return ev->kind == COH_EV_LOCK        ? home | ev->sync.object
	       : ev->kind == COH_EV_COND_WAIT ? home | ev->sync.mutex
	                                      : 0;
}

int node_call(struct dsm *d, const struct coh_event *ev)
{
	uint32_t object;

	return node_call_object(d, ev, &object);
}

/* What others are told by it may be that this node has written. */
static int may_begin(struct dsm *d, const struct coh_event *ev)
{
	return node_is_copy(d) ? DSM_ERR_INVAL : node_secure_before(d, ev->kind);
}

int node_call_object(struct dsm *d, const struct coh_event *ev, uint32_t *object)
{
	sigset_t mask;
	int rc;

	rc = may_begin(d, ev);
	if (rc)
		return rc;
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
	w->lock = lock_of(ev);
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

	rc = may_begin(d, ev);
	if (rc)
		return rc;
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

	rc = may_begin(d, ev);
	if (rc)
		return rc;
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
