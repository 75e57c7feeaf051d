/* SPDX-License-Identifier: BSD-2-Clause */
/* Test jobs: a rendezvous in this process, nodes that are its children. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/boot/job.h"
#include "tests/hang.h"

void die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

void job_open(struct job *job, int nodes)
{
	memset(job, 0, sizeof *job);
	job->nodes = nodes;
	strcpy(job->base, "/tmp/dsm-test-boot.XXXXXX");
	if (!mkdtemp(job->base))
		die("mkdtemp");
	snprintf(job->dir, sizeof job->dir, "%s/job", job->base);
	job->reports = mmap(NULL, JOB_CHILDREN * sizeof *job->reports, PROT_READ | PROT_WRITE,
	                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (job->reports == MAP_FAILED)
		die("mmap");
	errno = -rendezvous_open(job->dir, nodes, &job->rendezvous);
	if (errno)
		die("rendezvous_open");
}

static void set_number(const char *name, int value)
{
	char text[16];

	snprintf(text, sizeof text, "%d", value);
	setenv(name, text, 1);
}

int job_start(struct job *job, int rank, job_child_fn fn)
{
	int i = job->children++;

	fflush(NULL);
	job->pids[i] = fork();
	if (job->pids[i] < 0)
		die("fork");
	if (job->pids[i] == 0) {
		alarm(HANG_S);
		setenv("DSM_JOB", job->dir, 1);
		set_number("DSM_RANK", rank);
		set_number("DSM_SIZE", job->nodes);
		fn(job, rank, &job->reports[i]);
		job->reports[i].done = 1;
		_exit(0);
	}
	return i;
}

static void job_step(struct job *job)
{
	errno = -rendezvous_step(job->rendezvous, 10);
	if (errno)
		die("rendezvous_step");
	for (int i = 0; i < job->children; i++)
		if (job->pids[i] > 0 && waitpid(job->pids[i], NULL, WNOHANG) == job->pids[i])
			job->pids[i] = 0;
}

void job_wait(struct job *job, int i)
{
	while (job->pids[i])
		job_step(job);
}

void job_run(struct job *job)
{
	for (int i = 0; i < job->children; i++)
		job_wait(job, i);
}

void job_serve(struct job *job, int ms)
{
	struct timespec now, end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += ms / 1000;
	end.tv_nsec += ms % 1000 * 1000000L;
	do {
		job_step(job);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((now.tv_sec - end.tv_sec) * 1000000000LL + now.tv_nsec < end.tv_nsec);
}

void job_serve_until(struct job *job, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while (poll(&p, 1, 0) == 0)
		job_step(job);
}

const char *job_ended(struct job *job)
{
	while (!rendezvous_ended(job->rendezvous))
		job_step(job);
	return rendezvous_ended(job->rendezvous);
}

void job_close(struct job *job)
{
	rendezvous_close(job->rendezvous);
	rmdir(job->base); /* what a test has put beside the job's directory it takes away itself */
	munmap(job->reports, JOB_CHILDREN * sizeof *job->reports);
}

int raw_connect(const struct job *job)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(addr.sun_path, sizeof addr.sun_path, "%s/%s", job->dir, BOOT_SOCKET);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof addr))
		die("connect to the rendezvous");
	return fd;
}

void raw_hello(int fd, int rank, int size, const char *version, unsigned protocol)
{
	struct boot_hello hello = { .protocol = protocol, .size = size };
	struct boot_msg msg;

	snprintf(hello.version, sizeof hello.version, "%s", version);
	boot_msg_set(&msg, BOOT_HELLO, &hello, sizeof hello);
	msg.rank = rank;
	errno = -boot_msg_send(fd, &msg);
	if (errno)
		die("hello");
}

int raw_receive(int fd, struct boot_msg *msg)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n;

	while ((n = boot_msg_receive(fd, msg)) == -EAGAIN)
		if (poll(&p, 1, HANG_MS) <= 0)
			return -ETIMEDOUT;
	return n;
}
