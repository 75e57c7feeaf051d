/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who of a job lives, agreed on by those who do.
 *
 * A view is a number and the set of ranks that live in it, each in its incarnation. All begin in
 * view 1, of all. When some are lost, the others agree on the next view, which leaves the lost
 * out; the lowest rank that is not suspected leads. Nobody ever comes back.
 *
 * struct views is one node's part, pure as coherence/ is: views_step() takes an event and appends
 * effects, to be carried out in order. It has no clock: what takes time are events too, for which
 * struct pulse (pulse.h) has the times.
 *
 * Agreeing is single-decree Paxos for each view, among the members of the view before: a leader
 * asks (VIEWS_ASK), and proposes what it was told to have been accepted by anybody (VIEWS_TELL),
 * or else its own wish. A view that enough members have accepted is made; whoever knows tells
 * (VIEWS_VIEW). Messages may be lost, doubled, late and out of order: who waits says it again at
 * the next VIEWS_EV_TICK.
 *
 * How many are enough, and why those left out do no harm:
 * - VIEWS_MAJORITY. More than half of the view before; or half with its lowest rank. A member may
 *   use its window while it has a lease: the promises of as many, each not to accept a view that
 *   leaves it out for a while. Whoever has promised waits for the promise's end before it accepts
 *   such a view, so when a view is made nobody left out has a lease any more. Leases end by their
 *   holder's own clock, promises a little later by their giver's (pulse.h).
 * - VIEWS_STARTER. All who are not dead, and who is dead says whoever started them, having stopped
 *   it first. Nobody needs a lease.
 *
 * What guards it: whoever calls, one thread at a time.
 */
#ifndef VIEWS_H
#define VIEWS_H

#include <stddef.h>
#include <stdint.h>

#include "dsm/views/set.h"

enum views_rule { VIEWS_MAJORITY, VIEWS_STARTER };

struct views_config {
	unsigned nodes, self;
	enum views_rule rule;
	const uint32_t *incarnation; /* of each rank; NULL: 0 */
};

enum views_msg_type {
	VIEWS_BEAT = 1, /* I live, and accuse these; ballot: the highest that I know of */
	VIEWS_ASK,      /* of a leader: what have you accepted? */
	VIEWS_TELL,     /* this, at that ballot, and I accuse these */
	VIEWS_PROPOSE,  /* the next view is to be this set; accepted: are those whom it leaves out asked
	                 * for, too? 0 or 1 */
	VIEWS_ACCEPT,
	VIEWS_VIEW,     /* this is the view, whatever you do */
	VIEWS_TYPES
};

struct views_msg {
	uint8_t type;
	uint16_t from;
	uint32_t incarnation; /* of from */
	uint32_t view;        /* where from is */
	uint32_t ballot;
	uint32_t accepted;    /* TELL: the ballot of set; 0: nothing was */
	struct vset set;      /* TELL, PROPOSE, VIEW */
	struct vset accused;  /* BEAT, TELL */
};

/* Where a suspicion comes from. */
enum views_source {
	VIEWS_SILENT, /* nothing was heard for too long: taken back when something is */
	VIEWS_CUT,    /* its connection ended */
	VIEWS_GONE,   /* the fabric cannot reach it */
};

enum views_event_kind {
	VIEWS_EV_TICK,        /* from time to time: say again what was not answered */
	VIEWS_EV_RETRY,       /* no leader has begun anything for longer than a promise lasts: who was
	                       * overtaken by another tries again. Sooner they would keep each other
	                       * from it for ever. */
	VIEWS_EV_MSG,         /* msg */
	VIEWS_EV_SUSPECT,     /* rank, source */
	VIEWS_EV_DEAD,        /* rank has ended, as its starter knows */
	VIEWS_EV_PROMISED,    /* a promise of rank's has come, and is not over yet */
	VIEWS_EV_BELIEF_OUT,  /* it is over */
	VIEWS_EV_PROMISE_OUT, /* this node's promise to rank is over */
	VIEWS_EV_GIVE_UP,     /* too few were heard for very long */
};

struct views_event {
	enum views_event_kind kind;
	enum views_source source;
	unsigned rank;
	const struct views_msg *msg;
};

enum views_fx_kind {
	VIEWS_FX_SEND,     /* msg to rank; VIEWS_ALL: to all others, in whatever view */
	VIEWS_FX_VIEW,     /* this node is in another view: every member has a new promise of it */
	VIEWS_FX_USABLE,   /* the window may be used */
	VIEWS_FX_UNUSABLE, /* it may not, from now on */
	VIEWS_FX_PROMISE,  /* rank, whose beat this was, has a new promise of this node */
	VIEWS_FX_BELIEVE,  /* rank's promise counts, until VIEWS_EV_BELIEF_OUT */
	VIEWS_FX_STOP,     /* have those of msg.set stopped by the starter, who says VIEWS_EV_DEAD then */
	VIEWS_FX_END,      /* this node may not go on: views_why() */
};
#define VIEWS_ALL VIEWS_NODES_MAX

struct views_fx {
	enum views_fx_kind kind;
	unsigned rank;
	struct views_msg msg;
};

#define VIEWS_FX_MAX 16 /* one step has no more */
struct views_effects {
	unsigned len, cap;
	struct views_fx *list;
};

struct views;

/* Flat: may be copied, and compared. */
size_t views_size(unsigned nodes);
/* In view 1, of all; with a lease, and having promised all: the nodes have just met. */
void views_init(struct views *v, const struct views_config *config);
/* What comes from a node with another incarnation, or is none of its business, changes nothing. */
void views_step(struct views *v, const struct views_event *ev, struct views_effects *fx);

uint32_t views_number(const struct views *v);
const struct vset *views_members(const struct views *v);
uint32_t views_incarnation(const struct views *v, unsigned rank);
/* The window may be used. */
int views_is_usable(const struct views *v);
int views_has_ended(const struct views *v);
/* This node's promise to rank is in force. */
int views_has_promised(const struct views *v, unsigned rank);
/* Those who are not suspected are enough to go on. */
int views_can_go_on(const struct views *v);
/* The highest ballot that it knows of in this view. */
uint32_t views_highest(const struct views *v);
/* What this node says of itself to all, from time to time. */
struct views_msg views_beat(const struct views *v);
/* The sentence for VIEWS_FX_END. */
void views_why(const struct views *v, char *text, size_t len);

#endif
