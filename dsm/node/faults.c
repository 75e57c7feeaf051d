/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults: from the trap to the core, and who is still waiting. Under the node's lock. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>

#include "dsm/dsm_survive.h"
#include "dsm/node/node.h"

#define NOT_ALLOCATED 1 /* beside codes, which are negative */
#define SLOW_BYTES_NS 1 /* bytes that a slow network moves in a nanosecond */

/* A huge page takes much longer to come than it is worth looking for anything else. */
static void expect_page(struct dsm *d, uint64_t page)
{
	const struct region_zone *zone = region_zone_of(&d->memory.region, page);

	if (zone == &d->memory.region.zone[REGION_PMD])
		d->faults.expected_ns = clock_now_ns() + zone->page_bytes / SLOW_BYTES_NS;
}

/* What a thread that faults waits for; 0: the page is here, and the fault is late. */
static unsigned kind_of(const struct dsm *d, const struct trap_fault *f)
{
	const enum coh_access has = coh_access_of(coh_cache_state_of(d->engine.coh, f->page));

	if (!f->write)
		return has == COH_NONE ? DSM_LATENCY_READ_MISS : 0;
	return has == COH_NONE   ? DSM_LATENCY_WRITE_MISS
	       : has == COH_READ ? DSM_LATENCY_UPGRADE
	                         : 0;
}

/* The fault that waited for a frame has waited enough, or was in vain. */
static void frame_wait_end(struct dsm *d, uint64_t since_ns, int rc)
{
	if (since_ns && rc == 0)
		latency_note(&d->waits.latency, DSM_LATENCY_EVICTION, clock_now_ns() - since_ns);
}

/* Steps ev for a thread that waits. 0: it is remembered; else it is forgotten again. */
static int step_for(struct dsm *d, const struct trap_fault *f, struct waiter *w,
                    const struct coh_event *ev)
{
	const uint64_t now_ns = clock_now_ns();
	int remembered = faults_remember(&d->faults, f, kind_of(d, f), w, now_ns), rc;

	tenure_thread_waits(&d->tenure, f->thread, now_ns);
	if (region_zone_of(&d->memory.region, f->page) == &d->memory.region.zone[REGION_PTE])
		bound_fault(&d->bound, f->thread, f->page, f->write);
	if (__builtin_expect(d->away.left != 0, 0) && away_fault(&d->away, f->page)) {
		d->engine.fx.consumed = 1;
		return 0; /* it is woken when the page is there */
	}
	rc = node_step(d, ev);
	if (rc && remembered && !d->members.lost)
		d->faults.n--; /* nothing was woken: it is the last one still */
	if (rc == 0) {
		frames_used(&d->memory.frames, f->page);
		expect_page(d, f->page);
	}
	return rc;
}

/* How many of n pages to ask for at once: no page is given up for one that is only fetched
 * ahead. Those beyond the first have their frames then. */
static unsigned run_with_room(struct dsm *d, uint64_t page, unsigned n, int write)
{
	struct frames *f = &d->memory.frames;
	const uint64_t left = n > 1 ? coh_block_end(&d->engine.cfg, page) - page : 1;
	int rc = 0;

	if (n > view_run_most(d))
		n = view_run_most(d);
	if (n > left)
		n = (unsigned)left;
	while (n > 1 && !frames_have_room(f, page, n, node_frames_spare(d, page)))
		n /= 2;
	if (n > 1)
		rc = write ? frames_want_fresh(f, page + 1, n - 1)
		           : frames_want(f, page + 1, n - 1, 0);
	return rc ? 1 : n;
}

int node_fault_ask(struct dsm *d, const struct trap_fault *f, unsigned run, struct waiter *w)
{
	const struct region_zone *zone = region_zone_of(&d->memory.region, f->page);
	struct coh_event ev = {.kind = f->write ? COH_EV_WRITE : COH_EV_READ, .page = f->page};

	if (d->faults.n == FAULTS_MAX)
		return -EAGAIN; /* it would never be woken */
	if (!f->write && f->page + run <= zone->first + zone->count)
		ev.n = run_with_room(d, f->page, run, 0);
	return step_for(d, f, w, &ev);
}

