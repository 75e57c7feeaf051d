/* SPDX-License-Identifier: BSD-2-Clause */
/* Starts the process of one rank: pipes, environment, process group, exec. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/ctl/ctl.h"
#include "tools/ctl/spawn.h"
#include "tools/ctl/threads.h"

static void set(const char *name, const char *value)
{
	if (value)
		setenv(name, value, 1);
}

static void set_number(const char *name, int value)
{
	char text[16];

	snprintf(text, sizeof text, "%d", value);
	setenv(name, text, 1);
}

static struct rlimit files; /* of whoever has started us, and so the nodes' */
static int raised;

void spawn_raise_limit(void)
{
	struct rlimit all;

	if (getrlimit(RLIMIT_NOFILE, &files))
		return;
	all = (struct rlimit){ files.rlim_max, files.rlim_max };
	raised = setrlimit(RLIMIT_NOFILE, &all) == 0;
}

static void environment(const struct spawn *s)
{
	/* A job is of one kind: of this one, whatever the shell is set up for. */
	unsetenv("DSM_RENDEZVOUS");
	unsetenv("DSM_SECRET");
	set("DSM_JOB", s->job_dir);
	set_number("DSM_RANK", s->rank);
	set_number("DSM_SIZE", s->size);
	set("DSM_PROVIDER", s->provider);
	set("DSM_RESTORE", s->restore);
	set("DSM_RESTORE_PAGES", s->restore_pages);
	set("DSM_ON_LOSS", s->on_loss);
	set("DSM_REGION", s->region);
	set("DSM_FAULTS", s->faults);
	set("DSM_LOG", s->log);
	if (*s->preload)
		threads_environment(s->preload, s->place);
	/* Libraries below libfabric take signals that are ours, or watch memory with the
	 * means that we use. */
	setenv("IPATH_NO_BACKTRACE", "1", 0);
	setenv("FI_MR_CACHE_MONITOR", "disabled", 0);
}

/* In the child. Does not return. */
static void become(const struct spawn *s, pid_t parent, const int out[2], const int err[2],
                   int report)
{
	sigset_t none;
	int in = s->in, code;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1); /* it died before that */
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (in < 0)
		in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	environment(s);
	if (raised)
		setrlimit(RLIMIT_NOFILE, &files);
	if (in >= 0 && dup2(in, STDIN_FILENO) >= 0 && dup2(out[1], STDOUT_FILENO) >= 0 &&
	    dup2(err[1], STDERR_FILENO) >= 0)
		execvp(s->argv[0], s->argv);
	code = errno;
	if (write(report, &code, sizeof code) < 0)
		_exit(1);
	_exit(1);
}

static void pipe_close(int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

static const char *advice(int code)
{
	return code != EMFILE ? "" :
	       "; RLIMIT_NOFILE (ulimit -n), and its hard limit, has to be higher for so many nodes";
}

static int cannot(const char *what)
{
	ctl_error("%s: %s%s", what, strerror(errno), advice(errno));
	return CTL_FAILED;
}

int spawn_rank(const struct spawn *s, struct spawned *sp)
{
	int out[2], err[2], report[2], code = 0, status;
	pid_t parent = getpid(), pid;
	ssize_t n;

	if (pipe2(out, O_CLOEXEC))
		return cannot("pipe");
	if (pipe2(err, O_CLOEXEC)) {
		status = cannot("pipe");
		goto err_out;
	}
	if (pipe2(report, O_CLOEXEC)) {
		status = cannot("pipe");
		goto err_err;
	}
	pid = fork();
	if (pid < 0) {
		status = cannot("fork");
		goto err_report;
	}
	if (pid == 0)
		become(s, parent, out, err, report[1]);
	setpgid(pid, pid); /* whoever comes first: the group is there when we go on */
	close(report[1]);
	do
		n = read(report[0], &code, sizeof code); /* its end comes with exec */
	while (n < 0 && errno == EINTR);
	close(report[0]);
	close(out[1]);
	close(err[1]);
	if (n == sizeof code) {
		ctl_error("cannot run '%s': %s%s", s->argv[0], strerror(code), advice(code));
		waitpid(pid, NULL, 0);
		close(out[0]);
		close(err[0]);
		return code == ENOENT ? CTL_NOT_FOUND : CTL_CANNOT_RUN;
	}
	sp->pid = pid;
	sp->out = out[0];
	sp->err = err[0];
	return 0;

err_report:
	pipe_close(report);
err_err:
	pipe_close(err);
err_out:
	pipe_close(out);
	return status;
}
