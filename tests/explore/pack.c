/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packed forms. Landings carry a mark of their kind and page, not of their node, so
 * that permuting the nodes leaves them alone; whose landing it is, the scripted
 * clusters check.
 */
#include <string.h>

#include "tests/explore/explore.h"

enum { MARK_LANDING = 0xa5, MARK_REFRESH = 0x5a };

static struct coh_landing mark(uint8_t kind, uint64_t page)
{
	return (struct coh_landing){ { kind, (uint8_t)page } };
}

static int is_mark(const struct coh_landing *l, uint8_t kind, uint64_t page)
{
	struct coh_landing m = mark(kind, page);

	return !memcmp(l, &m, sizeof m);
}

static int has_landing(unsigned type)
{
	return type == COH_MSG_GETS || type == COH_MSG_GETM || type == COH_MSG_FWD_GETS ||
	       type == COH_MSG_FWD_GETM || type == COH_MSG_COPY_HERE ||
	       type == COH_MSG_LOG_HERE;
}

static int is_sync(unsigned type)
{
	return type >= COH_MSG_LOCK && type <= COH_MSG_BARRIER_RELEASE;
}

/* Of a word at offset 0, for the one thread of each node. */
static int is_futex(unsigned type)
{
	return type >= COH_MSG_FUTEX_WAIT && type <= COH_MSG_FUTEX_WOKEN;
}

static int has_result(unsigned type)
{
	return type == COH_MSG_DROP_ACK || type == COH_MSG_DISCARDED || type == COH_MSG_REPORT ||
	       type == COH_MSG_RESTORED || type == COH_MSG_SEAL;
}

static const struct coh_atomic the_atomic = { .op = COH_OP_FETCH_ADD, .width = 8, .operand = 1 };

static struct coh_msg msg_unpack(uint64_t word)
{
	struct coh_msg m;
	uint64_t requestor = x_get(word, M_REQUESTOR);

	memset(&m, 0, sizeof m);
	m.type = (uint8_t)x_get(word, M_TYPE);
	m.flags = (uint8_t)x_get(word, M_FLAGS);
	m.slot = (uint16_t)x_get(word, M_SLOT);
	if (is_sync(m.type)) {
		m.n = 1;
		m.view = (uint32_t)x_get(word, M_VIEW);
		m.sync = (struct coh_sync_args){ .object = (uint32_t)x_get(word, S_OBJECT),
			                         .mutex = (uint32_t)x_get(word, S_MUTEX),
			                         .thread = (uint32_t)x_get(word, S_THREAD),
			                         .value = (int8_t)x_get(word, S_VALUE) };
		return m;
	}
	if (is_futex(m.type))
		m.futex.offset = (uint32_t)x_get(word, M_ACCESS);
	else
		m.access = (uint8_t)x_get(word, M_ACCESS);
	m.view = (uint32_t)x_get(word, M_VIEW);
	m.serial = (uint32_t)(x_get(word, M_SERIAL) | x_get(word, M_SERIAL_MORE) << 2);
	m.requestor = requestor == 15 ? 0 : (coh_node)requestor;
	m.n = (uint16_t)x_get(word, M_N);
	m.page = x_get(word, M_PAGE);
	if (has_landing(m.type))
		m.landing = mark(MARK_LANDING, m.page);
	if (m.type == COH_MSG_FWD_GETS && (m.flags & COH_F_REFRESH))
		m.refresh = mark(MARK_REFRESH, m.page);
	if (m.type == COH_MSG_ATOMIC || m.type == COH_MSG_FWD_ATOMIC)
		m.atomic = the_atomic;
	if (has_result(m.type))
		m.result = x_get(word, M_RESULT);
	if (m.type == COH_MSG_REPORT && (m.flags & COH_F_HOLDS))
		m.result = m.result >> 2 << 32 | (m.result & 3);
	if (is_futex(m.type))
		m.futex.value = (uint32_t)x_get(word, M_RESULT);
	return m;
}

/* Mutex 0 and condition 1 are at node 0. */
static void sync_unpack(uint64_t ev, struct coh_event *e)
{
	int is_cond = e->kind == COH_EV_COND_WAIT || e->kind == COH_EV_COND_SIGNAL;

	e->sync.thread = (uint32_t)x_get(ev, E_THREAD);
	e->sync.object = is_cond ? 1 : 0;
	e->sync.value = e->kind == COH_EV_COND_SIGNAL && !x_get(ev, E_ALL);
	e->flags = x_get(ev, E_TRY) ? COH_F_TRY : 0;
	e->cookie = e->sync.thread + 1;
}

struct coh_event x_event_unpack(uint64_t ev)
{
	struct coh_event e;

