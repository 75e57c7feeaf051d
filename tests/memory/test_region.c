/* SPDX-License-Identifier: BSD-2-Clause */
/* The region: addresses, layout, what is left after failure, and sizes beyond memory. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "dsm/memory/region.h"
#include "dsm/trap/trap.h"
#include "tests/trap/support.h"

#define MIB (1ull << 20)
#define GIB (1ull << 30)
#define TIB (1ull << 40)

static unsigned count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

/* Reserves the first candidate that is free. */
static void *reserve(size_t len)
{
	void *addr;

	for (unsigned i = 0; (addr = region_candidate(i, len)); i++) {
		if (!region_reserve(addr, len))
			return addr;
	}
	return NULL;
}

static void test_candidates(void)
{
	const size_t len[] = { 2 * MIB, 64 * GIB, 65 * GIB, 384 * GIB, 385 * GIB, TIB, 16 * TIB };

	CU_ASSERT(region_candidate(0, 64 * GIB) == (void *)0x7e9000000000);
	CU_ASSERT(region_candidate(0, 384 * GIB) == (void *)0x7e9000000000);
	CU_ASSERT(region_candidate(0, 385 * GIB) != (void *)0x7e9000000000);
	CU_ASSERT(region_candidate(0, 128 * TIB) == NULL);
	for (unsigned k = 0; k < sizeof len / sizeof len[0]; k++) {
		unsigned n = 0;
		char *at, *other;

		while ((at = region_candidate(n, len[k]))) {
			CU_ASSERT((uintptr_t)at % (2 * MIB) == 0);
			CU_ASSERT((uintptr_t)at + len[k] <= 0x7f0000000000);
			CU_ASSERT((uintptr_t)at + len[k] <= 0x600000000000 ||
			          (uintptr_t)at >= 0x640000000000);
			for (unsigned i = 0; i < n; i++) {
				other = region_candidate(i, len[k]);
				CU_ASSERT(other != at);
			}
			n++;
		}
		CU_ASSERT(n >= 5 && n <= 64);
		CU_ASSERT(region_candidate(n + 1, len[k]) == NULL);
	}
}

static void test_reserve(void)
{
	const size_t len = 64 * GIB;
	char *addr = reserve(len);

	CU_ASSERT_FATAL(addr != NULL);
	CU_ASSERT(addr == region_candidate(0, len)); /* free under every sanitizer */
	CU_ASSERT(region_reserve(addr, len) == -EEXIST);
	CU_ASSERT(region_reserve(addr + len - 2 * MIB, 4 * MIB) == -EEXIST);
	CU_ASSERT(region_reserve(addr + len, 2 * MIB) == 0);
	region_unreserve(addr + len, 2 * MIB);
	region_unreserve(addr, len);
	CU_ASSERT(region_reserve(addr, len) == 0);
	region_unreserve(addr, len);
	CU_ASSERT(region_reserve((void *)(1ull << 62), len) == -ENOMEM);
}

/* VmFlags of the mapping that has addr in it. */
static void flags_of(const void *addr, char *flags, size_t len)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	unsigned long from, to;
	char line[512];
	int here = 0;

	flags[0] = '\0';
	while (file && fgets(line, sizeof line, file)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			here = (uintptr_t)addr >= from && (uintptr_t)addr < to;
		if (here && !strncmp(line, "VmFlags:", 8))
			snprintf(flags, len, "%.*s", (int)len - 1, line + 8);
	}
	if (file)
		fclose(file);
}

static void check_mapping(const void *addr)
{
	char flags[256];

	flags_of(addr, flags, sizeof flags);
	CU_ASSERT(strstr(flags, " dc ") != NULL); /* DONTFORK */
	CU_ASSERT(strstr(flags, " dd ") != NULL); /* DONTDUMP */
	CU_ASSERT(strstr(flags, " nr ") != NULL); /* NORESERVE */
	CU_ASSERT(strstr(flags, " rd wr ") != NULL);
	CU_ASSERT(strstr(flags, " sh ") != NULL);
}

static void check_page(struct region *region, uint64_t page)
{
	const struct region_zone *zone = region_zone_of(region, page);
	uint8_t *window = region_window_at(region, page), *frame = region_frame_at(region, page);

	CU_ASSERT(page >= zone->first && page < zone->first + zone->count);
	CU_ASSERT(region_page_of(region, window) == (int64_t)page);
	CU_ASSERT(region_page_of(region, window + zone->page_bytes - 1) == (int64_t)page);
	CU_ASSERT(region_page_of(region, frame) == -1);
	CU_ASSERT((uintptr_t)window % zone->page_bytes == 0);
	CU_ASSERT((uintptr_t)frame % zone->page_bytes == 0);
	CU_ASSERT(!region_frame_prepare(region, page, 1));
	frame[1] = (uint8_t)(page + 1);
	window[zone->page_bytes - 1] = (uint8_t)(page + 2);
	CU_ASSERT(window[1] == (uint8_t)(page + 1));
	CU_ASSERT(frame[zone->page_bytes - 1] == (uint8_t)(page + 2));
	check_mapping(window);
	check_mapping(frame);
}

