/* SPDX-License-Identifier: BSD-2-Clause */
/* What the programs of the system tests share; see node.h. */
#include "tests/system/node.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct node node;

static void say(const char *format, va_list args)
{
	char text[2048];

	vsnprintf(text, sizeof text, format, args);
	fprintf(stderr, "%s: node %d: %s\n", node.program, node.rank, text);
}

void node_say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
}

/* _exit: the other nodes may never come to dsm_fini. */
void node_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	fflush(NULL);
	_exit(1);
}

void node_expect(int got, int want, const char *call, const char *file, int line)
{
	if (got != want)
		node_fail("%s:%d: %s is %d (%s), not %d (%s)", file, line, call, got,
		          dsm_strerror(got), want, dsm_strerror(want));
}

static void out_of_time(int sig)
{
	static const char text[] = ": out of time\n";

	(void)sig;
	if (write(STDERR_FILENO, node.program, strlen(node.program)) < 0 ||
	    write(STDERR_FILENO, text, sizeof text - 1) < 0)
		_exit(4);
	_exit(3);
}

void node_join(const char *program, unsigned seconds)
{
	struct dsm_config config = DSM_CONFIG_INIT;
	int rc;

	node.program = program;
	signal(SIGALRM, out_of_time);
	alarm(seconds);
	setvbuf(stdout, NULL, _IOLBF, 0);
	rc = dsm_init(&config, &node.dsm);
	if (rc) {
		fprintf(stderr, "%s: dsm_init: %s: %s\n", program, dsm_strerror(rc),
		        dsm_init_error());
		exit(rc == DSM_ERR_KERNEL || rc == DSM_ERR_TRAP_PERM ? 77 : 1);
	}
	node.rank = dsm_rank(node.dsm);
	node.size = dsm_size(node.dsm);
}

void node_leave(void)
{
	OK(dsm_fini(node.dsm));
	node.dsm = NULL;
}

void node_barrier(void)
{
	OK(dsm_barrier(node.dsm));
}

void *node_shared(const char *name, size_t bytes, size_t align)
{
	void *ptr = NULL;

	if (node.rank == 0) {
		OK(dsm_alloc(node.dsm, bytes, align, 0, &ptr));
		OK(dsm_publish(node.dsm, name, ptr));
	}
	OK(dsm_lookup(node.dsm, name, -1, &ptr));
	return ptr;
}

void node_unshare(const char *name, void *ptr)
{
	node_barrier();
	if (node.rank == 0) {
		OK(dsm_publish(node.dsm, name, NULL));
		OK(dsm_free(node.dsm, ptr));
	}
	node_barrier();
}

uint64_t node_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * 0x2545f4914f6cdd1dull;
}

uint64_t node_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Asks this node's admin socket, for at most two seconds. */
static void ask(const char *request)
{
	struct timeval patience = { .tv_sec = 2 };
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const char *job = getenv("DSM_JOB");
	char answer[4096];
	ssize_t n;
	int fd;

	if (!job || snprintf(to.sun_path, sizeof to.sun_path, "%s/node-%d.sock", job, node.rank) >=
	                    (int)sizeof to.sun_path)
		return;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0 &&
	    send(fd, request, strlen(request), MSG_NOSIGNAL) > 0) {
		fprintf(stderr, "node %d: %.*s: ", node.rank, (int)strcspn(request, "\n"), request);
		while ((n = recv(fd, answer, sizeof answer, 0)) > 0)
			fwrite(answer, 1, (size_t)n, stderr);
		fprintf(stderr, "\n");
	}
	close(fd);
}

void node_tell_state(void)
{
	ask("status\n");
	ask("stats\n");
}
