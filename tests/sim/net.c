/* SPDX-License-Identifier: BSD-2-Clause */
/* What is under way: messages (in order within a pair) and page writes (in no order at all). */
#include <string.h>

#include "coherence/wire.h"
#include "tests/sim/sim.h"

static const uint32_t page_bytes_of_zone[COH_MAX_ZONES] = { 4096, 2 << 20 };

uint32_t page_bytes(const struct sim *s, uint32_t page)
{
	return page_bytes_of_zone[page >= s->cfg.pages];
}

/* --- time --- */

static uint64_t latency(struct sim *s, uint16_t from, uint16_t to)
{
	uint64_t ns = s->latency[rng_next(&s->rng) >> 48];

	return s->nodes[from].slow || s->nodes[to].slow ? 10 * ns : ns;
}

/* When something that comes at this time is seen by a node that sleeps now and then. */
static uint64_t awake(const struct sim *s, uint16_t node, uint64_t time)
{
	uint64_t sleep = s->cfg.pause_us * UINT64_C(1000), into;

	if (!sleep)
		return time;
	into = (time + s->nodes[node].pause_phase_ns) % (50 * sleep);
	return into < sleep ? time + sleep - into : time;
}

/* --- pools --- */

#define POOL_GROW(s, array, count, free_head)                                    \
	do {                                                                     \
		uint32_t old_ = (s)->count, new_ = old_ ? 2 * old_ : 256;        \
		(s)->array = sim_realloc((s)->array, new_ * sizeof *(s)->array); \
		for (uint32_t i_ = new_; i_-- > old_;) {                         \
			(s)->array[i_].next_free = (s)->free_head;               \
			(s)->free_head = i_;                                     \
		}                                                                \
		(s)->count = new_;                                               \
	} while (0)

static uint32_t flight_take(struct sim *s)
{
	uint32_t i;

	if (s->free_flight == UINT32_MAX)
		POOL_GROW(s, flights, n_flights, free_flight);
	i = s->free_flight;
	s->free_flight = s->flights[i].next_free;
	return i;
}

static uint32_t xfer_take(struct sim *s)
{
	uint32_t i;

	if (s->free_xfer == UINT32_MAX)
		POOL_GROW(s, xfers, n_xfers, free_xfer);
	i = s->free_xfer;
	s->free_xfer = s->xfers[i].next_free;
	return i;
}

void net_init(struct sim *s)
{
	uint8_t buf[COH_WIRE_MAX];

	s->free_flight = s->free_xfer = UINT32_MAX;
	for (unsigned t = COH_MSG_NONE + 1; t < COH_MSG_TYPES; t++)
		s->msg_bytes[t] = coh_wire_encode(&(struct coh_msg){ .type = t, .n = 1 }, buf);
}

/* --- landings --- */

struct landing {
	uint32_t node, page, number, check;
};
_Static_assert(sizeof(struct landing) == sizeof(struct coh_landing), "landing");
#define LANDING_CHECK 0x1a9d1196u

/* Gives out n frames of node from page on; they are allocated before anyone learns of them. */
static struct coh_landing landing_give(struct sim *s, uint16_t node, uint32_t page, uint32_t n)
{
	struct landing l = { node, page, ++s->landings, LANDING_CHECK };
	struct coh_landing out;

	for (uint32_t i = 0; i < n; i++) {
		struct frame *f = frame_at(s, node, page + i);
		SIM_CHECK(s, !f->incoming,
		          "node %u gives out a frame of page %u with a write under way", node,
		          page + i);
		f->landing = l.number;
		f->drop = 0;
		if (!f->resident)
			node_allocate(s, node, page + i);
	}
	memcpy(&out, &l, sizeof l);
	return out;
}

static struct landing landing_take(struct sim *s, const struct coh_effect *e)
{
	struct landing l;

	memcpy(&l, &e->landing, sizeof l);
	SIM_CHECK(s, l.check == LANDING_CHECK && l.node == e->node && l.page == e->page,
	          "a landing was not carried faithfully: page %u of node %u", (unsigned)e->page,
	          e->node);
	return l;
}

/* --- messages --- */

/* Of a run nothing is granted: what its pages cost then is told alone. */
static void cost_refused(struct sim *s, uint16_t node, uint64_t page)
{
	struct frame *f = frame_at(s, node, page);

	f->messages = f->hops = f->forwarded = f->upgrade = 0;
	f->bytes = 0;
}

