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
#include <ev.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dsm/boot/rendezvous.h"
#include "dsm/boot/sweep.h"
#include "tools/ctl/ctl.h"
#include "tools/ctl/input.h"
#include "tools/ctl/jobs.h"
#include "tools/ctl/keeper.h"
#include "tools/ctl/relay.h"
#include "tools/ctl/run.h"
#include "tools/ctl/spawn.h"

#define NODES_MAX 64
#define KILL_S 1.0  /* from SIGTERM to SIGKILL */
#define DOUBT_S 0.3 /* for the node that is to blame to be dead */
#define DRAIN_S 0.5 /* for output of processes that have got away */
#define FLUSH_S 2.0 /* for a reader that is stuck, once we were told to end */

enum phase { WORKING, ENDING, DRAINING };

static const int forwarded[] = { SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2 };
#define FORWARDED (sizeof forwarded / sizeof forwarded[0])

struct crew {
	const struct run_options *options;
	struct ev_loop *loop;
	char dir[BOOT_DIR_MAX + 1];
	struct rendezvous *rendezvous;
	struct keeper *keeper;
	struct relay *relay;
	struct input *input;
	enum phase phase;
	int status;       /* of the first that failed */
	int last_signal;  /* that we passed on */
	bool hurry;       /* told to end: no waiting for a reader that is stuck */
	bool told_end;    /* why the rendezvous ended the job */
	int suspect;      /* the rank that failed first, while a culprit is waited for; or -1 */
	int suspect_status;
	int running;
	pid_t pids[NODES_MAX];  /* 0: ended */
	pid_t swept[NODES_MAX]; /* all that we started */
	ev_io meeting;
	ev_signal child, signals[FORWARDED];
	ev_timer limit, kill, drain, doubt;
};

/* ----------------------------------------------------------------------- ending -- */

static void crew_signal(const struct crew *c, int signal)
{
	for (int rank = 0; rank < c->options->nodes; rank++)
		if (c->pids[rank])
			kill(-c->pids[rank], signal);
}

static void crew_end(struct crew *c)
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

/* Kills what the ranks have left running: as their subreaper we have inherited it, and the
 * keeper, who is spared. Returns how many there are. */
static int leftovers_kill(pid_t keeper)
{
	char path[64];
	FILE *f;
	int pid, count = 0;

	snprintf(path, sizeof path, "/proc/self/task/%ld/children", syscall(SYS_gettid));
	f = fopen(path, "re");
	if (!f)
		return 0;
	while (fscanf(f, "%d", &pid) == 1)
		if (pid != keeper) {
			kill(pid, SIGKILL);
			count++;
		}
	fclose(f);
	return count;
}

/* Nothing may print any more, so what there is can be written. */
static void crew_drain(struct crew *c)
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

static void crew_relay_changed(void *ctx)
{
	struct crew *c = ctx;

	if (relay_broken(c->relay) && c->phase == WORKING) {
		if (!c->status)
			c->status = CTL_SIGNAL + SIGPIPE;
		crew_end(c);
	}
	crew_done_check(c);
}

static void ending_start(struct crew *c)
{
	ev_timer_init(&c->limit, on_limit, c->options->limit_s, 0.);
	ev_timer_init(&c->kill, on_kill, KILL_S, 0.);
	ev_timer_init(&c->drain, on_drain, DRAIN_S, FLUSH_S);
	c->limit.data = c->kill.data = c->drain.data = c;
	if (c->options->limit_s > 0)
		ev_timer_start(c->loop, &c->limit);
}

/* --------------------------------------------------------------------- watching -- */

static void tell_failure(struct crew *c, int rank, int status)
{
	const char *more = c->running ? "; ending the others" : "";

	if (WIFSIGNALED(status) && WTERMSIG(status) == c->last_signal)
		return; /* as the user wished */
	if (WIFSIGNALED(status))
		relay_say(c->relay, "rank %d was ended by signal %d (%s)%s", rank, WTERMSIG(status),
		          strsignal(WTERMSIG(status)), more);
	else
		relay_say(c->relay, "rank %d exited with status %d%s", rank, WEXITSTATUS(status), more);
}

/* Why the rendezvous ended the job, once: it explains the failures that follow. */
static void tell_end(struct crew *c)
{
	const char *why = rendezvous_ended(c->rendezvous);

	if (!why || c->told_end)
		return;
	c->told_end = true;
	if (c->phase == WORKING)
		relay_say(c->relay, "%s", why);
}

static void rank_failed(struct crew *c, int rank, int status)
{
	tell_failure(c, rank, status);
	if (!c->status)
		c->status = WIFSIGNALED(status) ? CTL_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
	crew_end(c);
}

/* A node that dies slowly (its memory goes first) makes others fail before it is dead
 * itself. The first failure to be told is its, if it ends soon. */
static bool culprit_comes(const struct crew *c, int rank)
{
	int culprit = rendezvous_culprit(c->rendezvous);

	return culprit >= 0 && culprit != rank && c->pids[culprit];
}

static void on_doubt(struct ev_loop *loop, ev_timer *w, int events)
{
	struct crew *c = w->data;

	if (c->phase == WORKING)
		rank_failed(c, c->suspect, c->suspect_status);
}