	memset(&e, 0, sizeof e);
	e.kind = (uint8_t)x_get(ev, E_KIND);
	switch (e.kind) {
	case COH_EV_MSG:
		e.from = (coh_node)x_get(ev, M_FROM);
		e.msg = msg_unpack(ev);
		break;
	case COH_EV_LANDED: e.tag = (uint32_t)ev; break;
	case X_EV_FORGET:
		e.page = x_get(ev, E_PAGE);
		e.n = (uint16_t)x_get(ev, E_N);
		e.view = (uint32_t)x_get(ev, E_SERIAL);
		e.flags = (uint8_t)x_get(ev, E_ATOMIC);
		break;
	case COH_EV_VIEW:
		e.view = (uint32_t)x_get(ev, E_VIEW);
		e.members = x_get(ev, E_MEMBERS);
		break;
	case COH_EV_TIMER: e.slot = (uint16_t)x_get(ev, E_SLOT); break;
	case COH_EV_LOCK:
	case COH_EV_UNLOCK:
	case COH_EV_COND_WAIT:
	case COH_EV_COND_SIGNAL:
	case COH_EV_BARRIER: sync_unpack(ev, &e); break;
	case COH_EV_FUTEX_WAIT:
	case COH_EV_FUTEX_WAKE:
	case COH_EV_FUTEX_CANCEL:
	case COH_EV_COMPARED:
		e.futex.value = (uint32_t)x_get(ev, E_VALUE);
		e.view = (uint32_t)x_get(ev, E_VIEW);
		e.futex.offset = (uint32_t)x_get(ev, E_OWN);
		e.cookie = e.kind == COH_EV_FUTEX_WAKE ? X_WAKE_COOKIE : X_WAIT_COOKIE;
		break;
	case COH_EV_SECURE: e.cookie = X_SECURE_COOKIE; break;
	default:
		e.page = x_get(ev, E_PAGE);
		e.n = (uint16_t)x_get(ev, E_N);
		e.cookie = e.kind == COH_EV_DISCARD || e.kind == COH_EV_RENEW ? X_DISCARD_COOKIE : e.page + 1;
		e.atomic = the_atomic;
	}
	return e;
}

static int has_requestor(const struct coh_msg *m)
{
	switch (m->type) {
	case COH_MSG_FWD_GETS:
	case COH_MSG_FWD_GETM:
	case COH_MSG_FWD_ATOMIC: return 1;
	case COH_MSG_INV: return m->serial || m->requestor; /* where nodes may crash */
	case COH_MSG_REPORT: return m->flags & (COH_F_KEPT | COH_F_RAN);
	default: return 0;
	}
}

/* Who holds a mutex: its number and the thread's, two bits each. */
static uint64_t result_of(const struct coh_msg *m)
{
	if (m->type == COH_MSG_REPORT && (m->flags & COH_F_HOLDS))
		return m->result >> 32 << 2 | (uint32_t)m->result;
	return m->result;
}

static const char *send_pack(const struct coh_effect *e, coh_node self, uint64_t *out)
{
	const struct coh_msg *m = &e->msg;
	uint64_t w = 0;

	if (m->slot > 255 || m->page >= X_PAGES || m->n > COH_MAX_RUN ||
	    (has_result(m->type) && result_of(m) >> X_PAGES))
		return "a message's members are out of range";
	if (is_futex(m->type) &&
	    (m->futex.offset > COH_FUTEX_OWN || m->access || m->futex.slot || m->futex.left || m->futex.value > 255))
		return "a message of a word is out of range";
	if (has_landing(m->type) && !(e->fill & COH_FILL_LANDING) &&
	    !is_mark(&m->landing, MARK_LANDING, m->page))
		return "a message carries the wrong landing";
	if (m->view > 3 || m->serial > 15)
		return "a message's view or serial is out of range";
	w = x_put(w, M_TYPE, m->type);
	w = x_put(w, M_VIEW, m->view);
	w = x_put(w, M_SERIAL, m->serial & 3);
	w = x_put(w, M_SERIAL_MORE, m->serial >> 2);
	w = x_put(w, M_FLAGS, m->flags);
	w = x_put(w, M_ACCESS, is_futex(m->type) ? m->futex.offset : m->access);
	w = x_put(w, M_REQUESTOR, has_requestor(m) ? m->requestor : 15);
	w = x_put(w, M_N, m->n);
	w = x_put(w, M_SLOT, m->slot);
	w = x_put(w, M_PAGE, m->page);
	if (has_result(m->type))
		w = x_put(w, M_RESULT, result_of(m));
	if (is_futex(m->type))
		w = x_put(w, M_RESULT, m->futex.value);
	w = x_put(w, M_FROM, self);
	*out = x_put(w, M_TO, e->node);
	return e->node == self ? "a message to the node itself" : NULL;
}