/* An owner refuses a run: where that is the home's own, no message will say so. */
static void cost_owner_refuses(struct sim *s, uint16_t home, uint64_t page)
{
	struct coh_page_info info;

	coh_page_info(s->nodes[home].coh, page, &info);
	if (info.requestor == home)
		cost_refused(s, home, page);
}

/* Whom a message is sent for: its cost is kept with that node's frame. */
static void cost_of_message(struct sim *s, uint16_t from, uint16_t to, const struct coh_msg *m,
                            uint32_t bytes)
{
	struct frame *f = NULL;

	switch (m->type) {
	case COH_MSG_GETM:
	case COH_MSG_GETS:
		f = frame_at(s, from, m->page);
		f->upgrade = !!(m->flags & COH_F_UPGRADE);
		break;
	case COH_MSG_FWD_GETS:
	case COH_MSG_FWD_GETM:
		if (m->type == COH_MSG_FWD_GETM && (m->flags & COH_F_PULL))
			break; /* for a PutM */
		f = frame_at(s, m->requestor, m->page);
		f->forwarded = 1;
		break;
	case COH_MSG_GRANT:
		if (m->access == COH_NONE) {
			cost_refused(s, to, m->page);
			return;
		}
		f = frame_at(s, to, m->page);
		break;
	case COH_MSG_DONE:
		if (m->flags & COH_F_RUN)
			cost_owner_refuses(s, to, m->page);
		break;
	case COH_MSG_INV: {
		struct coh_page_info info;
		coh_page_info(s->nodes[from].coh, m->page, &info);
		if (info.sharers_inexact && frame_at(s, to, m->page)->access == COH_NONE)
			s->stats.excess_invs++;
		if (info.request != COH_MSG_GETM) {
			s->stats.atomic_invs++;
			break;
		}
		f = frame_at(s, info.requestor, m->page);
		f->invs++;
		f->messages++; /* its ack */
		f->bytes += s->msg_bytes[COH_MSG_INV_ACK];
		break;
	}
	case COH_MSG_PUTS:
	case COH_MSG_PUTM:
	case COH_MSG_PUT_ACK: s->stats.evict_messages++; break;
	default: break;
	}
	if (!f)
		return;
	f->messages++;
	f->bytes += bytes;
	if (m->type != COH_MSG_INV)
		f->hops++;
}

void net_send(struct sim *s, uint16_t from, const struct coh_effect *e)
{
	uint32_t i = flight_take(s), bytes = s->msg_bytes[e->msg.type];
	struct flight *f = &s->flights[i];
	uint64_t *last = &s->pair_last[(size_t)from * s->cfg.nodes + e->node];
	uint64_t time = awake(s, e->node, s->now + latency(s, from, e->node));

	f->from = from;
	f->to = e->node;
	f->msg = e->msg;
	if (e->fill & COH_FILL_LANDING)
		f->msg.landing = landing_give(s, from, e->msg.page, e->msg.n);
	if (e->fill & COH_FILL_REFRESH)
		f->msg.refresh = landing_give(s, from, e->msg.page, e->msg.n);
	cost_of_message(s, from, e->node, &f->msg, bytes);
	if (s->cfg.wire) {
		uint8_t buf[COH_WIRE_MAX];
		f->len = coh_wire_encode(&f->msg, buf);
		SIM_CHECK(s, f->len == bytes, "a message has %u bytes, expected %u", f->len, bytes);
		memcpy(f->bytes, buf, f->len);
	}
	s->stats.sent[e->msg.type]++;
	s->stats.message_bytes += bytes;
	if (time < *last)
		time = *last; /* never before its predecessor */
	*last = time;
	heap_push(&s->heap, time, REF(EV_MSG, i));
}

void net_deliver(struct sim *s, uint32_t index)
{
	struct flight *f = &s->flights[index];
	struct coh_event ev;
	uint16_t to = f->to;

	ev.kind = COH_EV_MSG;
	ev.from = f->from;
	if (s->cfg.wire) {
		const char *why = "";
		int rc = coh_wire_decode(coh_config_of(s->nodes[to].coh), f->bytes, f->len, &ev.msg,
		                         &why);
		SIM_CHECK(s, rc == 0, "a message of type %u is refused: %s", f->bytes[0], why);
	} else {
		ev.msg = f->msg;
	}
	f->next_free = s->free_flight;
	s->free_flight = index;
	node_step(s, to, &ev);
	thread_retry_all(s, to);
}

/* --- page writes --- */

