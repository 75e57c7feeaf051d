/* SPDX-License-Identifier: BSD-2-Clause */
/* The wp engine by itself: set_access puts right whatever it finds in the page tables. */
#include "config.h"

#include <string.h>

#include "dsm/trap/audit.h"
#include "dsm/trap/uffd.h"
#include "tests/trap/conf.h"
#include "tests/trap/fixture.h"

/* Makes an entry behind the engine's back, by its own descriptor. */
static void make_entry(struct fx *fx, uint64_t page, enum trap_access access)
{
	const size_t len = fx_page_bytes(fx);
	size_t done;

	CU_ASSERT(!fx_set(fx, page, 1, TRAP_NONE));
	if (access != TRAP_NONE)
		CU_ASSERT(!uffd_continue(fx->ops->fd(fx->trap), fx_window(fx, page), len,
		                         access == TRAP_READ, &done));
}

/* Told `believed` and then asked for `to`, with an entry of `there` in the page table. */
static void check_repair(struct fx *fx, enum trap_access there, enum trap_access believed,
                         enum trap_access to)
{
	volatile uint64_t *word = fx_window(fx, 3);
	const size_t len = fx_page_bytes(fx);
	int fd = fx->ops->fd(fx->trap);

	if (believed == TRAP_NONE) {
		make_entry(fx, 3, there);
	} else {
		CU_ASSERT(!fx_set(fx, 3, 1, TRAP_NONE));
		CU_ASSERT(!fx_set(fx, 3, 1, believed));
		CU_ASSERT(!uffd_writeprotect(fd, fx_window(fx, 3), len, there == TRAP_READ));
	}
	CU_ASSERT(!fx_set(fx, 3, 1, to));
	CU_ASSERT(trap_audit(fx->trap, &fx->region, 3, 1, NULL, NULL) == 0);
	fx_forget(fx);
	CU_ASSERT(*word == 9);
	CU_ASSERT(fx_forget(fx) == 0);
	*word = 9;
	CU_ASSERT(fx_forget(fx) == (to == TRAP_READ));
}

static void test_repair(void)
{
	struct fx fx;

	if (strcmp(the_case->ops->name, "wp"))
		return;
	CU_ASSERT_FATAL(!fx_open(&fx, 8));
	CU_ASSERT(!region_frame_prepare(&fx.region, 3, 1));
	*fx_frame(&fx, 3) = 9;
	for (int there = TRAP_READ; there <= TRAP_WRITE; there++) {
		for (int believed = TRAP_NONE; believed <= TRAP_WRITE; believed++) {
			for (int to = TRAP_READ; to <= TRAP_WRITE; to++)
				check_repair(&fx, there, believed, to);
		}
	}
	CU_ASSERT(!fx_close(&fx));
}

/* A run that is believed NONE, with entries here and there. */
static void test_repair_run(void)
{
	struct fx fx;

	if (strcmp(the_case->ops->name, "wp"))
		return;
	CU_ASSERT_FATAL(!fx_open(&fx, 8));
	CU_ASSERT(!region_frame_prepare(&fx.region, 0, 8));
	for (unsigned pattern = 0; pattern < 256; pattern += 7) {
		for (int to = TRAP_NONE; to <= TRAP_WRITE; to++) {
			for (uint64_t page = 0; page < 8; page++)
				make_entry(&fx, page,
				           pattern >> page & 1 ? 1 + page % 2 : TRAP_NONE);
			CU_ASSERT(!fx_set(&fx, 0, 8, to));
			CU_ASSERT(trap_audit(fx.trap, &fx.region, 0, 8, NULL, NULL) == 0);
			fx_forget(&fx);
			for (uint64_t page = 0; page < 8; page++)
				CU_ASSERT(*(volatile uint64_t *)fx_window(&fx, page) == 0);
			CU_ASSERT(fx_forget(&fx) == (to == TRAP_NONE ? 8 : 0));
		}
	}
	CU_ASSERT(!fx_close(&fx));
}

CU_TestInfo conf_wp_tests[] = {
	{ "an entry that should not be there", test_repair },
	{ "a run with such entries", test_repair_run },
	CU_TEST_INFO_NULL,
};
