/* SPDX-License-Identifier: BSD-2-Clause */
/* Ends the processes of a job: those that are told to, and what they leave running. */
#include "config.h"

#include <signal.h>

#include "tools/ctl/crew_impl.h"
#include "tools/ctl/ctl.h"
#include "tools/ctl/keeper.h"
#include "tools/ctl/leftovers.h"
#include "tools/ctl/relay.h"

#define KILL_S 1.0  /* from SIGTERM to SIGKILL */
#define DRAIN_S 0.5 /* for output of processes that have got away */
#define FLUSH_S 2.0 /* for a reader that is stuck, once we were told to end */

void crew_signal(const struct crew *c, int signal)
{
	for (int rank = 0; rank < c->options->nodes; rank++)
		if (c->pids[rank])
			kill(-c->pids[rank], signal);
}

void crew_end(struct crew *c)
{
	if (c->phase != WORKING)
		return;
	c->phase = ENDING;
	crew_signal(c, SIGTERM);
	crew_signal(c, SIGCONT); /* those who are stopped do not hear otherwise */
	ev_timer_start(c->loop, &c->kill);
}

static void on_kill(struct ev_loop *loop, ev_timer *w, int events)
{
	crew_signal(w->data, SIGKILL);
}

static void on_limit(struct ev_loop *loop, ev_timer *w, int events)
{
	struct crew *c = w->data;

	if (c->phase == WORKING && !c->status) {
		relay_say(c->relay, "the time is over: ending the job after %g s", c->options->limit_s);
		c->status = CTL_TIME_OVER;
	}
	c->hurry = true;
	crew_end(c);
}

/* Nothing may print any more, so what there is can be written. */
void crew_drain(struct crew *c)
{
	c->phase = DRAINING;
	ev_timer_stop(c->loop, &c->kill);
	ev_timer_stop(c->loop, &c->doubt);
	leftovers_kill(keeper_pid(c->keeper));
	ev_timer_set(&c->drain, DRAIN_S, FLUSH_S);
	ev_timer_start(c->loop, &c->drain);
	ev_feed_event(c->loop, &c->drain, EV_CUSTOM);
}

static void crew_done_check(struct crew *c)
{
	if (c->phase == DRAINING && !relay_reads(c->relay) && !relay_writes(c->relay))
		ev_break(c->loop, EVBREAK_ALL);
}

static void on_drain(struct ev_loop *loop, ev_timer *w, int events)
{
	struct crew *c = w->data;

	if ((events & EV_TIMER) && relay_reads(c->relay))
		relay_cut(c->relay);
	else if ((events & EV_TIMER) && c->hurry)
		ev_break(loop, EVBREAK_ALL);
	crew_done_check(c);
}

void crew_relay_changed(void *ctx)
{
	struct crew *c = ctx;

	if (relay_broken(c->relay) && c->phase == WORKING) {
		if (!c->status)
			c->status = CTL_SIGNAL + SIGPIPE;
		crew_end(c);
	}
	crew_done_check(c);
}

void crew_ending_start(struct crew *c)
{
	ev_timer_init(&c->limit, on_limit, c->options->limit_s, 0.);
	ev_timer_init(&c->kill, on_kill, KILL_S, 0.);
	ev_timer_init(&c->drain, on_drain, DRAIN_S, FLUSH_S);
	c->limit.data = c->kill.data = c->drain.data = c;
	if (c->options->limit_s > 0)
		ev_timer_start(c->loop, &c->limit);
}
