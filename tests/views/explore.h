/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The explorer of views: every reachable state of a few nodes which run the code of dsm/views that
 * ships, while some die and some are suspected without reason.
 *
 * The network. Messages are a set that only grows: each may be taken by anybody at any time, and
 * again. That is loss, delay, doubling and disorder in one. Beats are taken as of now.
 *
 * Time. What takes time is an event, at any time but where clocks forbid it: a promise ends later
 * than all promises which its receiver holds, or will still get, on account of beats that it sent
 * before that promise was given. Of promises that answer a beat only that promise itself is
 * reckoned with, which allows more; of those that everybody owes on entering a view, all.
 */
#ifndef VIEWS_EXPLORE_H
#define VIEWS_EXPLORE_H

#include <stdint.h>
#include <stdio.h>

#include "dsm/views/state.h"
#include "tests/explore/explore.h"

#define V_NODES 5
#define V_MSGS 120

/* What happens before the exploration begins: actions; of V_TAKE other is the type, and the node takes
 * whatever there is of it for the node. Ends with kind 0. */
struct v_act {
	uint8_t kind, node, other;
};

struct v_options {
	const char *name;
	unsigned nodes;
	enum views_rule rule;
	unsigned deaths;  /* at most */
	unsigned alarms;  /* times that a node is suspected without reason */
	unsigned cuts;    /* such an alarm may be for ever, too */
	unsigned silence; /* the dead may be suspected for their silence alone, too */
	unsigned rounds;  /* of ballots in a view */
	const struct v_act *before; /* or NULL; what was under way then is lost */
	unsigned victims; /* who may be suspected without reason, 1 bit a node; 0: all */
	uint64_t max_states;
};

/* --- a node (local.c): states of one are numbered, and each step is taken once --- */

struct v_fx {
	uint8_t kind, rank;
	uint16_t pad;
	uint32_t word; /* of SEND: the message; of STOP: whom */
};
struct v_locals {
	unsigned nodes;
	size_t size;
	struct x_intern states, lists;
	struct v_memo {
		uint64_t event;
		uint32_t from, used, to, list;
	} * memo;
	uint64_t memo_mask, memo_len, steps;
};
struct v_step {
	uint32_t to, list;
};
void v_locals_open(struct v_locals *l, unsigned nodes);
void v_locals_close(struct v_locals *l);
uint32_t v_local_new(struct v_locals *l, unsigned self, enum views_rule rule);
const struct views *v_local(const struct v_locals *l, uint32_t local);
/* What an event is to the memo: kind, rank, source, message. */
uint64_t v_event(enum views_event_kind kind, unsigned rank, enum views_source source, uint32_t word);
struct v_step v_local_step(struct v_locals *l, uint32_t local, uint64_t event);
const struct v_fx *v_list(const struct v_locals *l, uint32_t list, unsigned *n);

/* A message in a word. */
uint32_t v_word(const struct views_msg *m);
struct views_msg v_unword(uint32_t word);

/* --- the world (world.c, pack.c) --- */

struct v_world {
	uint32_t local[V_NODES];
	uint8_t alive;     /* processes, 1 bit a node */
	uint8_t stop;      /* to be stopped by the starter */
	uint8_t deaths, alarms; /* that may still come */
	uint8_t acks[V_NODES];  /* promises under way to the node, by giver */
	/* What must be over before the promise of the first to the second is: promises that the
	 * second holds, and those under way to it, by giver. */
	uint8_t held[V_NODES][V_NODES], coming[V_NODES][V_NODES];
	uint16_t n_msgs;
	uint32_t msg[V_MSGS]; /* ascending */
};

enum v_kind {
	V_KILL = 1,    /* node */
	V_STOP,        /* node: its starter kills it, as asked */
	V_SUSPECT,     /* node, other, source */
	V_DEAD,        /* node hears from the starter that other is dead */
	V_TAKE,        /* node: the message at index */
	V_TICK,        /* node */
	V_RETRY,       /* node */
	V_BEAT,        /* node takes the beat of other */
	V_ACK,         /* node takes the promise of other */
	V_BELIEF_OUT,  /* node, other */
	V_PROMISE_OUT, /* node's to other */
	V_GIVE_UP,     /* node */
};
struct v_action {
	uint8_t kind, node, other, source;
	uint16_t index;
};
#define V_ACTIONS 800

struct v_explorer {
	struct v_options o;
	struct v_locals l;
	FILE *out;
	char why[200];
	/* of the last search */
	uint64_t states, edges, steps;
	unsigned trace_len;
	int truncated; /* by max_states */
};

void v_world_init(struct v_explorer *x, struct v_world *w);
unsigned v_world_pack(const struct v_explorer *x, const struct v_world *w, uint8_t *bytes);
void v_world_unpack(const struct v_explorer *x, const uint8_t *bytes, struct v_world *w);
#define V_BYTES (5 * V_NODES + 4 + 2 * V_NODES * V_NODES + 2 + 4 * V_MSGS)
unsigned v_actions(struct v_explorer *x, const struct v_world *w, struct v_action *list);
/* 0: nothing changed; 1: w has; 2: it would be a ballot beyond the bound; -1: a rule is broken. */
int v_apply(struct v_explorer *x, struct v_world *w, const struct v_action *a);
static inline int v_lives(const struct v_explorer *x, const struct v_world *w, unsigned node)
{
	return (w->alive >> node & 1) && !v_local(&x->l, w->local[node])->end;
}

/* --- what must hold (check.c) --- */

/* -1 and x->why. */
int v_check(struct v_explorer *x, const struct v_world *w);
/* All who live are at rest in one view, or nobody does. */
int v_is_good(struct v_explorer *x, const struct v_world *w);
int v_bad(struct v_explorer *x, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* --- search.c, trace.c --- */

/* 0 all is well, -1 x->why: a rule is broken, or a state from where nothing good is possible. */
int v_search(struct v_explorer *x);
void v_print_action(struct v_explorer *x, const struct v_world *w, const struct v_action *a);
void v_print_world(struct v_explorer *x, const struct v_world *w);

/* --- standard.c: the configurations, and which are for `make check` --- */

/* Four nodes: 0 is lost, or cut off without reason; 1 and 2 are in view 2, of 1, 2 and 3, which 3 has
 * accepted and not entered. */
extern const struct v_act v_laggard[], v_laggard_alarm[];
/* Three nodes: 0 has accepted a view without 2 at one ballot, 1 one without 0 at a later one. */
extern const struct v_act v_two_minds[];
/* 0 and 1 suspect each other, and both lead: 2 has answered 0, then 1. */
extern const struct v_act v_two_leaders[];
#define V_NOBODY 0x80 /* of victims */

struct v_standard {
	struct v_options o;
	int is_long;
};
extern const struct v_standard v_standards[];
extern const unsigned v_standards_n;

#endif