/* How many pages to ask for where this one is written. Pages of this home, too, have to fit in the
 * budget without anybody's giving one up. */
static unsigned writes_run(struct dsm *d, uint64_t page)
{
	const struct frames *f = &d->memory.frames;
	unsigned n = writes_fault(&d->writes, page);
	uint64_t spare;
	int64_t free;

	if (n == 1)
		return n;
	free = frames_free(f, f->pool_of[REGION_PTE]);
	spare = node_frames_spare(d, page);
	while (n > 1 && (int64_t)(n * REGION_PTE_BYTES + spare) > free)
		n /= 2;
	return n;
}

/* A write fault: where a stream of writes goes on, with pages that nobody has touched yet. */
static int write_step(struct dsm *d, const struct trap_fault *f, struct waiter *w,
                      struct coh_event *ev)
{
	const unsigned state = coh_cache_state_of(d->engine.coh, f->page);
	int rc;

	node_secure_ahead(d, f->page);
	if (d->freeze.lowered && state == COH_C_M)
		freeze_write_on(d, f->page);
	if (state == COH_C_I &&
	    region_zone_of(&d->memory.region, f->page) == &d->memory.region.zone[REGION_PTE])
		ev->n = run_with_room(d, f->page, writes_run(d, f->page), 1);
	rc = step_for(d, f, w, ev);
	if (rc == 0 && ev->n)
		writes_asked(&d->writes, f->page, d->engine.fx.consumed);
	if (rc == 0 && (state == COH_C_I || state == COH_C_S))
		node_write_ahead(d, f->page, ev->n > 1 ? d->engine.fx.consumed : 1);
	return rc;
}

/* Steps the core for a fault that is remembered. 0, -EAGAIN: no slot is free, or another
 * code; then it is forgotten again. */
static int fault_step(struct dsm *d, const struct trap_fault *f, struct waiter *w)
{
	struct coh_event ev = {.kind = f->write ? COH_EV_WRITE : COH_EV_READ, .page = f->page};
	struct stream_advice stream = {.run = 1};
	int rc = f->write ? pins_writer_waits(d, f->page) : 0;

	if (rc > 0)
		faults_remember(&d->faults, f, kind_of(d, f), w, clock_now_ns());
	if (rc)
		return rc > 0 ? 0 : rc;
	/* With DSM_CHECK nothing comes that was not asked for. */
	if (f->write && !d->checks)
		return write_step(d, f, w, &ev);
	if (!f->write && !d->checks) {
		stream = node_stream(d, f->thread, f->page);
		ev.n = run_with_room(d, f->page, stream.run, 0);
	}
	rc = step_for(d, f, w, &ev);
	if (rc == 0 && stream.run + stream.ahead > 1)
		node_follow_stream(d, f->page, d->engine.fx.consumed, &stream);
	return rc;
}

/* Returns 0, or -EAGAIN when the core has no slot for it now. */
static int fault_take(struct dsm *d, const struct trap_fault *f)
{
	int rc;

	if (d->members.lost) {
		node_refuse(d, f, "the job has lost a node");
		return 0;
	}
	if (view_has_lost(d, f->page)) {
		d->trap->ops->wake(d->trap, f->page, 1); /* and it is refused */
		return 0;
	}
	if (f->write && d->freeze.what == FREEZE_STORES) {
		freeze_keep_fault(&d->freeze, f->page);
		return 0;
	}
	rc = node_frame_for(d, f->page);
	if (rc == -EAGAIN && !d->faults.frame_since_ns) {
		d->faults.frame_waits++;
		d->faults.frame_since_ns = clock_now_ns();
		tenure_give_way(&d->tenure, d->faults.frame_since_ns);
	}
	if (rc != -EAGAIN) {
		frame_wait_end(d, d->faults.frame_since_ns, rc);
		d->faults.frame_since_ns = 0;
	}
	if (rc == -ENOSPC) {
		node_refuse(d, f, "out of memory");
		return 0;
	}
	if (rc == 0)
		rc = fault_step(d, f, NULL);
	if (rc && rc != -EAGAIN)
		node_refuse(d, f, dsm_strerror(rc));
	return rc == -EAGAIN ? rc : 0;
}

