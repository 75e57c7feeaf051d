/* SPDX-License-Identifier: BSD-2-Clause */
/* The engine: feeds events to the core and carries out its effects, under the node's lock. */
#include <errno.h>
#include <string.h>

#include "coherence/wire.h"
#include "dsm/node/node.h"

uint64_t node_page_of(const struct coh_msg *msg)
{
	return msg->type >= COH_MSG_LOCK && msg->type <= COH_MSG_SVC_RESP ? TRACE_NO_PAGE : msg->page;
}

/* The end of this node, or of that one, where the others go on. */
static void cannot_reach(struct dsm *d, coh_node to, const char *why)
{
	if (d->view.on)
		view_suspect(d, to);
	else
		node_fail(d, why);
}

void node_send(struct dsm *d, coh_node to, const struct coh_msg *msg)
{
	uint8_t buf[COH_WIRE_MAX];
	int rc;

	if (!view_lives(d, to))
		return;
	rc = d->tr->ops->send(d->tr, to, buf, coh_wire_encode(msg, buf));
	d->trace.sent[to]++;
	TRACE_NOTE(&d->trace, .kind = TRACE_SENT, .type = msg->type, .peer = to,
	           .page = node_page_of(msg),
	           .n = msg->n, .slot = msg->slot, .thread = msg->requestor,
	           .more = d->trace.sent[to]);
	if (rc) {
		log_line(&d->log, DSM_LOG_ERROR, "cannot send %s to node %u: %s",
		         coh_msg_name(msg->type), to, strerror(-rc));
		cannot_reach(d, to, "a message could not be sent");
	}
}

static void do_send(struct dsm *d, struct coh_effect *e)
{
	if (land_fill(d, e))
		return;
	/* An untouched page of ours that others write from now on: it will come back. */
	if (e->msg.type == COH_MSG_GRANT && e->msg.access == COH_WRITE)
		frames_reserve(&d->memory.frames, e->msg.page, e->msg.n);
	node_send(d, e->node, &e->msg);
	land_warm(d, e);
}

/* The cookie of a page write says which frames it reads; where nodes may die it is known whom it goes
 * to, too, and it says in which view. */
static uint64_t write_begins(struct dsm *d, const struct coh_effect *e, uint32_t *tag)
{
	if (d->view.on) {
		*tag = coh_tag_mark(*tag, coh_view(d->engine.coh));
		return view_write_begins(d, e->node, e->page, e->n);
	}
	frames_pin(&d->memory.frames, e->page, e->n);
	return e->page << 16 | e->n;
}

void node_written(struct dsm *d, uint64_t cookie)
{
	if (d->view.on)
		view_write_ends(d, cookie);
	else
		frames_unpin(&d->memory.frames, cookie >> 16, cookie & 0xffff);
}

static void do_move(struct dsm *d, const struct coh_effect *e)
{
	size_t len = e->n * region_zone_of(&d->memory.region, e->page)->page_bytes;
	struct tr_mem *mem = view_lives(d, e->node) ? land_mem(d, e->page, e->n) : NULL;
	uint64_t cookie;
	uint32_t tag = e->tag;
	int rc;

	if (!mem)
		return;
	cookie = write_begins(d, e, &tag);
	TRACE_NOTE(&d->trace, .kind = TRACE_WRITE, .peer = e->node, .page = e->page, .n = e->n,
	           .more = e->tag);
	rc = d->tr->ops->write(d->tr, e->node, mem, region_frame_at(&d->memory.region, e->page), len,
	                       e->landing.bytes, tag, cookie);
	if (rc == 0)
		d->engine.pages_written += e->n;
	if (rc) {
		node_written(d, cookie);
		log_line(&d->log, DSM_LOG_ERROR, "cannot write page %llu to node %u: %s",
		         (unsigned long long)e->page, e->node, strerror(-rc));
		cannot_reach(d, e->node, "a page could not be sent");
	}
}

static void complete(struct dsm *d, uint64_t cookie, int status, uint64_t result, uint16_t n)
{
	struct waiter *w = (struct waiter *)(uintptr_t)cookie;

	if (d->members.lost)
		return; /* its wait has ended already */
	if (cookie == (uintptr_t)&d->secures) {
		secures_done(d);
		return;
	}
	w->result[0] = result;
	w->result[1] = n;
	if (w->lock && status == 0) {
		d->engine.lock_given.key = w->lock;
		d->engine.lock_given.thread = w->thread;
	}
	waits_done(&d->waits, w, status);
}

