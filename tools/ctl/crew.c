/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The processes of a job: started together, watched, and ended together.
 *
 *	WORKING   --- a rank failed, or the time is over --->  ENDING (SIGTERM, then SIGKILL)
 *	   |                                                     |
 *	   +---- the last rank has ended ---> DRAINING <---------+
 *	                                         |
 *	            all is written that they printed: the loop ends
 */
#include "config.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "dsm/job/job.h"
#include "tools/ctl/crew_impl.h"
#include "tools/ctl/ctl.h"
#include "tools/ctl/input.h"
#include "tools/ctl/jobs.h"
#include "tools/ctl/keeper.h"
#include "tools/ctl/leftovers.h"
#include "tools/ctl/relay.h"
#include "tools/ctl/spawn.h"
#include "tools/ctl/threads.h"

/* --------------------------------------------------------------------- starting -- */

static int rank_start(struct crew *c, int rank, int in)
{
	const struct run_options *o = c->options;
	const struct spawn s = {
		.argv = o->argv, .rank = rank, .size = o->nodes, .job_dir = c->dir,
		.provider = o->provider, .region = o->region, .faults = o->faults, .log = o->log,
		.restore = o->restore, .restore_pages = o->restore_pages,
		.on_loss = o->survive ? "continue" : NULL, .place = o->place, .preload = c->preload,
		.in = in,
	};
	struct spawned sp;
	int status = spawn_rank(&s, &sp);

	if (status)
		return status;
	c->pids[rank] = c->swept[rank] = sp.pid;
	c->running++;
	keeper_note(c->keeper, rank, sp.pid);
	if (relay_add(c->relay, rank, STDOUT_FILENO, sp.out) ||
	    relay_add(c->relay, rank, STDERR_FILENO, sp.err)) {
		ctl_error("out of memory");
		return CTL_FAILED;
	}
	return 0;
}

static void ranks_start(struct crew *c)
{
	int in;

	if (input_open(c->loop, &c->input, &in)) {
		ctl_error("cannot pass standard input on");
		c->status = CTL_FAILED;
		return;
	}
	for (int rank = 0; rank < c->options->nodes && !c->status; rank++)
		c->status = rank_start(c, rank, rank == 0 ? in : -1);
	if (in != STDIN_FILENO)
		close(in);
}

/* ---------------------------------------------------------------- begin and end -- */

static int crew_open(struct crew *c)
{
	const struct relay_config config = { .prefix = c->options->prefix,
		                             .changed = crew_relay_changed, .ctx = c };
	int err;

	if (c->options->threads && threads_prepare(c->options->argv[0], c->preload))
		return CTL_CANNOT_RUN;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	spawn_raise_limit();
	if (jobs_create(job_name(c->options->argv[0]), c->options->nodes, c->dir, &c->rendezvous))
		return CTL_FAILED;
	if (c->options->survive)
		rendezvous_survive(c->rendezvous);
	err = keeper_open(c->dir, c->options->nodes, &c->keeper);
	c->loop = err ? NULL : ev_loop_new(EVFLAG_AUTO);
	if (c->loop)
		err = relay_open(c->loop, &config, &c->relay);
	if (!err && c->loop)
		return 0;
	ctl_error("cannot start: %s", strerror(err ? -err : ENOMEM));
	return CTL_FAILED;
}

static void crew_close(struct crew *c)
{
	if (c->keeper)
		leftovers_reap(keeper_pid(c->keeper));
	if (c->loop) {
		input_close(c->input);
		relay_close(c->relay);
		ev_loop_destroy(c->loop);
	}
	if (c->rendezvous) {
		job_sweep_all(c->dir);
		for (int rank = 0; rank < NODES_MAX; rank++)
			if (c->swept[rank])
				job_sweep(c->swept[rank]);
		rendezvous_close(c->rendezvous);
		jobroot_leave(c->dir);
	}
	keeper_close(c->keeper);
}

int crew_run(const struct run_options *options)
{
	struct crew c = { .options = options, .suspect = -1 };

	assert(options->nodes <= NODES_MAX);
	c.status = crew_open(&c);
	if (!c.status) {
		crew_ending_start(&c);
		crew_watching_start(&c);
		ranks_start(&c);
		if (c.status)
			crew_end(&c);
		if (c.running == 0)
			crew_drain(&c);
		ev_run(c.loop, 0);
	}
	crew_close(&c);
	return c.status;
}