static void check_layout(const struct region_config *config, size_t window_bytes)
{
	size_t len = region_window_bytes(config);
	unsigned fds = count_fds();
	struct region region;
	uint8_t *addr = reserve(len);

	CU_ASSERT(len == window_bytes);
	CU_ASSERT_FATAL(addr != NULL);
	CU_ASSERT_FATAL(!region_create(config, addr, &region));
	CU_ASSERT(region.window == addr && region.window_bytes == len);
	CU_ASSERT(region.pages == config->pte_bytes / 4096 + config->pmd_bytes / (2 * MIB));
	check_page(&region, 0);
	check_page(&region, region.zone[REGION_PTE].count - (region.zone[REGION_PTE].count > 0));
	check_page(&region, region.pages - 1);
	CU_ASSERT(region_page_of(&region, addr - 1) == -1);
	CU_ASSERT(region_page_of(&region, addr + len) == -1);
	if (config->pte_bytes % (2 * MIB)) /* the gap before the next zone */
		CU_ASSERT(region_page_of(&region, addr + config->pte_bytes) == -1);
	region_destroy(&region);
	region_destroy(&region); /* zeroed by now */
	region_destroy(NULL);
	CU_ASSERT(count_fds() == fds);
	CU_ASSERT(!region_reserve(addr, len)); /* all of it is free again */
	region_unreserve(addr, len);
}

static void test_layout(void)
{
	const char *no_pages = huge_pages_reserve(3);

	check_layout(&(struct region_config){ .pte_bytes = 4 * MIB }, 4 * MIB);
	check_layout(&(struct region_config){ .pte_bytes = 3 * 4096 }, 2 * MIB);
	if (no_pages) {
		skip(no_pages);
		return;
	}
	check_layout(&(struct region_config){ .pmd_bytes = 4 * MIB }, 4 * MIB);
	check_layout(&(struct region_config){ .pte_bytes = 5 * 4096, .pmd_bytes = 4 * MIB },
	             6 * MIB);
}

/* After a failure the reservation is as it was, and nothing else is left. */
static void check_failure(const struct region_config *config, int code)
{
	size_t len = region_window_bytes(config) ? region_window_bytes(config) : 2 * MIB;
	unsigned fds = count_fds();
	struct region region = { .pages = 77 };
	char *addr = reserve(len);

	CU_ASSERT_FATAL(addr != NULL);
	CU_ASSERT(region_create(config, addr, &region) == code);
	CU_ASSERT(region.pages == 77);
	for (size_t at = 0; at < len; at += 2 * MIB)
		CU_ASSERT(region_reserve(addr + at, 2 * MIB) == -EEXIST);
	region_unreserve(addr, len);
	CU_ASSERT(!region_reserve(addr, len));
	region_unreserve(addr, len);
	CU_ASSERT(count_fds() == fds);
}

static void test_failures(void)
{
	const struct region_config small = { .pte_bytes = 2 * MIB };
	struct rlimit limit, none;

	check_failure(&(struct region_config){ .pte_bytes = 0 }, -EINVAL);
	check_failure(&(struct region_config){ .pte_bytes = 4097 }, -EINVAL);
	check_failure(&(struct region_config){ .pte_bytes = 4096, .pmd_bytes = MIB }, -EINVAL);

	size_t len = region_window_bytes(&small);
	void *addr = reserve(len);
	struct region region;

	CU_ASSERT_FATAL(addr != NULL);
	getrlimit(RLIMIT_NOFILE, &limit);
	none = (struct rlimit){ .rlim_cur = 0, .rlim_max = limit.rlim_max };
	setrlimit(RLIMIT_NOFILE, &none);
	CU_ASSERT(region_create(&small, addr, &region) == -EMFILE);
	setrlimit(RLIMIT_NOFILE, &limit);
	CU_ASSERT(region_reserve(addr, len) == -EEXIST);
	region_unreserve(addr, len);
}

/* Before anything in this process reserved huge pages. */
static void test_no_huge_pages(void)
{
	if (!huge_pages_lock() || huge_pages_total() != 0) {
		skip("needs root, and a machine without huge pages");
		return;
	}
	check_failure(&(struct region_config){ .pmd_bytes = 4 * MIB }, -ENOSPC);
	check_failure(&(struct region_config){ .pte_bytes = 4 * MIB, .pmd_bytes = 4 * MIB },
	              -ENOSPC);
}

/* ----------------------------------------------------------- beyond memory -- */

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static long resident_pages(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long size, resident = 0;

	if (file && fscanf(file, "%ld %ld", &size, &resident) != 2)
		resident = 0;
	if (file)
		fclose(file);
	return resident;
}

