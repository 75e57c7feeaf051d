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

/* Ends the process with a message that names the running test, after HANG_TIMES what it takes at
 * most where nothing else runs. */
void watchdog_start(unsigned seconds);

/* Runs suites (verbose), named with prefix; returns the failures. */
unsigned run_suites(const char *prefix, CU_SuiteInfo *suites);

/* Says why what follows in this test is not done. */
void skip(const char *reason);

/*
 * Huge pages of 2 MiB are one pool of the machine. A program that reserves some, or
 * counts them, has the pool to itself until it ends; then it is as it was before.
 */
bool huge_pages_lock(void);                 /* waits; false when that is not permitted */
const char *huge_pages_reserve(unsigned n); /* n are free: NULL, or why not */
long huge_pages_free(void);
long huge_pages_total(void);

#endif
