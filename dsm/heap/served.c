/* SPDX-License-Identifier: BSD-2-Clause */
/* What is served (served.h): its life, what was answered to whom, and the dead. */
#include "dsm/heap/served.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DONE_FIRST 16 /* slots of a node that there is room for at first */

int served_open(struct served *s)
{
	int rc = s->out->open(s->ctx);

	return rc ? rc : names_open(&s->names);
}

void served_close(struct served *s)
{
	names_close(s->names);
	s->names = NULL;
	for (int zone = 0; zone < SERVED_ZONES; zone++) {
		alloc_close(s->alloc[zone]);
		s->alloc[zone] = NULL;
		room_close(&s->room[zone]);
	}
	for (unsigned node = 0; node < SERVED_NODES; node++) {
		free(s->done[node]);
		s->done[node] = NULL;
		s->n_done[node] = 0;
	}
}

uint64_t served_bytes_at(const struct served *s, uint64_t offset)
{
	uint64_t bytes = 0;

	for (int zone = 0; zone < SERVED_ZONES; zone++)
		if (s->alloc[zone] && !bytes)
			bytes = alloc_size(s->alloc[zone], offset - s->zone_at[zone]);
	return bytes;
}

const struct served_done *served_was_done(const struct served *s, const struct names_waiter *who)
{
	const struct served_done *d;

	if (!who->serial || who->node >= SERVED_NODES || who->slot >= s->n_done[who->node])
		return NULL;
	d = &s->done[who->node][who->slot];
	return d->serial == who->serial ? d : NULL;
}

int served_note(struct served *s, uint16_t node, uint16_t slot, uint32_t serial, const uint64_t arg[3])
{
	struct served_done *more;
	uint32_t n;

	if (!serial)
		return 0;
	if (node >= SERVED_NODES)
		return -EINVAL;
	if (slot >= s->n_done[node]) {
		for (n = DONE_FIRST; n <= slot; n *= 2)
			;
		more = realloc(s->done[node], n * sizeof *more);
		if (!more)
			return -ENOMEM;
		memset(more + s->n_done[node], 0, (n - s->n_done[node]) * sizeof *more);
		s->done[node] = more;
		s->n_done[node] = n;
	}
	s->done[node][slot] = (struct served_done){serial, {arg[0], arg[1], arg[2]}};
	return 0;
}

/* What one of the dead was about to give back is free, and all of it dirty: 1; 0: there is nothing. */
static int bury_block(struct served *s, unsigned zone, uint64_t living)
{
	struct served_change c = {.kind = SERVED_LEFT, .zone = (uint8_t)zone};
	const void *cursor = NULL;
	struct alloc_saved b;

	while (alloc_next(s->alloc[zone], &cursor, &b))
		if (b.leaving && !(living >> (b.leaving - 1) & 1)) {
			c.arg[0] = c.arg[1] = b.offset;
			c.arg[2] = b.offset + b.bytes;
			alloc_give_end(s->alloc[zone], b.offset, c.arg[1], c.arg[2]);
			s->out->changed(s->ctx, &c);
			return 1;
		}
	return 0;
}

/* The claims that they had go on. */
static void bury_names(struct served *s, uint64_t living)
{
	static const uint64_t claimed[3];
	struct served_change c = {.kind = SERVED_CLAIM};
	struct names_waiter who;
	const char *name;

	while (names_bury(s->names, living, &who, &name)) {
		/* There was room to note it when it began to wait. */
		served_note(s, who.node, who.slot, who.serial, claimed);
		c.node = who.node;
		c.slot = who.slot;
		c.serial = who.serial;
		strcpy(c.name, name);
		s->out->changed(s->ctx, &c);
		s->out->answer(s->ctx, &who, 0, claimed);
	}
}

void served_bury(struct served *s, uint64_t living)
{
	for (unsigned node = 0; node < SERVED_NODES; node++) {
		if (living >> node & 1)
			continue;
		free(s->done[node]);
		s->done[node] = NULL;
		s->n_done[node] = 0;
	}
	bury_names(s, living);
	for (unsigned zone = 0; zone < SERVED_ZONES; zone++)
		while (s->alloc[zone] && bury_block(s, zone, living))
			;
}
