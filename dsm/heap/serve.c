/* SPDX-License-Identifier: BSD-2-Clause */
/* Serving: requests for memory and names (served.h). What has changed is said before it is answered. */
#include "dsm/heap/served.h"

#include <errno.h>
#include <string.h>

#include "dsm/dsm.h"
#include "dsm/heap/heap.h"

static void answer(struct served *s, const struct names_waiter *to, int status, uint64_t a, uint64_t b)
{
	const uint64_t arg[3] = {a, b};

	s->out->answer(s->ctx, to, status, arg);
}

static void changed(struct served *s, const struct names_waiter *who, struct served_change c)
{
	c.node = who->node;
	c.slot = who->slot;
	c.serial = who->serial;
	s->out->changed(s->ctx, &c);
}

static void changed_name(struct served *s, const struct names_waiter *who, uint8_t kind,
                         const char *name, uint64_t value)
{
	struct served_change c = {.kind = kind, .arg = {value}};

	strcpy(c.name, name);
	changed(s, who, c);
}

/* A request of this node is about to be done. -ENOMEM: it may not be, as that could not be told
 * when it is asked again. */
static int will_do(struct served *s, const struct names_waiter *who)
{
	static const uint64_t nothing[3];

	return served_note(s, who->node, who->slot, who->serial, nothing);
}

/* It was not: there is nothing to tell. */
static void not_done(struct served *s, const struct names_waiter *who)
{
	if (who->serial && who->node < SERVED_NODES && who->slot < s->n_done[who->node])
		s->done[who->node][who->slot].serial = 0;
}

/* It was, and this is what is to be told. */
static void was_done(struct served *s, const struct names_waiter *who, const uint64_t arg[3])
{
	served_note(s, who->node, who->slot, who->serial, arg);
}

/* Where, how many of the first bytes may hold something, and whether nobody else has anything in its
 * pages. */
static int take(struct served *s, unsigned zone, const struct names_waiter *who,
                const struct coh_svc *svc, uint64_t arg[3])
{
	struct alloc *a = s->alloc[zone];
	int rc = alloc_take(a, svc->arg[0], svc->arg[1], &arg[0], &arg[1]);

	if (rc)
		return rc;
	arg[2] = (uint64_t)alloc_is_alone(a, arg[0]);
	room_take(&s->room[zone], arg[0], alloc_size(a, arg[0]));
	s->out->taken(s->ctx, zone, arg[0], alloc_size(a, arg[0]), 1);
	changed(s, who, (struct served_change){.kind = SERVED_TAKE, .zone = (uint8_t)zone,
	                                       .arg = {arg[0], alloc_size(a, arg[0]),
	                                               alloc_beneath(a, arg[0])}});
	return 0;
}

static void serve_alloc(struct served *s, const struct names_waiter *who, const struct coh_svc *svc)
{
	uint64_t arg[3] = {0};
	unsigned zone = svc->arg[2];
	int has = svc->arg[2] < SERVED_ZONES && s->alloc[zone];
	int rc = has ? will_do(s, who) : -ENOMEM;

	if (rc == 0)
		rc = take(s, zone, who, svc, arg);
	if (rc == 0)
		was_done(s, who, arg);
	else
		not_done(s, who);
	/* Tells how much there is, when that is the budgets' doing. */
	if (rc == -ENOMEM && has)
		arg[0] = s->out->enough(s->ctx, zone);
	s->out->answer(s->ctx, who, rc, arg);
}

/* What shares pages with others is free at once, and dirty. Pages of their own are when they have
 * been discarded: *left says how many bytes that is to be. */
static int give(struct served *s, unsigned zone, const struct names_waiter *who, uint64_t offset,
                uint64_t *left)
{
	struct served_change c = {.kind = SERVED_GIVE, .zone = (uint8_t)zone, .arg = {offset}};
	int rc;

	if (!alloc_owns_pages(s->alloc[zone], offset)) {
		rc = alloc_give(s->alloc[zone], offset);
	} else {
		c.kind = SERVED_LEAVE;
		rc = alloc_give_begin(s->alloc[zone], offset, who->node, left);
	}
	if (rc == 0)
		changed(s, who, c);
	return rc;
}

static void serve_free(struct served *s, const struct names_waiter *who, const struct coh_svc *svc)
{
	const unsigned zone = svc->arg[2];
	struct alloc *a = svc->arg[2] < SERVED_ZONES ? s->alloc[zone] : NULL;
	uint64_t bytes = a ? alloc_size(a, svc->arg[0]) : 0, arg[3] = {0};
	int rc = bytes ? will_do(s, who) : -EINVAL;

	if (rc == 0)
		rc = give(s, zone, who, svc->arg[0], &arg[0]);
	if (rc == 0) {
		was_done(s, who, arg);
		s->out->taken(s->ctx, zone, svc->arg[0], bytes, -1);
	} else {
		not_done(s, who);
	}
	answer(s, who, rc == -ENOMEM ? rc : rc ? DSM_ERR_NOT_OURS : 0, arg[0], 0);
}

/* arg: offset; pages from there to what is still dirty; zone, and from bit 8 on pages to where that
 * ends. */