static void xfer_checks(struct sim *s, uint16_t from, const struct coh_effect *e, uint32_t number,
                        uint32_t page)
{
	struct frame *src = frame_at(s, from, page), *dst = frame_at(s, e->node, page);
	struct coh_tag tag = coh_tag_decode(e->tag);

	SIM_CHECK(s, src->resident && !src->incoming,
	          "node %u sends page %u from a frame that is not whole", from, page);
	SIM_CHECK(s, src->access <= (tag.access == COH_WRITE ? COH_NONE : COH_READ),
	          "node %u sends page %u before it has lowered its access", from, page);
	SIM_CHECK(s, dst->landing == number, "node %u writes page %u to an old landing of node %u",
	          from, page, e->node);
	SIM_CHECK(s, dst->resident && !dst->drop, "page %u lands in a punched frame of node %u",
	          page, e->node);
	SIM_CHECK(s, dst->access == COH_NONE && !dst->incoming && !dst->reading,
	          "page %u is written to node %u while it is in use there", page, e->node);
}

void net_move(struct sim *s, uint16_t from, const struct coh_effect *e)
{
	struct landing l = landing_take(s, e);
	uint32_t i = xfer_take(s), bytes = page_bytes(s, e->page) * e->n;
	struct xfer *x = &s->xfers[i];
	struct frame *cost = frame_at(s, e->node, e->page);
	uint64_t land, done;

	*x = (struct xfer){
		.from = from, .to = e->node, .n = e->n, .open = 3, .page = e->page, .tag = e->tag
	};
	for (uint32_t k = 0; k < e->n; k++) {
		struct frame *src = frame_at(s, from, e->page + k);
		struct frame *dst = frame_at(s, e->node, e->page + k);
		xfer_checks(s, from, e, l.number, e->page + k);
		dst->landing = 0;
		dst->incoming = 1;
		src->pins++;
		src->reading++;
		x->version[k] = src->version;
	}
	if (!coh_tag_decode(e->tag).to_home) {
		cost->messages++;
		cost->hops++;
		cost->bytes += bytes;
	}
	s->stats.moves++;
	s->stats.move_bytes += bytes;
	/* Some 10 GB/s beside the latency. */
	land = s->now + latency(s, from, e->node) + bytes / 10;
	done = land + rng_below(&s->rng, s->cfg.mean_ns);
	heap_push(&s->heap, land, REF(EV_LAND, i));
	heap_push(&s->heap, awake(s, e->node, done), REF(EV_CQ, i));
	heap_push(&s->heap, s->now + latency(s, from, from), REF(EV_LOCAL, i));
}

static void xfer_close(struct sim *s, uint32_t index)
{
	struct xfer *x = &s->xfers[index];

	if (--x->open == 0) {
		x->next_free = s->free_xfer;
		s->free_xfer = index;
	}
}

/* The source has been read: at the latest when the data has landed or is locally complete. */
static void xfer_read(struct sim *s, struct xfer *x)
{
	if (x->read)
		return;
	x->read = 1;
	for (uint32_t k = 0; k < x->n; k++) {
		struct frame *src = frame_at(s, x->from, x->page + k);
		SIM_CHECK(s, src->version == x->version[k],
		          "page %u of node %u changed while it was being sent", x->page + k,
		          x->from);
		src->reading--;
	}
}

void net_landed(struct sim *s, uint32_t index)
{
	struct xfer *x = &s->xfers[index];

	xfer_read(s, x);
	for (uint32_t k = 0; k < x->n; k++) {
		struct frame *dst = frame_at(s, x->to, x->page + k);
		SIM_CHECK(s, dst->resident, "page %u lands in a punched frame of node %u",
		          x->page + k, x->to);
		SIM_CHECK(s, dst->access == COH_NONE, "page %u lands in a frame in use at node %u",
		          x->page + k, x->to);
		dst->version = x->version[k];
		dst->incoming = 0;
	}
	xfer_close(s, index);
}

void net_completed(struct sim *s, uint32_t index)
{
	struct coh_event ev;
	uint16_t to = s->xfers[index].to;

	ev.kind = COH_EV_LANDED;
	ev.tag = s->xfers[index].tag;
	xfer_close(s, index);
	node_step(s, to, &ev);
	thread_retry_all(s, to);
}

void net_local(struct sim *s, uint32_t index)
{
	struct xfer *x = &s->xfers[index];
	uint16_t from = x->from;

	xfer_read(s, x);
	for (uint32_t k = 0; k < x->n; k++) {
		frame_at(s, from, x->page + k)->pins--;
		node_punch_if_free(s, from, x->page + k);
	}
	xfer_close(s, index);
	thread_retry_all(s, from);
}