static void do_atomic(struct dsm *d, const struct coh_effect *e)
{
	uint8_t *at = (uint8_t *)region_frame_at(&d->memory.region, e->page) + e->atomic.offset;
	uint64_t old = 0;

	if (e->atomic.offset + e->atomic.width >
	    region_zone_of(&d->memory.region, e->page)->page_bytes) {
		d->engine.bad_messages++;
		log_peer(&d->log, DSM_LOG_ERROR, e->node,
		         "node %u asked for an atomic outside its page", e->node);
	} else if (frames_prepare(&d->memory.frames, e->page, 1)) {
		node_fail(d, "no memory for a page with an atomic");
	} else {
		moment_change(d, e->page, 1);
		old = node_apply(at, &e->atomic);
		if (e->node != d->engine.cfg.self)
			bound_lend(&d->bound, e->page);
	}
	if (e->node == d->engine.cfg.self) {
		complete(d, e->cookie, 0, old, 1);
	} else {
		struct coh_msg m = {.type = COH_MSG_ATOMIC_RESP, .slot = e->slot, .n = 1,
		                    .page = e->page, .view = coh_view(d->engine.coh), .result = old};
		coh_keep_result(d->engine.coh, e->page, old);
		node_send(d, e->node, &m);
	}
}

/* For the home, which sees to it that nobody else writes the page until it has heard. */
static void do_compare(struct dsm *d, const struct coh_effect *e)
{
	uint8_t *at = (uint8_t *)region_frame_at(&d->memory.region, e->page) + e->futex.offset;
	struct coh_msg m = {.type = COH_MSG_COMPARED, .n = 1, .page = e->page,
	                    .view = coh_view(d->engine.coh)};
	int equal = 0;

	if (e->futex.offset + sizeof(uint32_t) >
	    region_zone_of(&d->memory.region, e->page)->page_bytes)
		d->engine.bad_messages++; /* of a peer; this node's own calls have checked it */
	else if (frames_prepare(&d->memory.frames, e->page, 1))
		node_fail(d, "no memory for a page with a word that a thread waits for");
	else
		equal = node_holds(at, e->futex.value);
	if (e->node == d->engine.cfg.self) {
		d->engine.compared[d->engine.n_compared++] =
		        (struct compared){.page = e->page, .equal = equal, .view = m.view};
	} else {
		m.futex.value = (uint32_t)equal;
		node_send(d, e->node, &m);
	}
}

/* These frames had memory, and have none any more: the program has taken it away, by MADV_REMOVE
 * on shared memory. What this node has for writing is zero then, as it asked for; a copy comes
 * again once it is given up, which it is after this step; the frame of a home may have been all
 * there was of the page. */
static int frames_removed(struct dsm *d, const struct coh_effect *e)
{
	if (e->access == COH_WRITE) {
		if (region_frame_prepare(&d->memory.region, e->page, e->n))
			return -ENOSPC;
		return d->trap->ops->set_access(d->trap, e->page, e->n, TRAP_WRITE);
	}
	if (e->n > 1 || node_is_home(d, e->page)) {
		node_fail(d, "the memory of a page was taken away, by madvise(MADV_REMOVE) on shared "
		             "memory or the like");
		return -EFAULT;
	}
	d->engine.removed = e->page + 1;
	return 0;
}

/* zeroed: its frames have just been made zero for it. */
static void do_set_access(struct dsm *d, const struct coh_effect *e, int zeroed)
{
	/* Whoever wants to write while nobody may faults once more, and waits then. */
	const uint8_t access = d->view.shut                                ? COH_NONE
	                       : d->freeze.what && e->access == COH_WRITE ? COH_READ
	                                                                  : e->access;
	int rc = 0;

	if (e->access != COH_NONE)
		rc = frames_prepare(&d->memory.frames, e->page, e->n);
	if (access == COH_WRITE)
		moment_change(d, e->page, e->n);
	if (rc == 0)
		rc = d->trap->ops->set_access(d->trap, e->page, e->n, (enum trap_access)access);
	if (rc == -EFAULT)
		rc = frames_removed(d, e);
	if (rc) {
		log_line(&d->log, DSM_LOG_ERROR, "cannot set access of pages %llu +%u: %s",
		         (unsigned long long)e->page, e->n, strerror(-rc));
		node_fail(d, "the window cannot be protected");
	}
	if (e->access != COH_WRITE)
		tenure_lowered(&d->tenure, e->page, e->n);
	if (e->access == COH_WRITE || (e->access == COH_READ && !zeroed))
		frames_soil(&d->memory.frames, e->page, e->n);
	if (e->access == COH_NONE)
		frames_lost(&d->memory.frames, e->page, e->n);
	else if (rc == 0)
		frames_hold(&d->memory.frames, e->page, e->n);
	pins_granted(d, e->page, e->n, (enum coh_access)e->access);
	used_access(d, e->page, e->n, (enum coh_access)e->access);
}

