/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * coh_step() against a liar: the input is a play of honest calls, deliveries in any order,
 * and whatever the liar sends. world.h says what must hold.
 */
#include <string.h>

#include "coherence/wire.h"
#include "tests/fuzz/world.h"

struct input {
	const uint8_t *at, *end;
};

static uint8_t byte(struct input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}

static coh_node honest(const struct world *w, uint8_t choice)
{
	coh_node node = choice % (NODES - 1);

	return node + (node >= w->liar);
}

/* --- what honest threads do --- */

static void call_page(struct world *w, coh_node node, uint8_t what, uint8_t arg)
{
	struct coh_event ev = { .page = arg % PAGES, .cookie = COOKIE_OTHER };

	if (what & 0x40) {
		static const uint8_t kind[] = { COH_EV_FUTEX_WAIT, COH_EV_FUTEX_WAKE,
			                        COH_EV_FUTEX_CANCEL, COH_EV_FUTEX_WAIT };
		ev.kind = kind[what % 4];
		ev.futex.value = arg >> 4;
		world_step(w, node, &ev, 0);
		return;
	}
	switch (what % 4) {
	case 0: ev.kind = COH_EV_EVICT; break;
	case 3:
	case 1:
		ev.kind = what % 4 == 1 ? COH_EV_PREFETCH : COH_EV_DISCARD;
		ev.n = 1 + (arg >> 4) % (PAGES - ev.page);
		break;
	default:
		ev.kind = COH_EV_ATOMIC;
		ev.atomic = (struct coh_atomic){ .op = COH_OP_FETCH_ADD, .width = 8 };
	}
	world_step(w, node, &ev, 0);
}

/* Mutex 0 and condition 1 of some home. */
static void call_sync(struct world *w, coh_node node, uint8_t what, uint8_t arg)
{
	struct caller *t = &w->caller[node];
	struct coh_event ev = { .home = arg % NODES, .cookie = COOKIE_SYNC, .sync.thread = 0 };
	int8_t *holder = &w->holder[ev.home][0], was = *holder;

	if (t->waits)
		return;
	switch (what % 5) {
	case 0:
		ev.kind = COH_EV_LOCK;
		ev.flags = arg & 0x80 ? COH_F_TRY : 0;
		break;
	case 1: ev.kind = COH_EV_UNLOCK; break;
	case 2:
		ev.kind = COH_EV_COND_WAIT;
		ev.sync.object = 1;
		break;
	case 3:
		ev.kind = COH_EV_COND_SIGNAL;
		ev.sync.object = 1;
		ev.sync.value = arg >> 7;
		break;
	default: ev.kind = COH_EV_BARRIER; ev.cookie = COOKIE_BARRIER;
	}
	if ((ev.kind == COH_EV_UNLOCK || ev.kind == COH_EV_COND_WAIT) && was == node + 1)
		*holder = 0; /* the next may have it within the step */
	if (ev.kind == COH_EV_LOCK || ev.kind == COH_EV_COND_WAIT)
		*t = (struct caller){ .waits = ev.kind, .home = ev.home };
	if (ev.kind == COH_EV_BARRIER)
		w->reached[node]++;
	if (world_step(w, node, &ev, 0) == 0)
		return;
	if (ev.kind == COH_EV_BARRIER)
		w->reached[node]--;
	t->waits = 0;
	*holder = was;
}

/* --- what the liar does --- */

static void liar_sends(struct world *w, coh_node to, const struct coh_msg *m)
{
	struct coh_event ev = { .kind = COH_EV_MSG, .from = w->liar };
	uint8_t buf[COH_WIRE_MAX];
	const char *why;

	if (coh_wire_decode(&w->core[to]->cfg, buf, coh_wire_encode(m, buf), &ev.msg, &why) == 0)
		world_step(w, to, &ev, 1);
}

static void liar_tells_of_write(struct world *w, coh_node to, uint32_t tag)
{
	struct coh_event ev = { .kind = COH_EV_LANDED, .tag = tag };

	world_step(w, to, &ev, 1);
}

static struct coh_landing known(const struct world *w, uint8_t choice)
{
	return w->known[choice % KNOWN];
}

/* Any message, with members that are likely to hit something. */
static void lie(struct world *w, struct input *in)
{
	coh_node to = honest(w, byte(in));
	struct coh_msg m = { .type = 1 + byte(in) % (COH_MSG_TYPES - 1) };
	uint8_t a = byte(in), b = byte(in);

	m.flags = a >> 4 & 7;
	m.page = a % PAGES;
	m.n = 1 + (b >> 6);
	m.slot = b % 5;
	m.access = 1 + (b & 1);
	m.requestor = a >> 3 & 3;
	switch (m.type) {
	case COH_MSG_ATOMIC:
	case COH_MSG_FWD_ATOMIC:
		m.atomic = (struct coh_atomic){ .op = COH_OP_SWAP, .width = 8, .offset = 8 * b };
		break;
	case COH_MSG_DROP_ACK:
	case COH_MSG_DISCARDED:
	case COH_MSG_ATOMIC_RESP: m.result = b; break;
	case COH_MSG_FUTEX_WAIT:
	case COH_MSG_FUTEX_WAKE:
	case COH_MSG_FUTEX_CANCEL:
	case COH_MSG_COMPARED:
	case COH_MSG_FWD_COMPARE:
	case COH_MSG_FUTEX_RESP:
	case COH_MSG_FUTEX_WOKEN:
		m.futex = (struct coh_futex){ .value = b & 3, .slot = a >> 6 };
		break;
	case COH_MSG_SVC_REQ:
	case COH_MSG_SVC_RESP: m.svc.op = b; break;
	default:
		if (m.type >= COH_MSG_LOCK && m.type <= COH_MSG_SYNC_RESP) {
			m.sync = (struct coh_sync_args){ .object = a >> 4 & 3,
				                         .mutex = a & 3,
				                         .thread = b & 1,
				                         .value = (b >> 1 & 3) - 1 };
			break;
		}
		m.landing = known(w, b);
		m.refresh = known(w, b + 1);
	}
	liar_sends(w, to, &m);
}