static void use_huge_region(struct region *region, struct trap *trap)
{
	const struct trap_ops *ops = trap->ops;
	const uint64_t at[] = { 0, region->pages / 3, region->pages - 1 };

	for (int i = 0; i < 3; i++) {
		CU_ASSERT(!region_frame_prepare(region, at[i], 1));
		CU_ASSERT(!ops->set_access(trap, at[i], 1, i ? TRAP_READ : TRAP_WRITE));
		*(uint64_t *)region_frame_at(region, at[i]) = 40 + i;
		CU_ASSERT(*(volatile uint64_t *)region_window_at(region, at[i]) == 40u + i);
	}
	CU_ASSERT(trap_audit(trap, region, 0, region->pages, NULL, NULL) == 0);
	/* All of it at once, most of it untouched (set_access takes 32 bits). */
	for (uint64_t first = 0; first < region->pages; first += 1u << 31) {
		uint64_t left = region->pages - first;

		CU_ASSERT(!ops->set_access(trap, first, left < 1u << 31 ? left : 1u << 31,
		                           TRAP_NONE));
	}
	CU_ASSERT(ops->access(trap, region->pages - 1) == TRAP_NONE);
	CU_ASSERT(trap_audit(trap, region, 0, region->pages, NULL, NULL) == 0);
}

static void beyond_memory(const struct trap_ops *ops)
{
	/* ThreadSanitizer has no place for more. */
	const struct region_config config = { .pte_bytes = TEST_TSAN ? 256 * GIB : TIB };
	const size_t len = region_window_bytes(&config);
	const double start = seconds();
	const long before = resident_pages();
	struct region region;
	struct trap *trap;
	char why[512];
	void *addr;

	if (ops->probe(TRAP_EVENT, why, sizeof why)) {
		skip(why);
		return;
	}
	addr = reserve(len);
	CU_ASSERT_FATAL(addr != NULL);
	CU_ASSERT_FATAL(!region_create(&config, addr, &region));
	CU_ASSERT_FATAL(!ops->attach(&(struct trap_config){ .region = &region }, &trap));
	use_huge_region(&region, trap);
	printf("     %ld KiB resident, %.0f ms\n", (resident_pages() - before) * 4,
	       (seconds() - start) * 1000);
	CU_ASSERT((resident_pages() - before) * 4096 <
	          (TEST_TSAN || TEST_ASAN ? 256 : 16) * (long)MIB);
	ops->detach(trap);
	region_destroy(&region);
}

static void test_beyond_memory(void)
{
	beyond_memory(&trap_wp_ops);
	beyond_memory(&trap_rwp_ops);
}

/* Whether shared memory is made of huge pages; returns 0 where that may not be set. */
static int set_shmem_enabled(const char *value)
{
	int fd = open("/sys/kernel/mm/transparent_hugepage/shmem_enabled", O_WRONLY | O_CLOEXEC);
	int set = fd >= 0 && write(fd, value, strlen(value)) > 0;

	if (fd >= 0)
		close(fd);
	return set;
}

/* The one of "always [never]" that holds. */
static void get_shmem_enabled(char *value, size_t len)
{
	char text[128] = "";
	FILE *f = fopen("/sys/kernel/mm/transparent_hugepage/shmem_enabled", "re");
	const char *at;

	if (f && !fgets(text, sizeof text, f))
		text[0] = 0;
	if (f)
		fclose(f);
	at = strchr(text, '[');
	snprintf(value, len, "%.*s", at ? (int)strcspn(at + 1, "]") : 0, at ? at + 1 : "");
}

/* A frame is as large as its page, whatever the system makes of shared memory. */
static void test_shmem_enabled(void)
{
	const struct region_config config = { .pte_bytes = 64 * MIB };
	const size_t len = region_window_bytes(&config);
	struct region region;
	char before[32];
	struct stat st;
	void *addr;
	int set;

	get_shmem_enabled(before, sizeof before);
	set = before[0] && set_shmem_enabled("always");
	if (!set) {
		skip("shmem_enabled may not be set");
		return;
	}
	addr = reserve(len);
	CU_ASSERT_FATAL(addr != NULL);
	CU_ASSERT_FATAL(!region_create(&config, addr, &region));
	for (uint64_t page = 0; page < region.pages; page += 1024) {
		CU_ASSERT(!region_frame_prepare_new(&region, page, 5));
		*(char *)region_frame_at(&region, page) = 1;
	}
	set_shmem_enabled(before);
	CU_ASSERT(!fstat(region.zone[REGION_PTE].memfd, &st));
	CU_ASSERT_EQUAL(st.st_blocks * 512, (off_t)(region.pages / 1024 * 5 * REGION_PTE_BYTES));
	region_destroy(&region);
}

int main(void)
{
	static CU_TestInfo tests[] = {
		{ "no huge pages", test_no_huge_pages },
		{ "candidates", test_candidates },
		{ "reserve", test_reserve },
		{ "layout", test_layout },
		{ "failures", test_failures },
		{ "shared memory of huge pages", test_shmem_enabled },
		{ "a region larger than memory", test_beyond_memory },
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = { { "region", NULL, NULL, NULL, NULL, tests }, CU_SUITE_INFO_NULL };

	watchdog_start(300);
	return run_suites("", suites) != 0;
}
