/* SPDX-License-Identifier: BSD-2-Clause */
/* Frames that get their memory together with what they hold: zeros, or what was in a file. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dsm/memory/region.h"
#include "tests/trap/support.h"

#define PAGES 1024u
#define RUN 100u /* more than are written at once */

static struct region region;

static int setup(void)
{
	const struct region_config config = { .pte_bytes = PAGES * REGION_PTE_BYTES };
	const size_t len = region_window_bytes(&config);
	void *addr;

	for (unsigned i = 0; (addr = region_candidate(i, len)); i++)
		if (!region_reserve(addr, len))
			return region_create(&config, addr, &region);
	return -ENOMEM;
}

static int teardown(void)
{
	region_destroy(&region);
	return 0;
}

/* Bytes that the zone's frames take. */
static uint64_t allocated(void)
{
	struct stat st;

	return fstat(region.zone[REGION_PTE].memfd, &st) ? 0 : (uint64_t)st.st_blocks * 512;
}

/* Pages of these that have memory which the alias can reach without allocating any. */
static uint32_t resident(uint64_t first, uint32_t n)
{
	unsigned char in[PAGES];
	uint32_t count = 0;

	if (mincore(region_frame_at(&region, first), (size_t)n * REGION_PTE_BYTES, in))
		return 0;
	for (uint32_t i = 0; i < n; i++)
		count += in[i] & 1;
	return count;
}

static int is_filled(uint64_t first, uint32_t n, uint8_t byte)
{
	const uint8_t *at = region_frame_at(&region, first);
	const size_t len = (size_t)n * REGION_PTE_BYTES;

	return at[0] == byte && !memcmp(at, at + 1, len - 1);
}

/* Those asked for, no others, and zero. */
static void test_new(void)
{
	const uint64_t before = allocated();

	for (uint32_t n = 1; n <= RUN; n += 11) {
		CU_ASSERT_EQUAL(region_frame_prepare_new(&region, 7, n), 0);
		CU_ASSERT_EQUAL(allocated() - before, (uint64_t)n * REGION_PTE_BYTES);
		CU_ASSERT_EQUAL(resident(7, RUN), n);
		CU_ASSERT(is_filled(7, n, 0));
		CU_ASSERT_EQUAL(region_frame_drop(&region, 7, n), 0);
	}
	CU_ASSERT_EQUAL(allocated(), before);
}

/* Where some have memory already, what they hold stays. */
static void test_as_it_is(void)
{
	uint8_t *at = region_frame_at(&region, 300);

	CU_ASSERT_EQUAL(region_frame_prepare_new(&region, 300, 40), 0);
	memset(at, 0x5a, 40 * REGION_PTE_BYTES);
	CU_ASSERT_EQUAL(region_frame_prepare(&region, 290, 60), 0);
	CU_ASSERT(is_filled(290, 10, 0));
	CU_ASSERT(is_filled(300, 40, 0x5a));
	CU_ASSERT(is_filled(340, 10, 0));
	CU_ASSERT_EQUAL(region_frame_drop(&region, 290, 60), 0);
}

/* What is to be filled takes memory when it is, and all of it at once. */
static void test_fill(void)
{
	static uint8_t bytes[RUN * REGION_PTE_BYTES];
	const uint64_t before = allocated();

	memset(bytes, 0xa5, sizeof bytes);
	CU_ASSERT_EQUAL(region_frame_prepare_filled(&region, 500, RUN), 0);
	if (region.zone[REGION_PTE].single)
		CU_ASSERT_EQUAL(allocated(), before);
	CU_ASSERT_EQUAL(region_frame_fill(&region, 500, RUN, bytes), 0);
	CU_ASSERT_EQUAL(allocated() - before, (uint64_t)RUN * REGION_PTE_BYTES);
	CU_ASSERT(is_filled(500, RUN, 0xa5));
	CU_ASSERT_EQUAL(region_frame_drop(&region, 500, RUN), 0);
}

int main(void)
{
	static CU_TestInfo tests[] = {
		{ "new frames are zero", test_new },
		{ "frames that are there stay as they are", test_as_it_is },
		{ "frames are filled as they come", test_fill },
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = { { "filled", setup, teardown, NULL, NULL, tests }, CU_SUITE_INFO_NULL };

	watchdog_start(60);
	return run_suites("", suites) != 0;
}
