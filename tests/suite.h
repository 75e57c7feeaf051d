/* SPDX-License-Identifier: BSD-2-Clause */
/* The main program of a CUnit suite. */
#ifndef SUITE_H
#define SUITE_H

#include <CUnit/Basic.h>
#include <unistd.h>

#include "tests/hang.h"

/* Runs the tests, each told by name, and returns the status for main(). setup and cleanup may
 * be NULL. A suite takes so many seconds at most where nothing else runs; SIGALRM ends one that
 * takes HANG_TIMES as long. */
static inline int suite_run(const char *name, CU_InitializeFunc setup, CU_CleanupFunc cleanup,
                            const CU_TestInfo *tests, unsigned seconds)
{
	CU_SuiteInfo suites[] = {
		{ name, setup, cleanup, NULL, NULL, (CU_TestInfo *)tests },
		CU_SUITE_INFO_NULL,
	};
	unsigned failures;

	alarm(seconds * HANG_TIMES);
	if (CU_initialize_registry() || CU_register_suites(suites))
		return 1;
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	failures = CU_get_number_of_failures() + CU_get_number_of_suites_failed();
	CU_cleanup_registry();
	return failures != 0;
}

#endif