static void lie_about_write(struct world *w, struct input *in)
{
	coh_node to = honest(w, byte(in));
	uint8_t a = byte(in), b = byte(in);
	uint32_t raw = (uint32_t)a << 24 | (uint32_t)b << 16 | (uint32_t)byte(in) << 8 | byte(in);
	struct coh_tag tag = { .to_home = a & 1,
		               .access = a >> 1 & 3,
		               .n = a >> 3 & 3,
		               .slot = b % 5,
		               .home_index = b % 3 };

	liar_tells_of_write(w, to, a >> 7 ? raw : coh_tag_encode(tag));
}

/* Does as an honest node would with a forward: the page goes to who wants it. */
static void serve_forward(struct world *w, const struct coh_msg *m, unsigned access)
{
	struct coh_tag tag = { .access = access, .n = m->n, .slot = m->slot };
	struct coh_tag home = { .to_home = 1, .home_index = m->page % 2 };

	if (!(m->flags & COH_F_PULL) && m->requestor != w->liar)
		liar_tells_of_write(w, m->requestor, coh_tag_encode(tag));
	if (m->flags & (COH_F_PULL | COH_F_REFRESH))
		liar_tells_of_write(w, home_of(m->page), coh_tag_encode(home));
}

/* Answers the oldest message of a node as an honest home or cache might. */
static void behave(struct world *w, struct input *in)
{
	coh_node from = honest(w, byte(in));
	struct queue *q = &w->wire[from][w->liar];
	struct coh_msg m, answer;

	if (!q->len)
		return;
	m = q->msg[q->head];
	q->head = (q->head + 1) % QUEUE;
	q->len--;
	answer = (struct coh_msg){ .n = 1, .slot = m.slot, .page = m.page };
	switch (m.type) {
	case COH_MSG_INV: answer.type = COH_MSG_INV_ACK; break;
	case COH_MSG_DROP: answer.type = COH_MSG_DROP_ACK; break;
	case COH_MSG_DISCARD:
		answer.type = COH_MSG_DISCARDED;
		answer.n = m.n;
		break;
	case COH_MSG_PUTS:
	case COH_MSG_PUTM: answer.type = COH_MSG_PUT_ACK; break;
	case COH_MSG_ATOMIC:
	case COH_MSG_FWD_ATOMIC: answer.type = COH_MSG_ATOMIC_RESP; break;
	case COH_MSG_FUTEX_WAIT:
	case COH_MSG_FUTEX_WAKE:
		answer.type = COH_MSG_FUTEX_RESP;
		answer.futex.value = m.futex.value & 1;
		break;
	case COH_MSG_FUTEX_CANCEL:
		answer.type = COH_MSG_FUTEX_WOKEN;
		answer.futex.slot = m.futex.slot;
		break;
	case COH_MSG_FWD_COMPARE:
		answer.type = COH_MSG_COMPARED;
		answer.futex.value = m.futex.value & 1;
		break;
	case COH_MSG_LOCK:
	case COH_MSG_COND_WAIT: answer.type = COH_MSG_SYNC_RESP; break;
	case COH_MSG_BARRIER_ARRIVE: answer.type = COH_MSG_BARRIER_RELEASE; break;
	case COH_MSG_GETS:
	case COH_MSG_GETM:
		answer.type = COH_MSG_GRANT;
		answer.access = m.type == COH_MSG_GETS ? COH_READ : COH_WRITE;
		answer.n = m.n;
		break;
	case COH_MSG_GRANT:
		answer.type = COH_MSG_DONE;
		answer.n = m.n;
		break;
	case COH_MSG_FWD_GETS: serve_forward(w, &m, COH_READ); return;
	case COH_MSG_FWD_GETM: serve_forward(w, &m, COH_WRITE); return;
	default: return;
	}
	liar_sends(w, from, &answer);
}

static void act(struct world *w, struct input *in)
{
	uint8_t what = byte(in), arg = byte(in);

	switch (what % 10) {
	case 0:
	case 1: world_access(w, honest(w, what >> 4), arg % PAGES, arg >> 7); break;
	case 2:
	case 3: world_deliver(w, arg % NODES, arg / NODES % NODES); break;
	case 4: world_move(w, arg); break;
	case 5: world_timer(w, honest(w, arg), arg >> 4); break;
	case 6: call_page(w, honest(w, what >> 4), arg >> 5, arg); break;
	case 7: call_sync(w, honest(w, what >> 4), arg >> 3, arg); break;
	case 8: arg & 1 ? lie(w, in) : lie_about_write(w, in); break;
	default: arg & 1 ? lie(w, in) : behave(w, in);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;
	struct input in = { data, data + size };
	uint8_t head = byte(&in);

	world_init(&w, head % NODES, head / NODES);
	while (in.at < in.end && !w.full)
		act(&w, &in);
	world_finish(&w);
	return 0;
}
