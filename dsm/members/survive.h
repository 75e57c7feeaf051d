/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Going on when nodes are lost: a thread that keeps this node's part of the views (dsm/views), with
 * the datagrams, the clock and the suspicions of real life.
 *
 * All calls from any thread, but survive_close(); told() and the rest of struct survive_told are
 * called by the thread, with no lock held, one at a time and in order.
 */
#ifndef MEMBERS_SURVIVE_H
#define MEMBERS_SURVIVE_H

#include "dsm/views/views.h"

struct boot;
struct survive;

struct survive_told {
	void *ctx;
	/* A view has begun. */
	void (*view)(void *ctx, uint32_t number, const struct vset *members);
	/* The window may be used, or not any more from now on: back before it is so. */
	void (*usable)(void *ctx, int usable);
	/* This node may not go on; nothing else is told any more. */
	void (*end)(void *ctx, const char *why);
};

struct survive_config {
	enum views_rule rule; /* VIEWS_STARTER: the boot's starter stops nodes, and tells of it */
	uint32_t loss_ms;
	int timeout_ms; /* of the exchange at the start */
	struct survive_told told;
};

/* All nodes together. The window may not be used before told.usable() says so, which may be before
 * this is back. 0, or a negative code and why. */
int survive_open(struct boot *boot, const struct survive_config *config, struct survive **out,
                 char *why, size_t why_len);
/* Somebody has noticed that rank is lost. */
void survive_suspect(struct survive *s, unsigned rank, enum views_source source);
/* This node cannot go on: from now on it says nothing to the others, who are to miss it, and tells of
 * nothing. Does not wait. */
void survive_mute(struct survive *s);
/* The view that this node is in. */
uint32_t survive_view(struct survive *s, struct vset *members);
/* Not within told. NULL is allowed. */
void survive_close(struct survive *s);

#endif
