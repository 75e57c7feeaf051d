/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A job on this machine: the rendezvous of its nodes, their processes, and the pipe through
 * which rank 0 tells results. When one node fails, all end.
 */
#include "tools/bench/jobs_impl.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dsm/job/job.h"

int job_fail(struct job *j, const char *what, int error)
{
	fprintf(stderr, "dsm-bench: %s: %s\n", what, strerror(error));
	return j->status = BENCH_FAILED;
}

/* ---------------------------------------------------------------- its directory -- */

/* Where dsmctl looks for jobs as well: it can show this one, and clear up after it. */
static int directory_open(struct job *j)
{
	char root[JOBROOT_MAX + 1];
	int err = jobroot_make(root);

	if (err)
		return job_fail(j, root, -err);
	snprintf(j->dir, sizeof j->dir, "%s/dsm-bench-%d", root, (int)getpid());
	jobdir_remove(j->dir); /* of a process that had our number */
	err = rendezvous_open(j->dir, j->nodes, &j->rendezvous);
	return err ? job_fail(j, j->dir, -err) : 0;
}

/* -------------------------------------------------------------------- watching -- */

static void kill_nodes(const struct job *j)
{
	/* Those that have been waited for have no descriptor any more. */
	for (int rank = 0; rank < j->nodes; rank++)
		if (j->pidfd[rank] >= 0)
			syscall(SYS_pidfd_send_signal, j->pidfd[rank], SIGKILL, NULL, 0);
}

static void node_ended(struct job *j, int rank)
{
	int status = 0;

	if (waitpid(j->pid[rank], &status, 0) != j->pid[rank])
		status = 0;
	close(j->pidfd[rank]);
	j->pidfd[rank] = -1;
	j->running--;
	if (status == 0) {
		rendezvous_gone(j->rendezvous, rank);
		return;
	}
	if (!j->status) {
		j->status = BENCH_FAILED;
		if (WIFSIGNALED(status))
			fprintf(stderr, "dsm-bench: node %d was ended by signal %d (%s)\n", rank,
			        WTERMSIG(status), strsignal(WTERMSIG(status)));
		else
			fprintf(stderr, "dsm-bench: node %d has failed\n", rank);
	}
	kill_nodes(j);
}

static void take_rendezvous(struct job *j)
{
	const char *why;

	rendezvous_step(j->rendezvous, 0);
	why = rendezvous_ended(j->rendezvous);
	if (why && !j->told && !j->status) {
		j->told = true;
		fprintf(stderr, "dsm-bench: %s\n", why);
	}
}

/* All waits are the nodes' own, each with its limit, so this one ends. */
static void watch(struct job *j)
{
	struct pollfd fds[NODES_MAX + 3];
	struct signalfd_siginfo info;

	while (j->running || j->results >= 0) {
		fds[0] = (struct pollfd){ .fd = rendezvous_fd(j->rendezvous), .events = POLLIN };
		fds[1] = (struct pollfd){ .fd = j->results, .events = POLLIN };
		fds[2] = (struct pollfd){ .fd = j->signals, .events = POLLIN };
		for (int rank = 0; rank < j->nodes; rank++)
			fds[3 + rank] = (struct pollfd){ .fd = j->pidfd[rank], .events = POLLIN };
		/* The rendezvous has deadlines of its own to look at now and then. */
		if (poll(fds, (nfds_t)j->nodes + 3, 250) < 0 && errno != EINTR)
			break;
		take_rendezvous(j);
		if (fds[1].revents)
			job_take_results(j);
		if (fds[2].revents && read(j->signals, &info, sizeof info) == sizeof info) {
			fprintf(stderr, "dsm-bench: ended by signal %u (%s)\n", info.ssi_signo,
			        strsignal((int)info.ssi_signo));
			j->status = 128 + (int)info.ssi_signo;
			kill_nodes(j);
		}
		for (int rank = 0; rank < j->nodes; rank++)
			if (j->pidfd[rank] >= 0 && fds[3 + rank].revents)
				node_ended(j, rank);
	}
}

/* ------------------------------------------------------------------------- run -- */

static void signals_open(struct job *j, sigset_t *before)
{
	sigset_t ours;

	sigemptyset(&ours);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGHUP);
	sigprocmask(SIG_BLOCK, &ours, before);
	j->signals = signalfd(-1, &ours, SFD_CLOEXEC);
}

static void job_close(struct job *j)
{
	for (int rank = 0; rank < j->nodes; rank++)
		if (j->pid[rank])
			job_sweep(j->pid[rank]);
	rendezvous_close(j->rendezvous);
	if (j->dir[0])
		jobroot_leave(j->dir);
	if (j->results >= 0)
		close(j->results);
	if (j->signals >= 0)
		close(j->signals);
}

int job_run(const struct options *options, int nodes, char **tests, struct report *report)
{
	struct job *j = calloc(1, sizeof *j);
	sigset_t before;
	int status;

	if (!j)
		return BENCH_FAILED;
	j->options = options;
	j->report = report;
	j->nodes = nodes;
	j->results = -1;
	for (int rank = 0; rank < NODES_MAX; rank++)
		j->pidfd[rank] = -1;
	signals_open(j, &before);
	if (directory_open(j) == 0) {
		if (job_start(j, tests))
			kill_nodes(j);
		watch(j);
	}
	job_close(j);
	sigprocmask(SIG_SETMASK, &before, NULL);
	status = j->status;
	free(j);
	return status;
}
