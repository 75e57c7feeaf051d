/* SPDX-License-Identifier: BSD-2-Clause */
/* dsm_futex_wait, dsm_futex_wake. */
#include "dsm/dsm_futex.h"

#include <errno.h>

#include "dsm/calls/order.h"
#include "dsm/calls/words.h"
#include "dsm/dsm_survive.h"
#include "dsm/node/node.h"

static int word_event(const struct dsm *d, const uint32_t *word, unsigned own, unsigned kind,
                      struct coh_event *ev)
{
	int64_t page = region_page_of(&d->memory.region, word);

	if (page < 0 || (uintptr_t)word % sizeof *word)
		return DSM_ERR_INVAL;
	*ev = (struct coh_event){.kind = kind, .page = page};
	ev->futex.offset = (uint32_t)((uint8_t *)word -
	                              (uint8_t *)region_window_at(&d->memory.region, page)) |
	                   own;
	return 0;
}

/* --- waiting --- */

/* Whether the page is here and the word another: then nobody needs to be asked. */
static int differs_here(struct dsm *d, const struct coh_event *ev)
{
	const uint8_t *frame = region_frame_at(&d->memory.region, ev->page);
	sigset_t mask;
	int differs;

	if (node_is_copy(d))
		return 0;
	node_lock(d, &mask);
	differs = !d->members.lost &&
	          coh_access_of(coh_cache_state_of(d->engine.coh, ev->page)) != COH_NONE &&
	          !node_holds(frame + ev->futex.offset, ev->futex.value);
	node_unlock(d, &mask);
	return differs;
}

/* The home is asked to end the wait. It may have woken the thread before. */
static void cancel(struct dsm *d, const struct waiter *w, const struct waits_answer *answer)
{
	struct coh_event ev = {.kind = COH_EV_FUTEX_CANCEL, .cookie = (uintptr_t)w};
	sigset_t mask;

	node_lock(d, &mask);
	if (!d->members.lost && !waits_is_over(answer))
		node_step(d, &ev);
	node_help(d, answer);
	node_unlock(d, &mask);
}

static int wait_until(struct dsm *d, struct coh_event *ev, uint64_t end_ns)
{
	struct waiter w = {.what = "dsm_futex_wait", .kind = DSM_LATENCY_FUTEX};
	struct waits_answer answer;
	int rc = node_call_wait_until(d, ev, &w, &answer, end_ns);

	if (rc)
		return rc;
	if (!waits_is_over(&answer)) {
		cancel(d, &w, &answer);
		waits_sleep(&answer, WAITS_FOR_EVER);
	}
	return w.status;
}

int word_wait(struct dsm *d, const uint32_t *word, unsigned own, uint32_t expected, uint64_t end_ns)
{
	return word_wait_in(d, 0, word, own, expected, end_ns);
}

int word_wait_in(struct dsm *d, uint32_t view, const uint32_t *word, unsigned own, uint32_t expected,
                 uint64_t end_ns)
{
	struct coh_event ev;
	int rc = word_event(d, word, own, COH_EV_FUTEX_WAIT, &ev);

	if (rc)
		return rc;
	ev.futex.value = expected;
	ev.view = view;
	/* What the caller wrote before is there when the word is compared: pairs with dsm_futex_wake,
	 * whose caller looks, after he has changed the word, whether anybody waits. */
	order_release(word);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!own && differs_here(d, &ev))
		return DSM_ERR_CHANGED;
	rc = wait_until(d, &ev, end_ns);
	order_acquire(word);
	if (rc == -ESTALE)
		return DSM_ERR_VIEW; /* all have been woken */
	return rc == -ENOSPC ? DSM_ERR_NOMEM : rc;
}

int dsm_futex_wait(dsm_t *d, const uint32_t *word, uint32_t expected, int timeout_ms)
{
	NODE_ENTRY(dsm_futex_wait, d, word, expected, timeout_ms);

	int rc;

	if (timeout_ms < -1)
		return DSM_ERR_INVAL;
	rc = word_wait(d, word, 0, expected,
	               timeout_ms < 0 ? WAITS_FOR_EVER
	                              : clock_now_ns() + timeout_ms * UINT64_C(1000000));
	/* As if the word's home had been asked, though nobody was. */
	return rc == DSM_ERR_CHANGED && node_secure(d) ? DSM_ERR_LOST : rc;
}

/* --- waking --- */

/* At most count of those who sleep now; a home wakes so many in a step, and says how many are
 * left. Those who come later are not woken in their place. */
static int wake(struct dsm *d, struct coh_event *ev, uint32_t count, uint32_t *woken)
{
	uint32_t left = count;

	*woken = 0;
	while (left) {
		struct waiter w = {.what = "dsm_futex_wake"};
		uint32_t more;
		int rc;

		ev->futex.value = left;
		rc = node_call_wait(d, ev, &w);
		if (rc)
			return rc == -ESTALE ? DSM_ERR_VIEW : rc;
		more = (uint32_t)(w.result[0] >> 32);
		*woken += (uint32_t)w.result[0];
		left -= (uint32_t)w.result[0];
		left = more < left ? more : left;
	}
	return 0;
}

int word_wake(struct dsm *d, const uint32_t *word, unsigned own, uint32_t count, uint32_t *woken)
{
	struct coh_event ev;
	int rc = word_event(d, word, own, COH_EV_FUTEX_WAKE, &ev);

	*woken = 0;
	if (rc)
		return rc;
	order_release(word);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return wake(d, &ev, count, woken);
}

int dsm_futex_wake(dsm_t *d, const uint32_t *word, uint32_t count, uint32_t *woken)
{
	NODE_ENTRY(dsm_futex_wake, d, word, count, woken);
	uint32_t n;
	int rc = word_wake(d, word, 0, count, &n);

	if (woken && rc != DSM_ERR_INVAL)
		*woken = n;
	return rc;
}
