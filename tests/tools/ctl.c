/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs dsmctl as a user does, in a runtime directory of the test's own. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/hang.h"
#include "tests/tools/ctl.h"

#define ARGS_MAX 32

char ctl_runtime[64];
bool ctl_own_group;
static char dsmctl[256];

void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

void ctl_setup(void)
{
	const char *path = getenv("DSMCTL");

	snprintf(dsmctl, sizeof dsmctl, "%s", path ? path : "tools/dsmctl");
	if (access(dsmctl, X_OK))
		die(dsmctl);
	strcpy(ctl_runtime, "/tmp/dsm-test-ctl.XXXXXX");
	if (!mkdtemp(ctl_runtime))
		die("mkdtemp");
	setenv("XDG_RUNTIME_DIR", ctl_runtime, 1);
	setenv("TMPDIR", ctl_runtime, 1); /* other jobs of this user are none of our business */
	unsetenv("DSM_JOB");
	unsetenv("DSM_RANK");
	unsetenv("DSM_SIZE");
}

bool ctl_nothing_left(void)
{
	DIR *d = opendir(ctl_runtime);
	struct dirent *e;
	bool left = false;

	if (!d)
		die(ctl_runtime);
	while ((e = readdir(d)))
		if (e->d_name[0] != '.') {
			fprintf(stderr, "left behind: %s\n", e->d_name);
			left = true;
		}
	closedir(d);
	return !left;
}

bool ctl_teardown(void)
{
	return rmdir(ctl_runtime) == 0;
}

/* ---------------------------------------------------------------------- running -- */

static void start(struct ctl *c, char **args)
{
	int in[2], out[2], err[2];

	memset(c, 0, sizeof *c);
	c->out_text = calloc(1, CTL_TEXT_MAX);
	c->err_text = calloc(1, CTL_TEXT_MAX);
	if (!c->out_text || !c->err_text || pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) ||
	    pipe2(err, O_CLOEXEC))
		die("pipe");
	fflush(NULL);
	c->start = now_s();
	c->pid = fork();
	if (c->pid < 0)
		die("fork");
	if (c->pid == 0) {
		if (ctl_own_group)
			setpgid(0, 0);
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(err[1], 2);
		execv(dsmctl, args);
		_exit(99);
	}
	close(in[0]);
	close(out[1]);
	close(err[1]);
	c->in = in[1];
	c->out = out[0];
	c->err = err[0];
}

static void start_list(struct ctl *c, const char *first, va_list list)
{
	char *args[ARGS_MAX + 1];
	int n = 0;

	args[n++] = "dsmctl";
	for (const char *arg = first; arg && n < ARGS_MAX; arg = va_arg(list, const char *))
		args[n++] = (char *)arg;
	args[n] = NULL;
	start(c, args);
}

void ctl_start(struct ctl *c, const char *first, ...)
{
	va_list list;

	va_start(list, first);
	start_list(c, first, list);
	va_end(list);
}

static void read_some(int *fd, char *text, size_t *len)
{
	char sink[4096];
	ssize_t n;

	if (*len < CTL_TEXT_MAX - 1)
		n = read(*fd, text + *len, CTL_TEXT_MAX - 1 - *len);
	else
		n = read(*fd, sink, sizeof sink);
	if (n > 0 && *len < CTL_TEXT_MAX - 1)
		*len += n;
	if (n <= 0) {
		close(*fd);
		*fd = -1;
	}
}

/* False when there is nothing more to come. */
static bool pump(struct ctl *c)
{
	struct pollfd p[2] = { { .fd = c->out, .events = POLLIN }, { .fd = c->err, .events = POLLIN } };

	if (c->out < 0 && c->err < 0)
		return false;
	if (now_s() - c->start > HANG_S) {
		fprintf(stderr, "dsmctl hangs; so far: %s%s\n", c->out_text, c->err_text);
		kill(c->pid, SIGKILL);
		exit(1);
	}
	poll(p, 2, 100);
	if (p[0].revents)
		read_some(&c->out, c->out_text, &c->out_len);
	if (p[1].revents)
		read_some(&c->err, c->err_text, &c->err_len);
	return true;
}

int count_text(const char *text, const char *part)
{
	int n = 0;

	for (const char *p = text; (p = strstr(p, part)); p += strlen(part))
		n++;
	return n;
}

/* in: what it has said on one of both, as it grows */
static void expect(struct ctl *c, const char *in, const char *text, int times)
{
	while (count_text(in, text) < times)
		if (c->out_len == CTL_TEXT_MAX - 1 || !pump(c)) {
			fprintf(stderr, "dsmctl %s before \"%s\": %.9999s%s\n",
			        c->out < 0 ? "ended" : "said too much", text, c->out_text,
			        c->err_text);
			exit(1);
		}
}

void ctl_expect_out(struct ctl *c, const char *text, int times)
{
	expect(c, c->out_text, text, times);
}

void ctl_expect_err(struct ctl *c, const char *text)
{
	expect(c, c->err_text, text, 1);
}

static void close_in(struct ctl *c)
{
	if (c->in >= 0)
		close(c->in);
	c->in = -1;
}

void ctl_finish(struct ctl *c)
{
	int status;

	close_in(c);
	while (pump(c))
		;
	while (waitpid(c->pid, &status, WNOHANG) == 0) {
		if (now_s() - c->start > HANG_S) {
			fprintf(stderr, "dsmctl does not end\n");
			kill(c->pid, SIGKILL);
			exit(1);
		}
		usleep(1000);
	}
	c->seconds = now_s() - c->start;
	c->status = WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

void ctl_free(struct ctl *c)
{
	free(c->out_text);
	free(c->err_text);
}

int ctl_run(struct ctl *c, int want, const char *first, ...)
{
	va_list list;

	va_start(list, first);
	start_list(c, first, list);
	va_end(list);
	close_in(c);
	ctl_finish(c);
	if (c->status != want)
		fprintf(stderr, "dsmctl %s: status %d\n%s%s", first, c->status, c->out_text, c->err_text);
	return c->status;
}

/* ---------------------------------------------------------------------- looking -- */

bool has_line(const char *text, const char *line)
{
	size_t len = strlen(line);

	for (const char *p = text; (p = strstr(p, line)); p++)
		if ((p == text || p[-1] == '\n') && (p[len] == '\n' || p[len] == '\0'))
			return true;
	return false;
}

bool process_runs(pid_t pid)
{
	char path[40], text[256];
	const char *end;
	ssize_t n = 0;
	int fd;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, sizeof text - 1);
		close(fd);
	}
	if (n <= 0)
		return false;
	text[n] = '\0';
	end = strrchr(text, ')');
	return end && strncmp(end, ") Z", 3) && strncmp(end, ") X", 3);
}

bool processes_ended(const char *text)
{
	for (const char *p = text; (p = strstr(p, "pid ")); p++)
		if (process_runs(atoi(p + 4))) {
			fprintf(stderr, "process %d still runs\n", atoi(p + 4));
			return false;
		}
	return true;
}

bool processes_end(const char *text)
{
	double end = now_s() + HANG_S;

	for (const char *p = text; (p = strstr(p, "pid ")); p++) {
		pid_t pid = atoi(p + 4);

		while (process_runs(pid)) {
			if (now_s() > end) {
				fprintf(stderr, "process %d still runs\n", (int)pid);
				return false;
			}
			usleep(2000);
		}
	}
	return true;
}