static void rank_ended(struct crew *c, int rank, int status)
{
	c->pids[rank] = 0;
	keeper_note(c->keeper, rank, 0);
	c->running--;
	/* What the nodes have said comes before what became of them. */
	rendezvous_step(c->rendezvous, 0);
	if (status == 0)
		rendezvous_gone(c->rendezvous, rank);
	tell_end(c);
	if (c->phase == WORKING && c->suspect >= 0) {
		if (status && rank == rendezvous_culprit(c->rendezvous))
			rank_failed(c, rank, status);
		else if (rank == rendezvous_culprit(c->rendezvous) || c->running == 0)
			rank_failed(c, c->suspect, c->suspect_status);
	} else if (c->phase == WORKING && status && culprit_comes(c, rank)) {
		c->suspect = rank;
		c->suspect_status = status;
		ev_timer_start(c->loop, &c->doubt);
	} else if (c->phase == WORKING && status) {
		rank_failed(c, rank, status);
	}
	if (c->running == 0)
		crew_drain(c);
}

static int rank_of(const struct crew *c, pid_t pid)
{
	for (int rank = 0; rank < c->options->nodes; rank++)
		if (c->pids[rank] == pid)
			return rank;
	return -1;
}

static void on_child(struct ev_loop *loop, ev_signal *w, int events)
{
	struct crew *c = w->data;
	siginfo_t info;
	int rank, status;

	for (;;) {
		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) || info.si_pid == 0)
			break;
		rank = rank_of(c, info.si_pid);
		/* Its children go with it. Until it is reaped, nobody else has its number. */
		if (rank >= 0)
			kill(-info.si_pid, SIGKILL);
		if (waitpid(info.si_pid, &status, 0) == info.si_pid && rank >= 0)
			rank_ended(c, rank, status);
	}
	if (c->phase == DRAINING)
		leftovers_kill(keeper_pid(c->keeper)); /* what has just lost its parent */
}

static void on_forwarded(struct ev_loop *loop, ev_signal *w, int events)
{
	struct crew *c = w->data;

	c->last_signal = w->signum;
	crew_signal(c, w->signum);
	if (w->signum == SIGUSR1 || w->signum == SIGUSR2)
		return;
	c->hurry = true;
	if (c->phase != DRAINING)
		return;
	/* The job has ended, and somebody does not want to wait for the reader. */
	if (!c->status)
		c->status = CTL_SIGNAL + w->signum;
	ev_break(loop, EVBREAK_ALL);
}

static void on_meeting(struct ev_loop *loop, ev_io *w, int events)
{
	struct crew *c = w->data;

	rendezvous_step(c->rendezvous, 0);
	tell_end(c);
}

static void watching_start(struct crew *c)
{
	struct sigaction old;

	ev_io_init(&c->meeting, on_meeting, rendezvous_fd(c->rendezvous), EV_READ);
	ev_signal_init(&c->child, on_child, SIGCHLD);
	ev_timer_init(&c->doubt, on_doubt, DOUBT_S, 0.);
	c->meeting.data = c->child.data = c->doubt.data = c;
	ev_io_start(c->loop, &c->meeting);
	ev_signal_start(c->loop, &c->child);
	for (size_t i = 0; i < FORWARDED; i++) {
		/* What nohup or a shell in the background had ignored, the ranks ignore too. */
		if (sigaction(forwarded[i], NULL, &old) == 0 && old.sa_handler == SIG_IGN)
			continue;
		ev_signal_init(&c->signals[i], on_forwarded, forwarded[i]);
		c->signals[i].data = c;
		ev_signal_start(c->loop, &c->signals[i]);
	}
}

/* --------------------------------------------------------------------- starting -- */

static int rank_start(struct crew *c, int rank, int in)
{
	const struct run_options *o = c->options;
	const struct spawn s = {
		.argv = o->argv, .rank = rank, .size = o->nodes, .job_dir = c->dir,
		.provider = o->provider, .region = o->region, .faults = o->faults, .log = o->log,
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
	int fd, err;

	/* Descriptors 0 to 2 must not become a pipe or socket of ours. */
	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	close(fd);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (jobs_create(job_name(c->options->argv[0]), c->options->nodes, c->dir, &c->rendezvous))
		return CTL_FAILED;
	err = keeper_open(c->dir, c->options->nodes, &c->keeper);
	c->loop = err ? NULL : ev_loop_new(EVFLAG_AUTO);
	if (c->loop)
		err = relay_open(c->loop, &config, &c->relay);
	if (!err && c->loop)
		return 0;
	ctl_error("cannot start: %s", strerror(err ? -err : ENOMEM));
	return CTL_FAILED;
}

/* Reaps what has been killed, for a bounded time. */
static void leftovers_reap(pid_t keeper)
{
	const struct timespec pause = { 0, 5000000 };
	siginfo_t info;

	for (int i = 0; i < 200 && leftovers_kill(keeper) > 0; i++) {
		for (;;) {
			info.si_pid = 0;
			if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) || info.si_pid == 0 ||
			    info.si_pid == keeper)
				break;
			waitpid(info.si_pid, NULL, 0);
		}
		nanosleep(&pause, NULL);
	}
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
		ending_start(&c);
		watching_start(&c);
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
