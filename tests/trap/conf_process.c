/* SPDX-License-Identifier: BSD-2-Clause */
/* Conformance: processes that lock all their memory, and processes that fork. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dsm/trap/audit.h"
#include "tests/trap/conf.h"
#include "tests/trap/fixture.h"
#include "tests/trap/support.h"

/* Everything once: granted, revoked, and found revoked by audit and access. */
static void exercise(struct fx *fx)
{
	volatile uint64_t *word = fx_window(fx, 1);

	CHILD_CHECK(!fx_set(fx, 0, 4, TRAP_WRITE));
	*word = 3;
	CHILD_CHECK(!fx_set(fx, 0, 4, TRAP_READ));
	fx_forget(fx);
	CHILD_CHECK(*word == 3 && fx_faults(fx) == 0);
	CHILD_CHECK(!fx_set(fx, 0, 4, TRAP_NONE));
	CHILD_CHECK(trap_audit(fx->trap, &fx->region, 0, 4, NULL, NULL) == 0);
	*fx_frame(fx, 1) = 4;
	CHILD_CHECK(*word == 4 && fx_forget(fx) == 1);
	*word = 5;
	CHILD_CHECK(*fx_frame(fx, 1) == 5 && fx_forget(fx) == 1);
}

static uint64_t frames_bytes(struct fx *fx)
{
	struct stat st;

	CHILD_CHECK(!fstat(fx->region.zone[the_case->kind].memfd, &st));
	return st.st_blocks * 512ull;
}

/* Locks present and future memory first: the region must not be populated by that. */
static int locked_before(void *ctx)
{
	const uint64_t pages = the_case->kind == REGION_PTE ? 65536 : 8;
	struct fx fx;

	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		return EXIT_SKIPPED;
	CHILD_CHECK(!fx_open(&fx, pages));
	CHILD_CHECK(frames_bytes(&fx) == 0);
	exercise(&fx);
	CHILD_CHECK(frames_bytes(&fx) <= 4 * fx_page_bytes(&fx));
	CHILD_CHECK(!fx_close(&fx));
	return 0;
}

/* Locks it while the window is in use: mlockall touches every page, by faults that the
 * service answers. Only then are the window's mappings locked ones. */
static int locked_after(void *ctx)
{
	struct fx fx;

	CHILD_CHECK(!fx_open(&fx, 8));
	CHILD_CHECK(!fx_set(&fx, 0, 2, TRAP_READ));
	CHILD_CHECK(!fx_set(&fx, 2, 2, TRAP_WRITE));
	if (mlockall(MCL_CURRENT))
		return EXIT_SKIPPED;
	exercise(&fx);
	exercise(&fx);
	CHILD_CHECK(!fx_close(&fx));
	return 0;
}

/* Locks a part only: the window is several mappings then, and runs go across them. */
static int locked_part(void *ctx)
{
	struct fx *fx = ctx;

	CHILD_CHECK(!fx_open(fx, 8));
	if (mlock2(fx_window(fx, 3), 2 * fx_page_bytes(fx), MLOCK_ONFAULT))
		return EXIT_SKIPPED;
	for (int from = TRAP_NONE; from <= TRAP_WRITE; from++) {
		for (int to = TRAP_WRITE; to >= TRAP_NONE; to--) {
			CHILD_CHECK(!fx_set(fx, 0, 8, from));
			CHILD_CHECK(!fx_set(fx, 1, 6, to));
			CHILD_CHECK(trap_audit(fx->trap, &fx->region, 0, 8, NULL, NULL) == 0);
			fx_forget(fx);
			for (uint64_t page = 1; page < 7; page++)
				CHILD_CHECK(*(volatile uint64_t *)fx_window(fx, page) == 0);
			CHILD_CHECK(fx_forget(fx) == (to == TRAP_NONE ? 6 : 0));
		}
	}
	exercise(fx);
	CHILD_CHECK(!fx_close(fx));
	return 0;
}

static void locked(int (*fn)(void *))
{
	struct fx fx;
	int r;

	if (TEST_ASAN || TEST_TSAN) {
		skip("sanitizers turn mlockall into nothing");
		return;
	}
	r = in_child(fn, &fx);
	if (r == EXIT_SKIPPED)
		skip("mlock is not permitted (RLIMIT_MEMLOCK, CAP_IPC_LOCK)");
	CU_ASSERT(r == 0 || r == EXIT_SKIPPED);
}

static void test_locked_before(void)
{
	locked(locked_before);
}

static void test_locked_after(void)
{
	locked(locked_after);
}

static void test_locked_part(void)
{
	locked(locked_part);
}

/* ---------------------------------------------------------------------- fork -- */

static int touch(void *addr)
{
	signal(SIGSEGV, SIG_DFL);
	return (int)*(volatile uint64_t *)addr & 1;
}

static int wait_for_parent(void *ctx)
{
	char byte;
	int *fd = ctx;

	close(fd[1]);
	return read(fd[0], &byte, 1) != 0;
}

static void test_fork_child_has_none(void)
{
	struct fx fx;

	CU_ASSERT_FATAL(!fx_open(&fx, 8));
	CU_ASSERT(!fx_set(&fx, 0, 1, TRAP_WRITE));
	CU_ASSERT(!fx_set(&fx, 1, 1, TRAP_READ));
	CU_ASSERT(!region_frame_prepare(&fx.region, 2, 1));
	for (uint64_t page = 0; page < 4; page++) {
		CU_ASSERT(in_child(touch, fx_window(&fx, page)) == -SIGSEGV);
		CU_ASSERT(in_child(touch, fx_frame(&fx, page)) == -SIGSEGV);
	}
	CU_ASSERT(fx_faults(&fx) == 0);
	CU_ASSERT(!fx_close(&fx));
}

static void test_fork_parent_unaffected(void)
{
	volatile uint64_t *word;
	struct fx fx;
	pid_t pid;
	int fd[2];

	CU_ASSERT_FATAL(!pipe(fd));
	CU_ASSERT_FATAL(!fx_open(&fx, 8));
	word = fx_window(&fx, 0);
	*word = 1;
	CU_ASSERT(!fx_set(&fx, 0, 1, TRAP_READ));
	pid = fork();
	CU_ASSERT_FATAL(pid >= 0);
	if (pid == 0)
		_exit(wait_for_parent(fd));

	/* Access is as it was, in both directions, and is trapped as before. */
	fx_forget(&fx);
	CU_ASSERT(*word == 1);
	CU_ASSERT(fx_faults(&fx) == 0);
	*word = 2;
	CU_ASSERT(fx_forget(&fx) == 1);
	CU_ASSERT(*fx_frame(&fx, 0) == 2);
	CU_ASSERT(!fx_set(&fx, 0, 1, TRAP_NONE));
	CU_ASSERT(*word == 2);
	CU_ASSERT(fx_forget(&fx) == 1);

	close(fd[1]);
	close(fd[0]);
	CU_ASSERT(waitpid(pid, NULL, 0) == pid);
	CU_ASSERT(!fx_close(&fx));
}

CU_TestInfo conf_process_tests[] = {
	{ "memory locked before", test_locked_before },
	{ "memory locked in use", test_locked_after },
	{ "memory locked in part", test_locked_part },
	{ "a child of fork has no region", test_fork_child_has_none },
	{ "fork leaves the parent alone", test_fork_parent_unaffected },
	CU_TEST_INFO_NULL,
};
