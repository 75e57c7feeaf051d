/* SPDX-License-Identifier: BSD-2-Clause */
/* Watches the processes of a job, and says which of them has failed. */
#include "config.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "dsm/job/job.h"
#include "tools/ctl/crew_impl.h"
#include "tools/ctl/ctl.h"
#include "tools/ctl/keeper.h"
#include "tools/ctl/leftovers.h"
#include "tools/ctl/relay.h"

#define INTERRUPTS_MAX 3 /* which nodes may take to be anything else than their end */
#define DOUBT_S 3.0 /* for the node that is to blame to be dead */

static const int forwarded[CREW_FORWARDED] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT,
	                                             SIGUSR1, SIGUSR2, SIGCONT };

static void tell_failure(struct crew *c, int rank, int status)
{
	const char *more = !c->running           ? ""
	                   : c->options->survive ? "; the others go on"
	                                         : "; ending the others";

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

static int exit_status(int status)
{
	return WIFSIGNALED(status) ? CTL_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
}

static void rank_failed(struct crew *c, int rank, int status)
{
	tell_failure(c, rank, status);
	if (!c->status)
		c->status = exit_status(status);
	crew_end(c);
}

/* Of a job that survives. That some ranks were lost shows in the status, and that others were not. */
static void rank_counts(struct crew *c, int rank, int status)
{
	if (status == 0) {
		c->well++;
	} else {
		tell_failure(c, rank, status);
		rendezvous_gone(c->rendezvous, rank); /* without whom it cannot begin */
		if (c->lost++ == 0)
			c->lost_status = exit_status(status);
	}
	if (c->running == 0 && c->lost && !c->status)
		c->status = c->well ? CTL_SURVIVED : c->lost_status;
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
	if (c->phase == WORKING && c->options->survive) {
		rank_counts(c, rank, status);
	} else if (c->phase == WORKING && c->suspect >= 0) {
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

/* Whatever the nodes make of it. */
static void insisted(struct crew *c)
{
	if (c->phase == WORKING && !c->status) {
		relay_say(c->relay, "interrupted %d times: ending the job", INTERRUPTS_MAX);
		c->status = CTL_SIGNAL + SIGINT;
	}
	crew_end(c);
	crew_signal(c, SIGKILL);
}

/* The terminal stops us alone: the ranks are in groups of their own. We go on by SIGCONT, which is
 * passed on; or at once, where nobody is there who could send one, and so the ranks must, too. */
static void on_stop(struct ev_loop *loop, ev_signal *w, int events)
{
	struct sigaction ours, plain = { .sa_handler = SIG_DFL };

	crew_signal(w->data, SIGTSTP);
	sigaction(SIGTSTP, &plain, &ours);
	raise(SIGTSTP);
	sigaction(SIGTSTP, &ours, NULL);
	crew_signal(w->data, SIGCONT);
}

static bool is_ignored(int signal)
{
	struct sigaction old;

	return sigaction(signal, NULL, &old) == 0 && old.sa_handler == SIG_IGN;
}

static void on_forwarded(struct ev_loop *loop, ev_signal *w, int events)
{
	struct crew *c = w->data;

	crew_signal(c, w->signum);
	if (w->signum == SIGCONT)
		return;
	c->last_signal = w->signum;
	if (w->signum == SIGUSR1 || w->signum == SIGUSR2)
		return;
	c->hurry = true;
	if (w->signum == SIGINT && ++c->interrupts == INTERRUPTS_MAX)
		insisted(c);
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

void crew_watching_start(struct crew *c)
{
	ev_io_init(&c->meeting, on_meeting, rendezvous_fd(c->rendezvous), EV_READ);
	ev_signal_init(&c->child, on_child, SIGCHLD);
	ev_timer_init(&c->doubt, on_doubt, DOUBT_S, 0.);
	c->meeting.data = c->child.data = c->doubt.data = c;
	ev_io_start(c->loop, &c->meeting);
	ev_signal_start(c->loop, &c->child);
	for (size_t i = 0; i < CREW_FORWARDED; i++) {
		/* What nohup or a shell in the background had ignored, the ranks ignore too. */
		if (is_ignored(forwarded[i]))
			continue;
		ev_signal_init(&c->signals[i], on_forwarded, forwarded[i]);
		c->signals[i].data = c;
		ev_signal_start(c->loop, &c->signals[i]);
	}
	if (is_ignored(SIGTSTP))
		return;
	ev_signal_init(&c->stop, on_stop, SIGTSTP);
	c->stop.data = c;
	ev_signal_start(c->loop, &c->stop);
}
