/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A node whose program has closed some of descriptors 0 to 2: nothing of the library's is there,
 * and what the program writes to them goes nowhere. And nodes with few descriptors.
 *
 *	descriptors              in turn with each set of the three closed
 *	descriptors --talk       prints around barriers, under dsmctl run
 *	descriptors --meet       each node has a page of each other
 *	descriptors --full       so, with no descriptor left to any node after the start
 *	descriptors --left N     so, with N left to rank 1 once its transport is open
 *	descriptors --last       so, with none left to rank 1 for connections
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dsm/dsm.h"
#include "tests/hang.h"

#define MUST(cond)                                                                                 \
	do {                                                                                       \
		if (!(cond))                                                                       \
			return __LINE__ % 250 + 1;                                                 \
	} while (0)

/* Nobody's: not open, or fit for neither reading nor writing. */
static int is_dead(int fd)
{
	char byte = 'x';

	errno = 0;
	if (read(fd, &byte, 1) != -1 || errno != EBADF)
		return 0;
	return write(fd, &byte, 1) == -1 && errno == EBADF;
}

static int with_closed(unsigned closed)
{
	dsm_t *dsm;
	int rc;

	for (int fd = 0; fd <= 2; fd++)
		if (closed & 1u << fd)
			close(fd);
	rc = dsm_init(NULL, &dsm);
	if (rc == DSM_ERR_KERNEL || rc == DSM_ERR_TRAP_PERM)
		_exit(250);
	MUST(rc == 0);
	for (int fd = 0; fd <= 2; fd++) {
		if (!(closed & 1u << fd))
			continue;
		MUST(is_dead(fd));
		MUST(fcntl(fd, F_GETFD) & FD_CLOEXEC); /* closed in programs that this one starts */
	}
	if (closed & 2) /* what it puts there itself is its own, then and afterwards */
		MUST(dup2(open("/dev/zero", O_RDONLY), 1) == 1);
	MUST(dsm_barrier(dsm) == 0);
	MUST(dsm_fini(dsm) == 0);
	for (int fd = 0; fd <= 2; fd++)
		if (closed & 1u << fd)
			MUST((fcntl(fd, F_GETFD) >= 0) == (fd == 1));
	return 0;
}

static int each_set(void)
{
	int status, failed = 0;

	for (unsigned closed = 1; closed < 8; closed++) {
		pid_t pid = fork();

		if (pid == 0) {
			alarm(HANG_S);
			_exit(with_closed(closed));
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			return 1;
		if (WIFEXITED(status) && WEXITSTATUS(status) == 250) {
			puts("this machine or user cannot run nodes");
			return 77;
		}
		if (status) {
			printf("descriptors%s%s%s closed: status 0x%x\n", closed & 1 ? " 0" : "",
			       closed & 2 ? " 1" : "", closed & 4 ? " 2" : "", status);
			failed = 1;
		}
	}
	return failed;
}

static int talk(void)
{
	dsm_t *dsm;
	int rc = dsm_init(NULL, &dsm);

	if (rc)
		return 1;
	for (int i = 0; i < 3 && !rc; i++) {
		printf("hello\n");
		fflush(stdout);
		fprintf(stderr, "hello\n");
		rc = dsm_barrier(dsm);
	}
	return dsm_fini(dsm) || rc;
}

#define PAGE 4096

static int take_all(void)
{
	int fd;

	while ((fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
		;
	return errno == EMFILE ? 0 : -1;
}

/* Each pair of nodes has something to do with each other. */
static int meet(int full)
{
	const char *rank = getenv("DSM_RANK");
	uint32_t *page = NULL;
	dsm_t *dsm;
	int me, size;

	if (dsm_init(NULL, &dsm)) {
		fprintf(stderr, "rank %s: %s\n", rank ? rank : "", dsm_init_error());
		return 3;
	}
	if (full)
		MUST(take_all() == 0);
	me = dsm_rank(dsm);
	size = dsm_size(dsm);
	if (me == 0) {
		MUST(dsm_alloc(dsm, (size_t)size * PAGE, PAGE, 0, (void **)&page) == 0);
		MUST(dsm_publish(dsm, "pages", page) == 0);
	}
	MUST(dsm_lookup(dsm, "pages", -1, (void **)&page) == 0);
	page[me * (PAGE / 4)] = (uint32_t)me + 1;
	MUST(dsm_barrier(dsm) == 0);
	for (int i = 1; i < size; i++) {
		int other = (me + i) % size;

		MUST(page[other * (PAGE / 4)] == (uint32_t)other + 1);
	}
	return dsm_fini(dsm) ? 1 : 0;
}

static int left, at_last;

/* The socket for dsmctl is the last thing that a node opens. */
__attribute__((visibility("default"))) int listen(int fd, int backlog)
{
	socklen_t len = sizeof(int);
	int domain = 0, rc = (int)syscall(SYS_listen, fd, backlog);

	getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len);
	if (at_last && domain == AF_UNIX)
		take_all();
	return rc;
}

static void on_log(void *ctx, enum dsm_log_level level, const char *text)
{
	int fds[64];

	if (level <= DSM_LOG_WARN)
		fprintf(stderr, "%s\n", text);
	if (!strstr(text, "transport: libfabric"))
		return;
	for (int i = 0; i < left; i++)
		fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	take_all();
	for (int i = 0; i < left; i++)
		close(fds[i]);
}

/* Status 3 when it does not start. */
static int with_left(int n, int last)
{
	struct dsm_config config = DSM_CONFIG_INIT;
	const char *rank = getenv("DSM_RANK");
	dsm_t *dsm;

	if (rank && !strcmp(rank, "1")) {
		config.log_level = DSM_LOG_INFO;
		config.log = last ? NULL : on_log;
		at_last = last;
		left = n;
	}
	if (dsm_init(&config, &dsm)) {
		fprintf(stderr, "rank %s: %s\n", rank, dsm_init_error());
		return 3;
	}
	MUST(dsm_barrier(dsm) == 0);
	return dsm_fini(dsm) ? 1 : 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "--talk"))
		return talk();
	if (!strcmp(what, "--meet") || !strcmp(what, "--full"))
		return meet(!strcmp(what, "--full"));
	if (!strcmp(what, "--left") && argc > 2)
		return with_left(atoi(argv[2]), 0);
	if (!strcmp(what, "--last"))
		return with_left(0, 1);
	return each_set();
}
