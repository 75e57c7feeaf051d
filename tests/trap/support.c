/* SPDX-License-Identifier: BSD-2-Clause */
/* What the programs of this folder share. */
#include "config.h"

#include "tests/hang.h"
#include "tests/trap/support.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <CUnit/Basic.h>

#define POOL "/sys/kernel/mm/hugepages/hugepages-2048kB/"

static char running[256] = "(no test)"; /* for the watchdog, which cannot format */
static pid_t owner;
static int pool = -1; /* nr_hugepages, locked as long as it is open */
static long reserved;

static long read_number(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

	if (fd >= 0)
		close(fd);
	return n > 0 ? strtol(text, NULL, 10) : -1;
}

/* Only system calls: the watchdog calls it from its handler. */
static bool pool_add(long n)
{
	char text[32] = "", *end = text + sizeof text, *at = end;
	long value = 0;

	if (pread(pool, text, sizeof text - 1, 0) <= 0)
		return false;
	for (const char *c = text; *c >= '0' && *c <= '9'; c++)
		value = value * 10 + *c - '0';
	value += n;
	do
		*--at = '0' + value % 10;
	while (value /= 10);
	return pwrite(pool, at, end - at, 0) == end - at;
}

static void pool_restore(void)
{
	if (reserved && getpid() == owner)
		pool_add(-reserved);
	reserved = 0;
}

long huge_pages_total(void)
{
	return read_number(POOL "nr_hugepages");
}

long huge_pages_free(void)
{
	return read_number(POOL "free_hugepages");
}

bool huge_pages_lock(void)
{
	if (pool >= 0)
		return true;
	pool = open(POOL "nr_hugepages", O_RDWR | O_CLOEXEC);
	if (pool < 0)
		return false;
	if (flock(pool, LOCK_EX)) {
		close(pool);
		pool = -1;
	}
	return pool >= 0;
}

const char *huge_pages_reserve(unsigned n)
{
	if (huge_pages_total() < 0)
		return "this kernel has no huge pages of 2 MiB";
	if (!huge_pages_lock()) /* not root: what others reserved will do */
		return huge_pages_free() >= (long)n ? NULL
		                                    : "no huge pages are reserved, and "
		                                      "vm.nr_hugepages cannot be set";
	if (huge_pages_free() >= (long)n)
		return NULL;
	if (!pool_add(n))
		return "vm.nr_hugepages cannot be set";
	if (!reserved)
		atexit(pool_restore);
	owner = getpid();
	reserved += n;
	return huge_pages_free() >= (long)n ? NULL : "the kernel finds no memory for huge pages";
}

static void put(const char *text)
{
	ssize_t n = write(STDERR_FILENO, text, strlen(text));

	(void)n;
}

static void on_alarm(int sig)
{
	put("\nwatchdog: hangs in ");
	put(running);
	put("\n");
	pool_restore();
	_exit(1);
}

void watchdog_start(unsigned seconds)
{
	struct sigaction action = { .sa_handler = on_alarm };

	sigaction(SIGALRM, &action, NULL);
	alarm(seconds * HANG_TIMES);
}

static void note_test(const CU_pTest test, const CU_pSuite suite)
{
	snprintf(running, sizeof running, "%s: %s", suite->pName, test->pName);
}

static void report(const CU_pTest test, const CU_pSuite suite, const CU_pFailureRecord failures)
{
	printf("%s %s: %s\n", failures ? "FAIL" : "ok  ", suite->pName, test->pName);
	for (CU_pFailureRecord f = failures; f; f = f->pNext)
		printf("     %s:%u: %s\n", f->strFileName, f->uiLineNumber, f->strCondition);
	fflush(stdout);
}

unsigned run_suites(const char *prefix, CU_SuiteInfo *suites)
{
	unsigned failures = 1;

	if (CU_initialize_registry())
		return failures;
	for (CU_SuiteInfo *s = suites; s->pName; s++) {
		char name[64];
		CU_pSuite suite;

		snprintf(name, sizeof name, "%s%s", prefix, s->pName);
		suite = CU_add_suite(name, s->pInitFunc, s->pCleanupFunc);
		for (CU_TestInfo *t = s->pTests; suite && t->pName; t++)
			CU_add_test(suite, t->pName, t->pTestFunc);
	}
	CU_set_test_start_handler(note_test);
	CU_set_test_complete_handler(report);
	if (CU_get_error() == CUE_SUCCESS && CU_run_all_tests() == CUE_SUCCESS)
		failures = CU_get_number_of_tests_failed() + CU_get_number_of_suites_failed();
	printf("%s%u passed, %u failed\n", prefix,
	       CU_get_number_of_tests_run() - CU_get_number_of_tests_failed(), failures);
	CU_cleanup_registry();
	return failures;
}

void skip(const char *reason)
{
	printf("skip %s: %s\n", running, reason);
	fflush(stdout);
}
