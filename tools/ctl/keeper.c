/* SPDX-License-Identifier: BSD-2-Clause */
/* The process that clears up after a dsmctl that was killed. */
#include "config.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dsm/job/job.h"
#include "tools/ctl/jobs.h"
#include "tools/ctl/keeper.h"

#define NODES_MAX 64
#define END_MS 2000

/* Shared by both processes: dsmctl writes, the keeper reads once dsmctl is dead. */
struct notes {
	_Atomic pid_t groups[NODES_MAX];
};

struct keeper {
	struct notes *notes;
	pid_t pid;
	int fd; /* a socket: its end is how the keeper learns of ours */
};

static int is_noted(const struct notes *notes, pid_t group)
{
	for (int i = 0; i < NODES_MAX; i++)
		if (group > 0 && atomic_load(&notes->groups[i]) == group)
			return 1;
	return 0;
}

/* Whether a process, by its directory in /proc, is in a noted group and still runs. One
 * that only waits for its new parent to reap it does not. */
static int runs(const struct notes *notes, const char *pid)
{
	char path[280], text[256], state = 'Z';
	const char *end;
	int fd, group = 0;
	ssize_t n;

	snprintf(path, sizeof path, "/proc/%s/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof text - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	end = strrchr(text, ')'); /* the name before it may hold anything */
	return end && sscanf(end, ") %c %*d %d", &state, &group) == 2 && state != 'Z' &&
	       state != 'X' && is_noted(notes, group);
}

static int groups_end(const struct notes *notes)
{
	struct dirent *e;
	int alive = 0;
	DIR *d;

	for (int i = 0; i < NODES_MAX; i++)
		if (notes->groups[i] > 0)
			kill(-notes->groups[i], SIGKILL);
	d = opendir("/proc");
	if (!d)
		return 1;
	while (!alive && (e = readdir(d)))
		alive = isdigit((unsigned char)e->d_name[0]) && runs(notes, e->d_name);
	closedir(d);
	return alive;
}

/* Ends the process. */
static void keeper_main(const char *job_dir, const struct notes *notes, int fd)
{
	const struct timespec pause = { 0, 5000000 };
	char byte;
	ssize_t n;

	/* No signal of the terminal's, and nothing held open: neither the output that
	 * somebody reads to its end, nor the job's sockets. */
	setpgid(0, 0);
	signal(SIGHUP, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	prctl(PR_SET_NAME, "dsmctl-keeper");
	if (dup2(fd, 0) < 0)
		_exit(1);
	close_range(1, ~0u, 0);
	if (write(0, "", 1) != 1)
		_exit(1);
	do
		n = read(0, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		_exit(0);
	for (int i = 0; i < END_MS / 5 && groups_end(notes); i++)
		nanosleep(&pause, NULL);
	job_sweep_all(job_dir);
	for (int i = 0; i < NODES_MAX; i++)
		if (notes->groups[i] > 0)
			job_sweep(notes->groups[i]);
	jobdir_remove(job_dir);
	jobroot_leave(job_dir);
	_exit(0);
}

/* Until it is in a group of its own, a signal for dsmctl would end it, too. */
static int keeper_is_ready(int fd)
{
	char byte;
	ssize_t n;

	do
		n = read(fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	return n == 1;
}

int keeper_open(const char *job_dir, int nodes, struct keeper **out)
{
	struct keeper *k = calloc(1, sizeof *k);
	int fds[2], err;

	if (!k)
		return -ENOMEM;
	k->notes = mmap(NULL, sizeof *k->notes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
	                -1, 0);
	if (k->notes == MAP_FAILED) {
		err = -errno;
		goto err_free;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds)) {
		err = -errno;
		goto err_unmap;
	}
	k->pid = fork();
	if (k->pid < 0) {
		err = -errno;
		goto err_close;
	}
	if (k->pid == 0) {
		close(fds[1]);
		keeper_main(job_dir, k->notes, fds[0]);
	}
	close(fds[0]);
	if (!keeper_is_ready(fds[1])) {
		waitpid(k->pid, NULL, 0);
		err = -ECHILD;
		goto err_close_own;
	}
	k->fd = fds[1];
	*out = k;
	return 0;

err_close:
	close(fds[0]);
err_close_own:
	close(fds[1]);
err_unmap:
	munmap(k->notes, sizeof *k->notes);
err_free:
	free(k);
	return err;
}

void keeper_note(struct keeper *k, int rank, pid_t group)
{
	/* No order matters: the reader comes after our death. */
	atomic_store_explicit(&k->notes->groups[rank], group, memory_order_relaxed);
}

pid_t keeper_pid(const struct keeper *k)
{
	return k->pid;
}

void keeper_close(struct keeper *k)
{
	if (!k)
		return;
	/* Without a reader (it was killed) the write fails, which is as good. */
	if (send(k->fd, "", 1, MSG_NOSIGNAL) < 0 && errno != EPIPE)
		kill(k->pid, SIGKILL);
	close(k->fd);
	waitpid(k->pid, NULL, 0);
	munmap(k->notes, sizeof *k->notes);
	free(k);
}
