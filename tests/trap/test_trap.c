/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The conformance suite of the trap: all suites of conf.h for each engine and zone of
 * the table below. A new engine needs a line in it and nothing else.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "tests/trap/conf.h"
#include "tests/trap/fixture.h"
#include "tests/trap/support.h"

#define HUGE_PAGES 10 /* a region of 8, and some to spare */

static const struct conf_case cases[] = {
	{ "wp on 4 KiB pages", &trap_wp_ops, REGION_PTE, TRAP_EVENT },
	{ "wp on 2 MiB pages", &trap_wp_ops, REGION_PMD, TRAP_EVENT },
	{ "rwp on 4 KiB pages", &trap_rwp_ops, REGION_PTE, TRAP_EVENT },
	{ "rwp on 2 MiB pages", &trap_rwp_ops, REGION_PMD, TRAP_EVENT },
	{ "wp by signals on 4 KiB pages", &trap_wp_ops, REGION_PTE, TRAP_SIGNAL },
	{ "wp by signals on 2 MiB pages", &trap_wp_ops, REGION_PMD, TRAP_SIGNAL },
	{ "rwp by signals on 4 KiB pages", &trap_rwp_ops, REGION_PTE, TRAP_SIGNAL },
	{ "rwp by signals on 2 MiB pages", &trap_rwp_ops, REGION_PMD, TRAP_SIGNAL },
};

static CU_SuiteInfo event_suites[] = {
	{ "access", NULL, NULL, NULL, NULL, conf_access_tests },
	{ "runs", NULL, NULL, NULL, NULL, conf_runs_tests },
	{ "life", NULL, NULL, NULL, NULL, conf_life_tests },
	{ "process", NULL, NULL, NULL, NULL, conf_process_tests },
	{ "wp", NULL, NULL, NULL, NULL, conf_wp_tests },
	{ "switch", NULL, NULL, NULL, NULL, conf_switch_tests },
	{ "race", NULL, NULL, NULL, NULL, conf_race_tests },
	CU_SUITE_INFO_NULL,
};

/* Where the faulting thread itself answers, there is nobody to hold its fault. */
static CU_SuiteInfo signal_suites[] = {
	{ "race", NULL, NULL, NULL, NULL, conf_race_tests },
	CU_SUITE_INFO_NULL,
};

/* argv[1]: run only the cases whose name has this in it; argv[2]: only this suite. */
int main(int argc, char **argv)
{
	unsigned failures = 0, run = 0;
	char prefix[64], why[512] = "no case has this name";

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *no_pages;
		int r;

		watchdog_start(300);
		the_case = &cases[i];
		if (argc > 1 && !strstr(the_case->name, argv[1]))
			continue;
		r = the_case->ops->probe(the_case->delivery, why, sizeof why);
		no_pages =
			!r && the_case->kind == REGION_PMD ? huge_pages_reserve(HUGE_PAGES) : NULL;
		if (no_pages)
			snprintf(why, sizeof why, "%s", no_pages);
		if (r || no_pages) {
			printf("skipped %s: %s\n", the_case->name, why);
			continue;
		}
		CU_SuiteInfo *suites =
			the_case->delivery == TRAP_SIGNAL ? signal_suites : event_suites;
		CU_SuiteInfo one[2] = { { .pName = NULL }, CU_SUITE_INFO_NULL };

		for (CU_SuiteInfo *s = suites; argc > 2 && s->pName; s++) {
			if (!strcmp(s->pName, argv[2]))
				one[0] = *s;
		}
		snprintf(prefix, sizeof prefix, "%s: ", the_case->name);
		failures += run_suites(prefix, argc > 2 ? one : suites);
		run++;
	}
	return failures ? 1 : run ? 0 : EXIT_SKIPPED;
}
