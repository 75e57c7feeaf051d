/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A job on this machine: the rendezvous of its nodes, their processes, and the pipe through
 * which rank 0 tells results. When one node fails, all end.
 */
#include "tools/bench/jobs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dsm/boot/boot.h"
#include "dsm/boot/bootmsg.h"
#include "dsm/boot/jobdir.h"
#include "dsm/boot/jobroot.h"
#include "dsm/boot/rendezvous.h"
#include "dsm/boot/sweep.h"

#define NODES_MAX BOOT_LOCAL_MAX
#define ARGS_MAX 64
#define LINE_MAX_BYTES 65536

struct job {
	const struct options *options;
	struct report *report;
	struct rendezvous *rendezvous;
	char dir[BOOT_DIR_MAX + 1];
	int nodes, running, status;
	pid_t pid[NODES_MAX]; /* as started; for what they leave behind */
	int pidfd[NODES_MAX]; /* -1: has ended */
	int results, signals; /* descriptors */
	size_t line_len;
	char line[LINE_MAX_BYTES]; /* the beginning of one */
	bool told;
};

static int job_fail(struct job *j, const char *what, int error)
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

/* ------------------------------------------------------------------- processes -- */

static void set_number(const char *name, int value)
{
	char text[16];

	snprintf(text, sizeof text, "%d", value);
	setenv(name, text, 1);
}

/* In the child. Does not return. */
static void become_node(const struct job *j, int rank, pid_t parent, char **tests, int results)
{
	char reps[16], fd[16], *args[ARGS_MAX + 16];
	sigset_t none;
	int n = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(BENCH_FAILED); /* it died before that */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setenv("DSM_JOB", j->dir, 1);
	set_number("DSM_RANK", rank);
	set_number("DSM_SIZE", j->nodes);
	/* As dsmctl does: libraries below libfabric take signals that are ours, or watch
	 * memory with the means that we use. */
	setenv("IPATH_NO_BACKTRACE", "1", 0);
	setenv("FI_MR_CACHE_MONITOR", "disabled", 0);
	snprintf(reps, sizeof reps, "%u", j->options->reps);
	snprintf(fd, sizeof fd, "%d", results);
	args[n++] = "dsm-bench";
	args[n++] = "--results";
	args[n++] = fd;
	args[n++] = "--reps";
	args[n++] = reps;
	args[n++] = "--faults";
	args[n++] = (char *)j->options->faults;
	args[n++] = "--zone";
	args[n++] = j->options->pmd ? "pmd" : "pte";
	if (j->options->provider) {
		args[n++] = "--provider";
		args[n++] = (char *)j->options->provider;
	}
	if (j->options->no_floors)
		args[n++] = "--no-floors";
	if (j->options->brief)
		args[n++] = "--short";
	for (int i = 0; tests[i] && i < ARGS_MAX; i++)
		args[n++] = tests[i];
	args[n] = NULL;
	execv("/proc/self/exe", args);
	fprintf(stderr, "dsm-bench: cannot start itself: %s\n", strerror(errno));
	_exit(BENCH_FAILED);
}

static int job_start(struct job *j, char **tests)
{
	pid_t parent = getpid();
	int fds[2];

	if (pipe(fds))
		return job_fail(j, "pipe", errno);
	fcntl(fds[0], F_SETFD, FD_CLOEXEC);
	j->results = fds[0];
	for (int rank = 0; rank < j->nodes && !j->status; rank++) {
		pid_t pid = fork();

		if (pid < 0) {
			job_fail(j, "fork", errno);
			break;
		}
		if (pid == 0)
			become_node(j, rank, parent, tests, fds[1]);
		j->pid[rank] = pid;
		j->pidfd[rank] = (int)syscall(SYS_pidfd_open, pid, 0);
		j->running++;
		if (j->pidfd[rank] < 0)
			job_fail(j, "pidfd_open", errno);
	}
	close(fds[1]);
	return j->status;
}

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

/* ---------------------------------------------------------------------- results -- */

static void take_line(struct job *j, const char *text, size_t len)
{
	json_t *line = json_loadb(text, len, 0, NULL);

	if (!line)
		return;
	report_take(j->report, line);
	json_decref(line);
}

static void job_take_results(struct job *j)
{
	ssize_t n = read(j->results, j->line + j->line_len, sizeof j->line - j->line_len);
	char *start = j->line, *end;

	if (n < 0 && errno == EINTR)
		return;
	if (n <= 0) {
		close(j->results);
		j->results = -1; /* rank 0 has said all */
		return;
	}
	j->line_len += (size_t)n;
	while ((end = memchr(start, '\n', j->line_len))) {
		take_line(j, start, (size_t)(end - start));
		j->line_len -= (size_t)(end + 1 - start);
		start = end + 1;
	}
	memmove(j->line, start, j->line_len);
	if (j->line_len == sizeof j->line)
		j->line_len = 0; /* not one of ours */
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

/* ------------------------------------------------------------------------- run -- */

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
