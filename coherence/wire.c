/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The codec. A message is type (1), flags (1), slot (2), page (5), then what its type
 * has, in the order of fields[] below; little-endian, no padding. Where nodes may die, bit 7 of
 * the flags says that view (4) and serial (4) come before that, and of an Inv also requestor (2);
 * without it they are 0.
 */
#include "coherence/wire.h"

#include <errno.h>
#include <string.h>

#include "coherence/state.h"

enum field {
	F_N = 1 << 0,         /* n: 2 bytes */
	F_ACCESS = 1 << 1,    /* 1 */
	F_REQUESTOR = 1 << 2, /* 2 */
	F_LANDING = 1 << 3,   /* 16 */
	F_REFRESH = 1 << 4,   /* 16 */
	F_ATOMIC = 1 << 5,    /* op, width, offset, operand, compare: 1 + 1 + 4 + 8 + 8 */
	F_RESULT = 1 << 6,    /* 8 */
	F_SYNC = 1 << 7,      /* object, mutex, thread, value: 4 each */
	F_FUTEX = 1 << 9,     /* offset, value, left, slot: 4 + 4 + 4 + 2 */
	F_SVC = 1 << 8,       /* op, status, arg[3], name length, name: 1 + 4 + 24 + 1 + n */
};

#define WIRE_VIEW 0x80 /* of flags */

struct format {
	uint16_t fields;
	uint8_t flags; /* those that may be set */
};

static const struct format formats[COH_MSG_TYPES] = {
        [COH_MSG_GETS] = {F_N | F_LANDING, 0},
        [COH_MSG_GETM] = {F_N | F_LANDING, COH_F_UPGRADE},
        [COH_MSG_PUTS] = {0, 0},
        [COH_MSG_PUTM] = {0, 0},
        [COH_MSG_ATOMIC] = {F_ATOMIC, 0},
        [COH_MSG_INV_ACK] = {0, 0},
        [COH_MSG_DONE] = {F_N, COH_F_RUN},
        [COH_MSG_FWD_GETS] = {F_N | F_REQUESTOR | F_LANDING | F_REFRESH,
                              COH_F_REFRESH | COH_F_PULL | COH_F_RUN | COH_F_SALVAGE},
        [COH_MSG_FWD_GETM] = {F_REQUESTOR | F_LANDING, COH_F_PULL},
        [COH_MSG_FWD_ATOMIC] = {F_REQUESTOR | F_ATOMIC, 0},
        [COH_MSG_INV] = {0, 0},
        [COH_MSG_PUT_ACK] = {0, 0},
        [COH_MSG_GRANT] = {F_N | F_ACCESS, COH_F_LOST},
        [COH_MSG_ATOMIC_RESP] = {F_RESULT, COH_F_LOST},
        [COH_MSG_LOCK] = {F_SYNC, COH_F_TRY},
        [COH_MSG_UNLOCK] = {F_SYNC, 0},
        [COH_MSG_COND_WAIT] = {F_SYNC, 0},
        [COH_MSG_COND_SIGNAL] = {F_SYNC, 0},
        [COH_MSG_COND_CREATE] = {F_SYNC, 0},
        [COH_MSG_SYNC_DESTROY] = {F_SYNC, 0},
        [COH_MSG_BARRIER_ARRIVE] = {0, 0},
        [COH_MSG_SYNC_RESP] = {F_SYNC, COH_F_ORPHAN},
        [COH_MSG_BARRIER_RELEASE] = {0, 0},
        [COH_MSG_SVC_REQ] = {F_SVC, 0},
        [COH_MSG_SVC_RESP] = {F_SVC, 0},
        [COH_MSG_DISCARD] = {F_N, COH_F_RENEW},
        [COH_MSG_DISCARDED] = {F_N | F_RESULT, 0},
        [COH_MSG_DROP] = {F_N, COH_F_RENEW},
        [COH_MSG_DROP_ACK] = {F_RESULT, 0},
        [COH_MSG_FUTEX_WAIT] = {F_FUTEX, 0},
        [COH_MSG_FUTEX_WAKE] = {F_FUTEX, 0},
        [COH_MSG_FUTEX_CANCEL] = {F_FUTEX, 0},
        [COH_MSG_COMPARED] = {F_FUTEX, 0},
        [COH_MSG_FWD_COMPARE] = {F_FUTEX, 0},
        [COH_MSG_FUTEX_RESP] = {F_FUTEX, 0},
        [COH_MSG_FUTEX_WOKEN] = {F_FUTEX, 0},
        [COH_MSG_REPORT] = {F_ACCESS | F_REQUESTOR | F_RESULT, COH_F_KEPT | COH_F_LAST | COH_F_RAN | COH_F_HOLDS | COH_F_BARRIER},
        [COH_MSG_LOG] = {0, 0},
        [COH_MSG_LOG_HERE] = {F_LANDING, 0},
        [COH_MSG_LOGGED] = {0, 0},
        [COH_MSG_SEAL] = {F_RESULT, 0},
        [COH_MSG_SEALED] = {0, 0},
        [COH_MSG_PUSH] = {0, 0},
        [COH_MSG_SECURED] = {0, 0},
        [COH_MSG_COPY] = {0, 0},
        [COH_MSG_COPY_HERE] = {F_LANDING, 0},
        [COH_MSG_COPIED] = {0, 0},
        [COH_MSG_RESTORED] = {F_RESULT, 0},
};