static void serve_freed(struct served *s, const struct names_waiter *who, const struct coh_svc *svc)
{
	const unsigned zone = svc->arg[2] & 0xff;
	struct alloc *a = zone < SERVED_ZONES ? s->alloc[zone] : NULL;
	uint64_t offset = svc->arg[0], bytes = a ? alloc_size(a, offset) : 0, lo = 0, hi = 0;
	int rc = bytes ? will_do(s, who) : -EINVAL;

	if (rc == 0) {
		lo = offset + svc->arg[1] * s->page_bytes[zone];
		hi = offset + (svc->arg[2] >> 8) * s->page_bytes[zone];
		hi = hi < offset + bytes ? hi : offset + bytes;
		rc = alloc_give_end(a, offset, lo, hi);
	}
	if (rc == 0) {
		room_give(&s->room[zone], offset, bytes, lo, hi);
		changed(s, who, (struct served_change){.kind = SERVED_LEFT, .zone = (uint8_t)zone,
		                                       .arg = {offset, lo, hi}});
	} else {
		not_done(s, who);
	}
	answer(s, who, rc == -ENOMEM ? rc : rc ? DSM_ERR_NOT_OURS : 0, 0, 0);
}

/* Whoever waits for a name, or asks for one that is there. Who would claim it wants to know that it
 * is there, and is of as many bytes. */
static void answer_found(struct served *s, const struct names_waiter *who, uint64_t offset)
{
	const int is_less = who->bytes > served_bytes_at(s, offset);

	answer(s, who, is_less ? -EEXIST : 0, offset, who->bytes != 0);
}

/* dsm_shared: finds the name, waits for who has claimed it, or claims it. */
static void serve_share(struct served *s, struct names_waiter who, const struct coh_svc *svc)
{
	uint64_t offset;
	int rc = names_find(s->names, svc->name, &offset);

	who.bytes = svc->arg[0];
	if (rc == 0) {
		answer_found(s, &who, offset);
		return;
	}
	rc = will_do(s, &who);
	if (rc == 0)
		rc = names_claim(s->names, svc->name, who.node);
	if (rc == 0)
		changed_name(s, &who, SERVED_CLAIM, svc->name, 0);
	else
		not_done(s, &who);
	if (rc == -EBUSY && names_wait(s->names, svc->name, who) == 0)
		return;
	answer(s, &who, rc == -EBUSY ? -ENOMEM : rc, 0, 0);
}

/* It could not be allocated: the next one tries. */
static void serve_unshare(struct served *s, const struct names_waiter *who, const struct coh_svc *svc)
{
	struct names_waiter next;

	if (will_do(s, who)) {
		answer(s, who, -ENOMEM, 0, 0);
		return;
	}
	changed_name(s, who, SERVED_UNCLAIM, svc->name, 0);
	/* There was room to note it when it began to wait. */
	if (names_unclaim(s->names, svc->name, &next)) {
		will_do(s, &next);
		changed_name(s, &next, SERVED_CLAIM, svc->name, 0);
		answer(s, &next, 0, 0, 0);
	}
	answer(s, who, 0, 0, 0);
}

static void serve_publish(struct served *s, const struct names_waiter *who, const struct coh_svc *svc)
{
	struct names_waiter next;
	int rc = will_do(s, who);

	if (rc == 0)
		rc = names_add(s->names, svc->name, svc->arg[0]);
	if (rc == 0)
		changed_name(s, who, SERVED_ADD, svc->name, svc->arg[0]);
	else
		not_done(s, who);
	answer(s, who, rc, 0, 0);
	while (rc == 0 && names_next_waiter(s->names, svc->name, &next) == 1)
		answer_found(s, &next, svc->arg[0]);
}

static void serve_unpublish(struct served *s, const struct names_waiter *who, const struct coh_svc *svc)
{
	int rc = will_do(s, who);

	if (rc == 0)
		rc = names_remove(s->names, svc->name);
	if (rc == 0)
		changed_name(s, who, SERVED_REMOVE, svc->name, 0);
	else
		not_done(s, who);
	answer(s, who, rc, 0, 0);
}

static void serve_lookup(struct served *s, const struct names_waiter *who, const struct coh_svc *svc)
{
	uint64_t value = 0;
	int rc = names_find(s->names, svc->name, &value);

	if (rc == -ENOENT && svc->arg[0]) { /* wants to wait */
		rc = names_wait(s->names, svc->name, *who);
		if (rc == 0)
			return;
	}
	answer(s, who, rc, value, 0);
}

/* A waiter whose time is over. If its answer has left already, that is the answer. */
static void serve_cancel(struct served *s, const struct names_waiter *who, const struct coh_svc *svc)
{
	if (names_unwait(s->names, svc->name, *who) == 0)
		answer(s, who, -ETIMEDOUT, 0, 0);
}

void served_ask(struct served *s, const struct names_waiter *who, const struct coh_svc *svc)
{
	const struct served_done *done = served_was_done(s, who);

	if (done) {
		s->out->answer(s->ctx, who, 0, done->arg);
		return;
	}
	switch (svc->op) {
	case SVC_ALLOC: serve_alloc(s, who, svc); break;
	case SVC_FREE: serve_free(s, who, svc); break;
	case SVC_FREED: serve_freed(s, who, svc); break;
	case SVC_PUBLISH: serve_publish(s, who, svc); break;
	case SVC_UNPUBLISH: serve_unpublish(s, who, svc); break;
	case SVC_LOOKUP: serve_lookup(s, who, svc); break;
	case SVC_SHARE: serve_share(s, *who, svc); break;
	case SVC_UNSHARE: serve_unshare(s, who, svc); break;
	case SVC_LOOKUP_CANCEL: serve_cancel(s, who, svc); break;
	default: answer(s, who, -EINVAL, 0, 0); break;
	}
}