/* Before the thread that waits for it goes on with a page that it may write: what is there. Not of a
 * huge page, where a look at what the program has removed would be a fault. */
static void watch_fault(struct dsm *d, uint64_t first, uint32_t n)
{
	struct looked *w = &d->engine.looked;
	const struct fault *f = faults_for(&d->faults, first, n);
	uint64_t offset;

	*w = (struct looked){0};
	if (!f || coh_access_of(coh_cache_state_of(d->engine.coh, f->page)) != COH_WRITE)
		return;
	if (region_zone_of(&d->memory.region, f->page) != &d->memory.region.zone[REGION_PTE])
		return;
	offset = f->address & (REGION_PTE_BYTES - 1);
	w->page = f->page;
	w->thread = f->thread;
	w->missed = f->kind == DSM_LATENCY_READ_MISS || f->kind == DSM_LATENCY_WRITE_MISS;
	looks_given(&d->tenure.looks, w, offset);
	w->bytes = w->may_go || w->often ? LOOKS_BYTES : 8;
	w->at = (uint8_t *)region_frame_at(&d->memory.region, f->page) + (offset & -(uint64_t)w->bytes);
	w->was = looks_content(w);
}

static void do_timer(struct dsm *d, const struct coh_effect *e)
{
	const struct looked *w = &d->engine.looked;
	const struct given_page *g = given_find(&d->given, e->page);
	const uint32_t thread = d->faults.woken ? d->faults.woken : g ? g->thread : 0;

	if (!pins_take_hold(d, e->page, e->slot))
		tenure_start(&d->tenure, e->slot, thread,
		             w->at && w->page == e->page ? w : NULL, clock_now_ns());
}

/* At the end of the step: a thread that wakes on this processor may well run first, for as long as it computes, and
 * whoever waits for a message of this step's, or has to be woken for one of before, would wait for that. */
static void wake_all(struct dsm *d)
{
	int rung = 0;

	for (uint32_t i = 0; i < d->engine.fx.len; i++) {
		const struct coh_effect *e = &d->engine.fx.list[i];

		if (e->kind != COH_FX_WAKE)
			continue;
		if (!rung++)
			d->tr->ops->wake_peers(d->tr);
		d->trap->ops->wake(d->trap, e->page, e->n);
	}
	waits_step_end(&d->waits);
}

static void carry_out(struct dsm *d)
{
	if (__builtin_expect(d->engine.cfg.secure_pages != 0, 0))
		secures_note(d); /* before a thread goes on to write what is granted */
	waits_step_begin(&d->waits);
	d->engine.looked.at = NULL;
	for (uint32_t i = 0; i < d->engine.fx.len; i++) {
		struct coh_effect *e = &d->engine.fx.list[i];
		switch (e->kind) {
		case COH_FX_SET_ACCESS:
			do_set_access(d, e, i && e[-1].kind == COH_FX_ZERO_FRAME);
			break;
		case COH_FX_WAKE:
			watch_fault(d, e->page, e->n);
			faults_woken(&d->faults, &d->tenure, &d->waits, e->page, e->n);
			break;
		case COH_FX_SEND: do_send(d, e); break;
		case COH_FX_MOVE: do_move(d, e); break;
		case COH_FX_TIMER: do_timer(d, e); break;
		case COH_FX_ATOMIC: do_atomic(d, e); break;
		case COH_FX_COMPARE: do_compare(d, e); break;
		case COH_FX_DROP_FRAME:
			moment_change(d, e->page, e->n);
			frames_drop(&d->memory.frames, e->page, e->n);
			d->trap->ops->forget(d->trap, e->page, e->n);
			break;
		case COH_FX_ZERO_FRAME:
			moment_change(d, e->page, e->n);
			frames_zero(&d->memory.frames, e->page, e->n);
			break;
		case COH_FX_DISCARD_FRAME:
			moment_change(d, e->page, e->n);
			frames_discard(&d->memory.frames, e->page, e->n);
			d->trap->ops->forget(d->trap, e->page, e->n);
			break;
		case COH_FX_TAKE: secures_take(d, e->page); break;
		case COH_FX_LOST: view_lose(d, e->page); break;
		case COH_FX_RENEWED: view_renew(d, e->page, e->n); break;
		case COH_FX_COMPLETE: complete(d, e->cookie, e->status, e->result, e->n); break;
		default: break;
		}
	}
	wake_all(d);
	for (unsigned i = 0; i < COH_COUNTS; i++)
		d->engine.count[i] += d->engine.fx.count[i];
	if (d->engine.fx.count[COH_N_DEFERRED])
		tenure_wanted(&d->tenure, d->engine.fx.deferred,
		              d->engine.fx.deferred_type == COH_MSG_FWD_GETS, clock_now_ns());
}

