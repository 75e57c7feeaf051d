/* SPDX-License-Identifier: BSD-2-Clause */
/* The processes of a job. */
#include "tools/bench/jobs_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ARGS_MAX 64

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
	if (j->options->apps)
		args[n++] = "apps";
	for (int i = 0; tests[i] && i < ARGS_MAX; i++)
		args[n++] = tests[i];
	args[n] = NULL;
	execv("/proc/self/exe", args);
	fprintf(stderr, "dsm-bench: cannot start itself: %s\n", strerror(errno));
	_exit(BENCH_FAILED);
}

int job_start(struct job *j, char **tests)
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
