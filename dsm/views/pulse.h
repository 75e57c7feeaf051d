/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The times of views: beats sent and heard, promises and leases that end, silence. As pure as
 * views.h, but that each event comes with its time, by one clock of the node's, which never goes
 * back and goes on while the machine sleeps (CLOCK_BOOTTIME), in milliseconds.
 *
 *	      a beat, with the time s of its sender
 *	A ------------------------------------------------> B   promises A, until its now + promise_ms
 *	A <------------------------------------------------ B   its next beat, with s
 *	  believes B until s + lease_ms
 *
 * s is before that now, so A's belief ends before B's promise does, unless a clock runs faster or
 * slower than another by more than promise_ms is longer than lease_ms: 1 in 16, which is also for
 * the time that A takes to act when its lease ends.
 */
#ifndef VIEWS_PULSE_H
#define VIEWS_PULSE_H

#include "dsm/views/views.h"

#define PULSE_LOSS_MS_MIN 200
#define PULSE_LOSS_MS_MAX 3600000

struct pulse_config {
	struct views_config views;
	uint32_t loss_ms; /* who is not heard for so long is lost */
};

/* What nodes send: stamp and echo are a beat's, else 0. */
struct pulse_msg {
	struct views_msg msg;
	uint64_t stamp; /* the sender's time */
	uint64_t echo;  /* the receiver's time in a beat for which it is promised; 0: for none */
};

enum pulse_event_kind {
	PULSE_EV_TIME,    /* time has passed; all that came before it has been told */
	PULSE_EV_MSG,     /* msg */
	PULSE_EV_SUSPECT, /* rank, source */
	PULSE_EV_DEAD,    /* rank */
};

struct pulse_event {
	enum pulse_event_kind kind;
	enum views_source source;
	unsigned rank;
	const struct pulse_msg *msg;
};

/* SEND, VIEW, USABLE, UNUSABLE, STOP and END of enum views_fx_kind. */
struct pulse_fx {
	enum views_fx_kind kind;
	unsigned rank;
	struct pulse_msg msg;
};

/* What one step has at most. */
#define PULSE_FX_MAX(nodes) (4 * VIEWS_FX_MAX + (nodes))
struct pulse_effects {
	unsigned len, cap;
	struct pulse_fx *list;
};

struct pulse;

size_t pulse_size(unsigned nodes);
/* Nobody has promised anybody anything: the window may not be used before VIEWS_FX_USABLE, unless
 * views_is_usable() says so at once. */
void pulse_init(struct pulse *p, const struct pulse_config *config, uint64_t now_ms);
void pulse_step(struct pulse *p, uint64_t now_ms, const struct pulse_event *ev,
                struct pulse_effects *fx);
/* When PULSE_EV_TIME is due at the latest. */
uint64_t pulse_next_ms(const struct pulse *p);
const struct views *pulse_views(const struct pulse *p);

#endif