/* For dsmctl trace: before anything comes of it. */
static void trace_fault(struct dsm *d, const struct trap_fault *f)
{
	TRACE_NOTE(&d->trace, .kind = TRACE_FAULT, .page = f->page, .thread = f->thread,
	           .type = !!f->write,
	           .more = (uint32_t)(f->address -
	                              (uintptr_t)region_window_at(&d->memory.region, f->page)));
}

/* For dsmctl hot. */
static void note_fault(struct dsm *d, const struct trap_fault *f)
{
	const struct region_zone *zone = region_zone_of(&d->memory.region, f->page);
	const uint64_t at = f->address - (uintptr_t)region_window_at(&d->memory.region, f->page);

	hot_note(&d->hot, f->page, at < zone->page_bytes ? at * HOT_PARTS / zone->page_bytes : 0,
	         f->write);
}

/* The next one that the trap has: 1; 0: none, or a negative code. */
static int read_fault(struct dsm *d, struct trap_fault *f)
{
	const int rc = d->trap->ops->next_fault(d->trap, f);

	if (rc <= 0)
		return rc;
	d->faults.count++;
	d->engine.handled++;
	trace_fault(d, f);
	if (d->lines.until_ns)
		node_sample_fault(d, f);
	return 1;
}

/* The same, of those on memory that was allocated. */
static int next_checked(struct dsm *d, struct trap_fault *f)
{
	int rc;

	for (;;) {
		if (d->services->check_passed(d, f))
			return 1;
		if (d->faults.has_unchecked) {
			*f = d->faults.unchecked;
			d->faults.has_unchecked = 0;
		} else if (read_fault(d, f) <= 0) {
			return 0;
		}
		rc = d->services->check_begin(d, f);
		if (rc == 0)
			return 1;
		if (rc < 0) {
			d->faults.unchecked = *f;
			d->faults.has_unchecked = 1;
			return 0;
		}
	}
}

void node_take_faults(struct dsm *d)
{
	struct trap_fault f;

	for (;;) {
		const int fresh = !d->faults.has_stalled;
		int rc;
		if (!fresh) {
			f = d->faults.stalled;
			d->faults.has_stalled = 0;
		} else {
			rc = d->services->check_begin ? next_checked(d, &f) : read_fault(d, &f);
			if (rc <= 0)
				return;
			d->faults.stalled_ns = d->faults.frame_since_ns = 0;
		}
		rc = fault_take(d, &f);
		if (fresh)
			note_fault(d, &f); /* now that the request is on its way */
		if (rc == -EAGAIN) {
			if (d->faults.stalled_ns == 0)
				d->faults.stalled_ns = clock_now_ns();
			d->faults.stalled = f;
			d->faults.has_stalled = 1;
			return;
		}
	}
}

/* A fault that somebody waits for. 0: answer is what for; else as fault_step(). */
static int ask_for(struct dsm *d, const struct trap_fault *f, struct waits_answer *answer)
{
	struct waiter *w;
	int rc;

	if (d->faults.n == FAULTS_MAX)
		return -EAGAIN; /* it would never be woken */
	w = faults_waiter(&d->faults, &d->waits);
	if (!w)
		return -EAGAIN;
	*answer = waits_answer(w);
	rc = fault_step(d, f, w);
	if (rc && !waits_is_over(answer)) /* by the end of the job */
		waits_done(&d->waits, w, rc);
	return rc;
}