/* Whoever wants the page, and finds it gone, asks for it once more. When it cannot be given up
 * now, that brings him here again. */
static void give_up_removed(struct dsm *d)
{
	struct coh_event ev = {.kind = COH_EV_EVICT, .page = d->engine.removed - 1};

	d->engine.removed = 0;
	node_step(d, &ev);
}

/* What was compared here is told to the core at once. That may be what another thread's wait has
 * waited for, which is compared then. The step's own outcome is kept. */
static void tell_compared(struct dsm *d)
{
	const uint32_t consumed = d->engine.fx.consumed, object = d->engine.fx.object;

	while (d->engine.n_compared) {
		const struct compared *was = &d->engine.compared[--d->engine.n_compared];
		struct coh_event ev = {.kind = COH_EV_COMPARED, .page = was->page, .view = was->view};

		ev.futex.value = (uint32_t)was->equal;
		coh_step(d->engine.coh, &ev, &d->engine.fx);
		carry_out(d);
	}
	d->engine.fx.consumed = consumed;
	d->engine.fx.object = object;
}

/* The page that a step was about, as far as that is to be seen. */
static uint64_t page_of_step(const struct dsm *d, const struct coh_event *ev)
{
	if (ev->kind == COH_EV_MSG)
		return node_page_of(&ev->msg);
	if (ev->kind <= COH_EV_ATOMIC || ev->kind == COH_EV_DISCARD || ev->kind == COH_EV_RENEW)
		return ev->page;
	for (uint32_t i = 0; i < d->engine.fx.len; i++)
		if (d->engine.fx.list[i].kind == COH_FX_SET_ACCESS)
			return d->engine.fx.list[i].page;
	return TRACE_NO_PAGE;
}

static void trace_step(struct dsm *d, const struct coh_event *ev)
{
	const uint64_t page = page_of_step(d, ev);

	for (unsigned i = 0; i < COH_COUNTS; i++)
		if (d->engine.fx.count[i])
			trace_put(&d->trace,
			          (struct trace_record){.kind = TRACE_COUNT, .type = i, .page = page,
			                                .n = d->engine.fx.count[i],
			                                .at_ns = d->trace.last_ns});
}

/* Where there are secure pages any step may leave some for later, and one may end what was kept. */
static void after_step(struct dsm *d, const struct coh_event *ev)
{
	if (ev->kind == COH_EV_FENCED || (ev->kind == COH_EV_MSG && ev->msg.type == COH_MSG_SEAL))
		secures_sweep(d);
	d->view.recovering = (uint8_t)coh_has_more(d->engine.coh);
}

int node_step(struct dsm *d, const struct coh_event *ev)
{
	struct coh_event shorter;
	int rc;

	if (__builtin_expect(d->freeze.what, 0) && freeze_holds(&d->freeze, ev->kind))
		return -EAGAIN;
	if (__builtin_expect(d->view.shut, 0) && view_shuts(ev->kind))
		return -EAGAIN;
	if (__builtin_expect(d->away.left != 0, 0)) {
		shorter = *ev;
		ev = &shorter;
		rc = away_event(&d->away, &shorter);
		if (rc)
			return rc;
	}
	rc = coh_step(d->engine.coh, ev, &d->engine.fx);
	if (__builtin_expect(d->trace.on, 0))
		trace_step(d, ev);
	carry_out(d);
	if (d->engine.n_compared)
		tell_compared(d);
	/* Whoever steps may free a slot, application threads too: by ending the tenure that
	 * another request waits for. A refused event changes nothing. */
	if (rc == 0)
		waits_room(&d->waits);
	if (__builtin_expect(d->engine.cfg.secure_pages != 0, 0))
		after_step(d, ev);
	if (d->engine.removed)
		give_up_removed(d);
	return rc;
}
