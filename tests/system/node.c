/* SPDX-License-Identifier: BSD-2-Clause */
/* What the programs of the system tests share; see node.h. */
#include "tests/hang.h"
#include "tests/system/node.h"

#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
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
	alarm(seconds * HANG_TIMES);
	setvbuf(stdout, NULL, _IOLBF, 0);
	config.huge_bytes = node.huge_bytes;
	config.log = node.log;
	config.log_level = DSM_LOG_TRACE;
	rc = dsm_init(&config, &node.dsm);
	if (rc) {
		fprintf(stderr, "%s: dsm_init: %s: %s\n", program, dsm_strerror(rc),
		        dsm_init_error());
		exit(rc == DSM_ERR_KERNEL || rc == DSM_ERR_TRAP_PERM ||
		                     (rc == DSM_ERR_LIMIT && node.huge_bytes)
		             ? 77
		             : 1);
	}
	node.rank = dsm_rank(node.dsm);
	node.size = dsm_size(node.dsm);
}

void node_leave(void)
{
	node_audit();
	OK(dsm_fini(node.dsm));
	node.dsm = NULL;
}

void node_barrier(void)
{
	OK(dsm_barrier(node.dsm));
}

void *node_shared(const char *name, size_t bytes, size_t align)
{
	return node_shared_in(name, bytes, align, 0);
}

void *node_shared_in(const char *name, size_t bytes, size_t align, unsigned flags)
{
	void *ptr = NULL;

	if (node.rank == 0) {
		OK(dsm_alloc(node.dsm, bytes, align, flags, &ptr));
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

/* What this node's admin socket answers; false when there is none, or no answer in that time. */
static bool ask(const char *request, char *answer, size_t len, int seconds)
{
	struct timeval patience = { .tv_sec = seconds };
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const char *job = dsm_job_dir(node.dsm);
	size_t got = 0;
	ssize_t n;
	int fd;

	if (!*job || snprintf(to.sun_path, sizeof to.sun_path, "%s/node-%d.sock", job, node.rank) >=
	                    (int)sizeof to.sun_path)
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0 &&
	    send(fd, request, strlen(request), MSG_NOSIGNAL) > 0) {
		while (got < len - 1 && (n = recv(fd, answer + got, len - 1 - got, 0)) > 0)
			got += (size_t)n;
	}
	close(fd);
	answer[got] = '\0';
	return got > 0;
}

void node_tell_state(void)
{
	static const char *const requests[] = { "status\n", "stats\n", "audit\n" };
	char answer[4096];

	for (unsigned i = 0; i < sizeof requests / sizeof *requests; i++) {
		if (ask(requests[i], answer, sizeof answer, 10))
			fprintf(stderr, "node %d: %s\n", node.rank, answer);
	}
}

bool node_waits(const char *what, int thread)
{
	char answer[1 << 16], wait[128]; /* of some hundred threads */

	if (!ask("status\n", answer, sizeof answer, HANG_S))
		node_fail("no answer to a request for the status");
	snprintf(wait, sizeof wait, "{\"what\":\"%s\",\"thread\":%d,", what, thread);
	return strstr(answer, wait);
}

void node_audit(void)
{
	char answer[4096];

	node_barrier();
	if (!ask("audit\n", answer, sizeof answer, HANG_S))
		node_fail("no answer to a request for an audit");
	if (!strstr(answer, "\"disagreements\":0,"))
		node_fail("the audit finds pages whose access is not what it should be: %s", answer);
	node_barrier();
}