/* --- writing --- */

static uint8_t *put(uint8_t *at, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		*at++ = (uint8_t)(value >> (8 * i));
	return at;
}

static uint8_t *put_bytes(uint8_t *at, const void *bytes, size_t n)
{
	memcpy(at, bytes, n);
	return at + n;
}

static uint8_t *put_atomic(uint8_t *at, const struct coh_atomic *a)
{
	at = put(at, a->op, 1);
	at = put(at, a->width, 1);
	at = put(at, a->offset, 4);
	at = put(at, a->operand, 8);
	return put(at, a->compare, 8);
}

static uint8_t *put_sync(uint8_t *at, const struct coh_sync_args *s)
{
	at = put(at, s->object, 4);
	at = put(at, s->mutex, 4);
	at = put(at, s->thread, 4);
	return put(at, (uint32_t)s->value, 4);
}

static uint8_t *put_futex(uint8_t *at, const struct coh_futex *f)
{
	at = put(at, f->offset, 4);
	at = put(at, f->value, 4);
	at = put(at, f->left, 4);
	return put(at, f->slot, 2);
}

static uint8_t *put_svc(uint8_t *at, const struct coh_svc *s)
{
	size_t n = strnlen(s->name, COH_NAME_MAX - 1);

	at = put(at, s->op, 1);
	at = put(at, (uint32_t)s->status, 4);
	for (unsigned i = 0; i < 3; i++)
		at = put(at, s->arg[i], 8);
	at = put(at, n, 1);
	return put_bytes(at, s->name, n);
}

size_t coh_wire_encode(const struct coh_msg *msg, uint8_t *buf)
{
	uint16_t f = formats[msg->type].fields;
	int viewed = msg->view || msg->serial;
	uint8_t *at = buf;

	at = put(at, msg->type, 1);
	at = put(at, msg->flags | (viewed ? WIRE_VIEW : 0u), 1);
	at = put(at, msg->slot, 2);
	at = put(at, msg->page, 5);
	if (viewed) {
		at = put(at, msg->view, 4);
		at = put(at, msg->serial, 4);
		f |= msg->type == COH_MSG_INV ? F_REQUESTOR : 0;
	}
	if (f & F_N)
		at = put(at, msg->n, 2);
	if (f & F_ACCESS)
		at = put(at, msg->access, 1);
	if (f & F_REQUESTOR)
		at = put(at, msg->requestor, 2);
	if (f & F_LANDING)
		at = put_bytes(at, msg->landing.bytes, sizeof msg->landing.bytes);
	if (f & F_REFRESH)
		at = put_bytes(at, msg->refresh.bytes, sizeof msg->refresh.bytes);
	if (f & F_ATOMIC)
		at = put_atomic(at, &msg->atomic);
	if (f & F_RESULT)
		at = put(at, msg->result, 8);
	if (f & F_SYNC)
		at = put_sync(at, &msg->sync);
	if (f & F_FUTEX)
		at = put_futex(at, &msg->futex);
	if (f & F_SVC)
		at = put_svc(at, &msg->svc);
	return at - buf;
}

/* --- reading --- */

struct reader {
	const uint8_t *at, *end;
	int short_; /* the message ended too early */
	int cut;    /* a name ends before its length */
};

static uint64_t get(struct reader *r, unsigned bytes)
{
	uint64_t value = 0;

	if ((size_t)(r->end - r->at) < bytes) {
		r->short_ = 1;
		return 0;
	}
	for (unsigned i = 0; i < bytes; i++)
		value |= (uint64_t)*r->at++ << (8 * i);
	return value;
}

static void get_bytes(struct reader *r, void *out, size_t n)
{
	if ((size_t)(r->end - r->at) < n) {
		r->short_ = 1;
		return;
	}
	memcpy(out, r->at, n);
	r->at += n;
}

static void get_atomic(struct reader *r, struct coh_atomic *a)
{
	a->op = get(r, 1);
	a->width = get(r, 1);
	a->offset = get(r, 4);
	a->operand = get(r, 8);
	a->compare = get(r, 8);
}

static void get_sync(struct reader *r, struct coh_sync_args *s)
{
	s->object = get(r, 4);
	s->mutex = get(r, 4);
	s->thread = get(r, 4);
	s->value = (int32_t)get(r, 4);
}

static void get_futex(struct reader *r, struct coh_futex *f)
{
	f->offset = get(r, 4);
	f->value = get(r, 4);
	f->left = get(r, 4);
	f->slot = get(r, 2);
}

