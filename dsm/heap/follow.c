/* SPDX-License-Identifier: BSD-2-Clause */
/* Following what another node serves: change by change, and all of it at first (served.h). */
#include "dsm/heap/served.h"

#include <errno.h>
#include <string.h>

#define GRANULE 16u /* of blocks (alloc_state.h) */

/* --- change by change --- */

static int follow_take(struct served *s, const struct served_change *c, uint64_t arg[3])
{
	struct alloc *a = s->alloc[c->zone];
	int rc = alloc_take_at(a, c->arg[0], c->arg[1], c->arg[2], &arg[1]);

	if (rc)
		return rc;
	room_take(&s->room[c->zone], c->arg[0], c->arg[1]);
	arg[0] = c->arg[0];
	arg[2] = (uint64_t)alloc_is_alone(a, c->arg[0]);
	return 0;
}

static int follow_left(struct served *s, const struct served_change *c)
{
	const uint64_t bytes = alloc_size(s->alloc[c->zone], c->arg[0]);
	const int is_dirty = c->arg[1] < c->arg[2];
	int rc;

	if (!bytes || (is_dirty && (c->arg[1] < c->arg[0] || c->arg[2] - c->arg[0] > bytes)))
		return -EINVAL;
	rc = alloc_give_end(s->alloc[c->zone], c->arg[0], c->arg[1], c->arg[2]);
	if (rc == 0)
		room_give(&s->room[c->zone], c->arg[0], bytes, c->arg[1], c->arg[2]);
	return rc;
}

static int is_sound(const struct served *s, const struct served_change *c)
{
	if (c->zone >= SERVED_ZONES || c->node >= SERVED_NODES)
		return 0;
	return c->kind < SERVED_TAKE || c->kind > SERVED_LEFT || s->alloc[c->zone];
}

int served_follow(struct served *s, const struct served_change *c)
{
	uint64_t arg[3] = {0};
	struct names_waiter none;
	int rc = 0;

	if (c->kind == SERVED_COPY) {
		served_close(s);
		return served_open(s);
	}
	if (!is_sound(s, c))
		return -EINVAL;
	switch (c->kind) {
	case SERVED_TAKE:
		rc = follow_take(s, c, arg);
		break;
	case SERVED_GIVE: rc = alloc_give(s->alloc[c->zone], c->arg[0]); break;
	case SERVED_LEAVE:
		rc = alloc_give_begin(s->alloc[c->zone], c->arg[0], c->node, &arg[0]);
		break;
	case SERVED_LEFT: rc = follow_left(s, c); break;
	case SERVED_ADD: rc = names_add(s->names, c->name, c->arg[0]); break;
	case SERVED_REMOVE: rc = names_remove(s->names, c->name); break;
	case SERVED_CLAIM: rc = names_claim_for(s->names, c->name, c->node); break;
	case SERVED_UNCLAIM: names_unclaim(s->names, c->name, &none); break;
	case SERVED_DONE: memcpy(arg, c->arg, sizeof arg); break;
	default: return -EINVAL;
	}
	if (rc)
		return rc == -ENOMEM ? rc : -EINVAL;
	return served_note(s, c->node, c->slot, c->serial, arg);
}

/* --- a copy --- */

enum { STAGE_BLOCKS, STAGE_NAMES, STAGE_DONE };

static void block_change(struct served_cursor *at, struct served_change *out, uint64_t offset,
                         uint64_t bytes)
{
	*out = (struct served_change){.kind = SERVED_TAKE, .zone = (uint8_t)at->zone,
	                              .arg = {offset, bytes, at->beneath}};
}

/* What is free and may hold something is taken and given back: as far as it is in use of its homes. */
static int next_dirty(const struct served *s, struct served_cursor *at, struct served_change *out)
{
	uint64_t lo = at->lo, hi = at->hi;

	if (at->give) {
		*out = (struct served_change){.kind = SERVED_GIVE, .zone = (uint8_t)at->zone,
		                              .arg = {at->give - 1}};
		at->give = 0;
		return 1;
	}
	if (lo >= hi || !room_next(&s->room[at->zone], &lo, &hi))
		return 0;
	at->lo = hi;
	at->give = lo + 1;
	block_change(at, out, lo, hi - lo);
	return 1;
}

static int next_leave(struct served_cursor *at, struct served_change *out)
{
	if (!at->leave)
		return 0;
	*out = (struct served_change){.kind = SERVED_LEAVE, .zone = (uint8_t)at->zone, .node = at->by,
	                              .arg = {at->leave - 1}};
	at->leave = 0;
	return 1;
}

static int next_block(const struct served *s, struct served_cursor *at, struct served_change *out)
{
	struct alloc_saved b;

	while (at->zone < SERVED_ZONES) {
		if (next_leave(at, out) || next_dirty(s, at, out))
			return 1;
		if (!at->at)
			at->beneath = ALLOC_LOWEST;
		at->lo = at->hi = 0;
		if (!s->alloc[at->zone] || !alloc_next(s->alloc[at->zone], &at->at, &b)) {
			at->at = NULL;
			at->zone++;
		} else if (b.taken || b.leaving) {
			block_change(at, out, b.offset, b.bytes);
			at->beneath = b.offset;
			at->leave = b.leaving ? b.offset + 1 : 0;
			at->by = (uint16_t)(b.leaving - 1);
			return 1;
		} else {
			at->lo = b.dirty_lo / GRANULE * GRANULE;
			at->hi = (b.dirty_hi + GRANULE - 1) / GRANULE * GRANULE;
		}
	}
	return 0;
}

/* What is there and claimed does not exist: a name that is added is not claimed any more. */
static int next_name(const struct served *s, struct served_cursor *at, struct served_change *out)
{
	struct names_saved n;

	if (!names_next(s->names, &at->at, &n))
		return 0;
	*out = (struct served_change){.kind = n.claimed ? SERVED_CLAIM : SERVED_ADD};
	if (n.claimed)
		out->node = n.claimant;
	else
		out->arg[0] = n.value;
	strcpy(out->name, n.name);
	return 1;
}

static int next_done(const struct served *s, struct served_cursor *at, struct served_change *out)
{
	for (; at->node < SERVED_NODES; at->node++, at->slot = 0)
		while (at->slot < s->n_done[at->node]) {
			const struct served_done *d = &s->done[at->node][at->slot++];

			if (!d->serial)
				continue;
			*out = (struct served_change){.kind = SERVED_DONE, .node = (uint16_t)at->node,
			                              .slot = (uint16_t)(at->slot - 1),
			                              .serial = d->serial};
			memcpy(out->arg, d->arg, sizeof out->arg);
			return 1;
		}
	return 0;
}

int served_copy(const struct served *s, struct served_cursor *at, struct served_change *out)
{
	if (at->stage == STAGE_BLOCKS) {
		if (next_block(s, at, out))
			return 1;
		at->stage = STAGE_NAMES;
		at->at = NULL;
	}
	if (at->stage == STAGE_NAMES) {
		if (next_name(s, at, out))
			return 1;
		at->stage = STAGE_DONE;
	}
	return next_done(s, at, out);
}