/* The same, when there is room. */
static int ask_and_help(struct dsm *d, const struct trap_fault *f, struct waits_answer *answer)
{
	uint64_t since_ns = 0;
	int rc = DSM_ERR_LOST;

	d->faults.count++;
	trace_fault(d, f);
	if (d->lines.until_ns)
		node_sample_fault(d, f);
	while (!d->members.lost) {
		rc = view_has_lost(d, f->page) ? DSM_ERR_LOST_DATA : node_frame_for(d, f->page);
		if (rc == 0)
			rc = ask_for(d, f, answer);
		if (rc != -EAGAIN)
			break;
		if (node_reclaim_waits(d)) {
			if (!since_ns) {
				d->faults.frame_waits++;
				since_ns = clock_now_ns();
				tenure_give_way(&d->tenure, since_ns);
			}
			progress_kick(&d->progress);
		}
		node_wait_room(d);
	}
	if (rc == -EAGAIN)
		rc = DSM_ERR_LOST;
	frame_wait_end(d, since_ns, rc);
	note_fault(d, f); /* now that the request is on its way */
	if (rc == 0)
		node_help(d, answer); /* the handler has blocked all signals */
	else
		node_hand_over(d);
	return rc;
}

static int ask_here(struct dsm *d, const struct trap_fault *f, struct waits_answer *answer)
{
	int rc;

	if (d->services->check_here && d->services->check_here(d, f))
		return NOT_ALLOCATED;
	pthread_mutex_lock(&d->lock);
	rc = ask_and_help(d, f, answer);
	pthread_mutex_unlock(&d->lock);
	if (rc && rc != DSM_ERR_LOST_DATA) {
		log_line(&d->log, DSM_LOG_ERROR, "thread %u gets SIGBUS for page %llu: %s", f->thread,
		         (unsigned long long)f->page, dsm_strerror(rc));
		log_flush(&d->log);
	}
	return rc;
}

/* Asks on a stack of the library's own: the one that the kernel has chosen for the handler is the
 * application's, and may be small. */
static int ask_elsewhere(struct dsm *d, const struct trap_fault *f, struct waits_answer *answer)
{
	const uint64_t word[STACK_WORDS] = {(uintptr_t)d, (uintptr_t)f, (uintptr_t)answer};
	struct stack *stack;
	int rc;

	/* The start has made one; who has it gives it back whatever this thread does. */
	while (!(stack = stacks_take(&d->fault_stacks)))
		sched_yield();
	rc = (int)stack_call(stack, (void (*)(void))ask_here, word);
	stacks_give(&d->fault_stacks, stack);
	return rc;
}

/* The thread sleeps where the handler was called, for only there may other handlers be called: the
 * kernel would put their frames over ours, did it not see that the alternate stack is in use.
 *
 * When the wait is over the access is tried again, whatever came of it: where it is refused, it is
 * so then. */
int node_fault_here(void *ctx, const struct trap_fault *f, const sigset_t *mask)
{
	const struct cancel cancel = cancel_off_blocked();
	struct waits_answer answer;
	int rc, over;

	rc = ask_elsewhere(ctx, f, &answer);
	if (rc == NOT_ALLOCATED) { /* the page is shut: the access is tried again, and refused */
		cancel_back(&cancel);
		return 0;
	}
	over = rc || waits_is_over(&answer);
	/* What may end the thread from here on, with nothing held, is to find the mask that the
	 * application knows: its clean-up may want shared memory. Handlers may jump elsewhere. */
	if (!over || cancel.type != PTHREAD_CANCEL_DEFERRED)
		pthread_sigmask(SIG_SETMASK, mask, NULL);
	cancel_back(&cancel);
	if (!over)
		waits_sleep(&answer, WAITS_FOR_EVER);
	return rc;
}
