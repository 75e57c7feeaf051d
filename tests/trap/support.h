/* SPDX-License-Identifier: BSD-2-Clause */
/* What the programs of this folder share: a watchdog, skipping, huge pages. */
#ifndef TRAP_TEST_SUPPORT_H
#define TRAP_TEST_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>

#include <CUnit/CUnit.h>

#if defined(__has_feature)
#define TEST_FEATURE(x) __has_feature(x)
#else
#define TEST_FEATURE(x) 0
#endif
#if defined(__SANITIZE_THREAD__) || TEST_FEATURE(thread_sanitizer)
#define TEST_TSAN 1
#else
#define TEST_TSAN 0
#endif
#if defined(__SANITIZE_ADDRESS__) || TEST_FEATURE(address_sanitizer)
#define TEST_ASAN 1
#else
#define TEST_ASAN 0
#endif

#define EXIT_SKIPPED 77

/* Ends the process with a message that names the running test, after this long. */
void watchdog_start(unsigned seconds);

/* Runs suites (verbose), named with prefix; returns the failures. */
unsigned run_suites(const char *prefix, CU_SuiteInfo *suites);

/* Says why what follows in this test is not done. */
void skip(const char *reason);

/* Adds n huge pages of 2 MiB to the pool until the process ends: NULL, or why not.
 * Pages that are free already are used first. */
const char *huge_pages_reserve(unsigned n);
long huge_pages_free(void);

#endif