/* Values are counts, and codes of errors, all of them small. */
static const char *sync_pack(const struct coh_effect *e, coh_node self, uint64_t *out)
{
	const struct coh_sync_args *s = &e->msg.sync;
	uint64_t w = x_put(0, M_TYPE, e->msg.type);

	if (e->msg.slot > 255 || s->object > 3 || s->mutex > 3 || s->thread > 3 ||
	    s->value != (int8_t)s->value || e->msg.view > 3)
		return "a message's members are out of range";
	w = x_put(w, M_VIEW, e->msg.view);
	w = x_put(w, M_FLAGS, e->msg.flags);
	w = x_put(w, M_REQUESTOR, 15);
	w = x_put(w, M_SLOT, e->msg.slot);
	w = x_put(w, S_OBJECT, s->object);
	w = x_put(w, S_MUTEX, s->mutex);
	w = x_put(w, S_THREAD, s->thread);
	w = x_put(w, S_VALUE, (uint8_t)s->value);
	w = x_put(w, M_FROM, self);
	*out = x_put(w, M_TO, e->node);
	return e->node == self ? "a message to the node itself" : NULL;
}

static const char *move_pack(const struct coh_effect *e, coh_node self, uint64_t *out)
{
	uint64_t w = e->tag;
	int to_home = coh_tag_decode(e->tag).to_home;

	if (!is_mark(&e->landing, MARK_LANDING, e->page) &&
	    !(to_home && is_mark(&e->landing, MARK_REFRESH, e->page)))
		return "a page leaves for the wrong landing";
	w = x_put(w, V_PAGE, e->page);
	w = x_put(w, V_N, e->n);
	w = x_put(w, V_FROM, self);
	w = x_put(w, V_TO, e->node);
	w = x_put(w, V_FLYING, 1);
	*out = x_put(w, V_TOLD, 1);
	return e->node == self ? "a page leaves for the node itself" : NULL;
}

const char *x_fx_pack(const struct coh_effect *e, coh_node self, struct x_fx *out)
{
	memset(out, 0, sizeof *out);
	if (e->page >= X_PAGES || e->n > COH_MAX_RUN || e->slot > 255)
		return "an effect's members are out of range";
	out->kind = e->kind;
	out->page = (uint8_t)e->page;
	out->n = (uint8_t)e->n;
	out->access = e->access;
	out->node = 15;
	out->slot = e->slot;
	switch (e->kind) {
	case COH_FX_SEND:
		out->fill = e->fill;
		out->n = (uint8_t)e->msg.n;
		if (is_sync(e->msg.type))
			return sync_pack(e, self, &out->word);
		return send_pack(e, self, &out->word);
	case COH_FX_MOVE: return move_pack(e, self, &out->word);
	case COH_FX_ATOMIC:
		out->node = (uint8_t)e->node;
		out->word = e->cookie;
		return NULL;
	case COH_FX_COMPARE:
		out->node = (uint8_t)e->node;
		out->word = e->futex.value;
		return e->futex.offset ? "the wrong word is compared" : NULL;
	case COH_FX_COMPLETE:
		out->word = e->cookie;
		out->slot = (uint8_t)e->status;
		out->n = e->cookie == X_WAKE_COOKIE ? (uint8_t)e->result : out->n;
		return NULL;
	default: return NULL;
	}
}

uint64_t x_atomic_resp(coh_node from, coh_node to, unsigned page, unsigned slot)
{
	uint64_t w = 0;

	w = x_put(w, M_TYPE, COH_MSG_ATOMIC_RESP);
	w = x_put(w, M_REQUESTOR, 15);
	w = x_put(w, M_N, 1);
	w = x_put(w, M_SLOT, slot);
	w = x_put(w, M_PAGE, page);
	w = x_put(w, M_FROM, from);
	return x_put(w, M_TO, to);
}

uint64_t x_compared(coh_node from, coh_node to, unsigned page, unsigned equal)
{
	uint64_t w = x_atomic_resp(from, to, page, 0);

	w = x_put(w, M_TYPE, COH_MSG_COMPARED);
	return x_put(w, M_RESULT, equal);
}

/* --- other names for the nodes --- */

static uint64_t permute_at(uint64_t word, unsigned at, unsigned len, const coh_node *perm)
{
	uint64_t node = x_get(word, at, len);

	return node == 15 ? word : x_put(word, at, len, perm[node]);
}

uint64_t x_msg_permute(uint64_t msg, const coh_node *perm)
{
	msg = permute_at(msg, M_REQUESTOR, perm);
	msg = permute_at(msg, M_FROM, perm);
	return permute_at(msg, M_TO, perm);
}

uint64_t x_move_permute(uint64_t move, const coh_node *perm)
{
	move = permute_at(move, V_FROM, perm);
	return permute_at(move, V_TO, perm);
}

struct x_fx x_fx_permute(struct x_fx fx, const coh_node *perm)
{
	if (fx.kind == COH_FX_SEND)
		fx.word = x_msg_permute(fx.word, perm);
	if (fx.kind == COH_FX_MOVE)
		fx.word = x_move_permute(fx.word, perm);
	if (fx.node != 15)
		fx.node = (uint8_t)perm[fx.node];
	return fx;
}