static void get_svc(struct reader *r, struct coh_svc *s)
{
	size_t n;

	s->op = get(r, 1);
	s->status = (int32_t)get(r, 4);
	for (unsigned i = 0; i < 3; i++)
		s->arg[i] = get(r, 8);
	n = get(r, 1);
	if (n >= COH_NAME_MAX)
		r->short_ = 1;
	else
		get_bytes(r, s->name, n);
	r->cut = !r->short_ && strnlen(s->name, n) < n;
}

static void get_fields(struct reader *r, uint16_t f, struct coh_msg *m)
{
	m->n = f & F_N ? get(r, 2) : 1;
	if (f & F_ACCESS)
		m->access = get(r, 1);
	if (f & F_REQUESTOR)
		m->requestor = get(r, 2);
	if (f & F_LANDING)
		get_bytes(r, m->landing.bytes, sizeof m->landing.bytes);
	if (f & F_REFRESH)
		get_bytes(r, m->refresh.bytes, sizeof m->refresh.bytes);
	if (f & F_ATOMIC)
		get_atomic(r, &m->atomic);
	if (f & F_RESULT)
		m->result = get(r, 8);
	if (f & F_SYNC)
		get_sync(r, &m->sync);
	if (f & F_FUTEX)
		get_futex(r, &m->futex);
	if (f & F_SVC)
		get_svc(r, &m->svc);
}

/* --- validating --- */

static const char *check_page(const struct coh_config *config, const struct coh_msg *m)
{
	uint64_t pages = 0;

	for (unsigned z = 0; z < config->n_zones; z++)
		pages += config->zone[z].count;
	if (m->page >= pages)
		return "page outside the region";
	if (m->n == 0 || m->n > COH_MAX_RUN)
		return "run length out of range";
	if (m->page + m->n > coh_block_end(config, m->page))
		return "run leaves its block";
	return NULL;
}

static const char *check_atomic(const struct coh_atomic *a)
{
	if (a->op < COH_OP_FETCH_ADD || a->op > COH_OP_COMPARE_SWAP)
		return "unknown atomic operation";
	if (a->width != 4 && a->width != 8)
		return "atomic width is neither 4 nor 8";
	if (a->offset % a->width || a->offset >= COH_PAGE_MAX)
		return "atomic offset is unaligned or outside the page";
	return NULL;
}

static const char *check(const struct coh_config *config, uint16_t f, const struct coh_msg *m)
{
	const char *why = check_page(config, m);

	if (why)
		return why;
	/* A Grant may be of nothing. */
	if ((f & F_ACCESS) && m->access != COH_READ && m->access != COH_WRITE &&
	    (m->access != COH_NONE || (m->type != COH_MSG_GRANT && m->type != COH_MSG_REPORT)))
		return "access out of range";
	if ((f & F_REQUESTOR) && m->requestor >= config->nodes)
		return "no such requestor";
	if (f & F_ATOMIC)
		return check_atomic(&m->atomic);
	if ((f & F_FUTEX) && ((m->futex.offset & 2) || m->futex.offset >= COH_PAGE_MAX))
		return "a word is unaligned or outside the page";
	if ((f & F_FUTEX) && m->futex.slot >= (config->futex_slots ? config->futex_slots : 1))
		return "no such thread that waits for a word";
	if ((f & F_SYNC) &&
	    (m->sync.object >= coh_objects(config) || m->sync.mutex >= coh_objects(config)))
		return "no such lock or condition";
	return NULL;
}

int coh_wire_decode(const struct coh_config *config, const uint8_t *buf, size_t len,
                    struct coh_msg *out, const char **why)
{
	struct reader r = {.at = buf, .end = buf + len};
	const struct format *f;
	uint16_t fields;
	int viewed;

	memset(out, 0, sizeof *out);
	out->type = get(&r, 1);
	*why = "unknown type";
	if (out->type >= COH_MSG_TYPES || out->type == COH_MSG_NONE)
		return -EBADMSG;
	f = &formats[out->type];
	out->flags = get(&r, 1);
	fields = f->fields;
	viewed = out->flags & WIRE_VIEW && config->survive;
	out->flags &= viewed ? (uint8_t)~WIRE_VIEW : 0xff;
	*why = "unknown flags";
	if (out->flags & ~f->flags)
		return -EBADMSG;
	out->slot = get(&r, 2);
	out->page = get(&r, 5);
	if (viewed) {
		out->view = (uint32_t)get(&r, 4);
		out->serial = (uint32_t)get(&r, 4);
		fields |= out->type == COH_MSG_INV ? F_REQUESTOR : 0;
	}
	get_fields(&r, fields, out);
	*why = "wrong length";
	if (r.short_ || r.at != r.end)
		return -EBADMSG;
	*why = "a name with a NUL in it";
	if (r.cut)
		return -EBADMSG;
	*why = "a view that says nothing";
	if (viewed && !out->view && !out->serial)
		return -EBADMSG;
	*why = check(config, fields, out);
	return *why ? -EBADMSG : 0;
}
