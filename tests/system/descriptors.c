/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A node whose program has closed some of descriptors 0 to 2: nothing of the library's is there,
 * and what the program writes to them goes nowhere.
 *
 *	descriptors              in turn with each set of the three closed
 *	descriptors --talk       prints around barriers, under dsmctl run
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
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

int main(int argc, char **argv)
{
	return argc > 1 && !strcmp(argv[1], "--talk") ? talk() : each_set();
}
