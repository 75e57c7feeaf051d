/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every node accesses memory that was not allocated, or not any more, and hears so.
 *
 *	DSM_CHECK=1 dsmctl run -n 2 check          SIGSEGV, again and again, and it goes on
 *	DSM_CHECK=1 dsmctl run -n 2 check die      node 1 is ended by it
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tests/system/node.h"

#define PAGE 4096

static sigjmp_buf before;
static void *volatile refused;

static void on_sigsegv(int number, siginfo_t *info, void *context)
{
	refused = info->si_addr;
	siglongjmp(before, number);
}

/* Whether an access ends in SIGSEGV, at its address. */
static bool is_refused(volatile char *at, bool write)
{
	refused = NULL;
	if (sigsetjmp(before, 1) == 0) {
		if (write)
			*at = 1;
		else
			(void)*at;
		return false;
	}
	CHECK(refused == (void *)at);
	return true;
}

static void take_sigsegv(void)
{
	struct sigaction action = { .sa_sigaction = on_sigsegv, .sa_flags = SA_SIGINFO };

	CHECK(sigaction(SIGSEGV, &action, NULL) == 0);
}

/* What a system call writes there. */
static int errno_of_read(void *at)
{
	int fd[2], error;

	CHECK(pipe(fd) == 0 && write(fd[1], "x", 1) == 1);
	error = read(fd[0], at, 1) == 1 ? 0 : errno;
	close(fd[0]);
	close(fd[1]);
	return error;
}

int main(int argc, char **argv)
{
	char *gone, *small, *grid;

	node_join("check", 60);
	gone = node_shared("gone", PAGE, PAGE);
	memset(gone + node.rank * 64, 1, 64);
	node_barrier();
	small = node_shared("small", 100, 0);
	grid = node_shared("a grid of which the name takes more than one answer", 2 * PAGE, PAGE);
	node_unshare("gone", gone);
	node_barrier();
	if (argc > 1 && !strcmp(argv[1], "die")) {
		if (node.rank == 1)
			grid[2 * PAGE + 16] = 1;
		node_barrier();
		node_leave();
		return 0;
	}
	take_sigsegv();
	CHECK(!is_refused(grid, true) && !is_refused(grid + 2 * PAGE - 1, true));
	CHECK(!is_refused(small, true) && !is_refused(small + 99, false));
	CHECK(is_refused(grid + 2 * PAGE + 16, true));
	CHECK(is_refused(grid + 4 * PAGE, false));
	CHECK(is_refused(gone, true));
	CHECK(errno_of_read(grid + 6 * PAGE) == EFAULT);
	CHECK(!is_refused(grid + PAGE, false));
	node_barrier();
	node_leave();
	return 0;
}
