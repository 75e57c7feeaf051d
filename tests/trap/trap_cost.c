/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What set_access costs: microseconds a page, alone and in runs, and the ratio to an
 * ioctl that does nothing. Each number is the best of some rounds.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "dsm/memory/region.h"
#include "dsm/trap/rwp.h"
#include "dsm/trap/trap.h"
#include "tests/trap/support.h"

#define ROUNDS 15
#define IOCTLS 4096

static const struct {
	const struct trap_ops *ops;
	enum region_zone_kind kind;
	const char *name;
	unsigned pages;
	unsigned runs[3]; /* pages in a call */
} cases[] = {
	{ &trap_wp_ops, REGION_PTE, "wp, 4 KiB pages", 4096, { 1, 16, 256 } },
	{ &trap_wp_ops, REGION_PMD, "wp, 2 MiB pages", 16, { 1, 4, 16 } },
	{ &trap_rwp_ops, REGION_PTE, "rwp, 4 KiB pages", 4096, { 1, 16, 256 } },
	{ &trap_rwp_ops, REGION_PMD, "rwp, 2 MiB pages", 16, { 1, 4, 16 } },
};

#define MIXED 9 /* READ and NONE in turn */

static const struct {
	const char *name;
	int from, to;
} moves[] = {
	{ "NONE to READ (continue, protected)", TRAP_NONE, TRAP_READ },
	{ "NONE to WRITE (continue)", TRAP_NONE, TRAP_WRITE },
	{ "WRITE to READ (write-protect)", TRAP_WRITE, TRAP_READ },
	{ "READ to WRITE (unprotect)", TRAP_READ, TRAP_WRITE },
	{ "READ to NONE (zap)", TRAP_READ, TRAP_NONE },
	{ "WRITE to NONE (zap)", TRAP_WRITE, TRAP_NONE },
	{ "READ to READ (after a stale fault)", TRAP_READ, TRAP_READ },
	{ "every other NONE, to READ", MIXED, TRAP_READ },
};

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}

/* Other processes make a round slower, never faster. */
static double best(const double *values)
{
	double min = values[0];

	for (int i = 1; i < ROUNDS; i++)
		min = values[i] < min ? values[i] : min;
	return min;
}

/* An ioctl that userfaultfd does not know. */
static double ioctl_us(int fd)
{
	double us[ROUNDS];

	for (int round = 0; round < ROUNDS; round++) {
		double start = now_us();

		for (int i = 0; i < IOCTLS; i++)
			syscall(SYS_ioctl, fd, _IO(0xAA, 0xEE), NULL);
		us[round] = (now_us() - start) / IOCTLS;
	}
	return best(us);
}

static void must(int r)
{
	if (!r)
		return;
	fprintf(stderr, "set_access: %s\n", strerror(-r));
	exit(1);
}

static double move_us(struct trap *trap, unsigned pages, unsigned run, int from, int to)
{
	double us[ROUNDS];

	for (int round = 0; round < ROUNDS; round++) {
		must(trap->ops->set_access(trap, 0, pages, from == MIXED ? TRAP_NONE : from));
		for (unsigned page = 0; from == MIXED && page < pages; page += 2)
			must(trap->ops->set_access(trap, page, 1, TRAP_READ));
		double start = now_us();

		for (unsigned page = 0; page < pages; page += run)
			must(trap->ops->set_access(trap, page, run, to));
		us[round] = (now_us() - start) / pages;
	}
	return best(us);
}

/* Microseconds to switch an extent all of whose pages have this access. */
static double switch_us(struct trap *trap, unsigned i, enum trap_access access)
{
	const unsigned pages = cases[i].pages;
	const unsigned step = cases[i].kind == REGION_PTE ? REGION_EXTENT_PAGES : 1;
	double us[ROUNDS];

	must(trap->ops->set_access(trap, 0, pages, TRAP_WRITE));
	must(trap->ops->set_access(trap, 0, pages, access));
	for (int round = 0; round < ROUNDS; round++) {
		double start = now_us();

		for (unsigned page = 0; page < pages; page += step)
			must(rwp_force(trap, page, round % 2 == 0));
		us[round] = (now_us() - start) / (pages / step);
	}
	for (unsigned page = 0; page < pages; page += step)
		must(rwp_force(trap, page, false));
	return best(us);
}

static void measure(unsigned i, struct region *region, struct trap *trap)
{
	const bool rwp = trap->ops == &trap_rwp_ops;
	double bare = ioctl_us(base_of(trap)->fd);

	printf("%s: us a page (times a bare ioctl, %.3f us)\n", cases[i].name, bare);
	printf("  %-36s", "runs of");
	for (int k = 0; k < 3; k++)
		printf("%17u", cases[i].runs[k]);
	printf("\n");
	for (size_t m = 0; m < sizeof moves / sizeof moves[0]; m++) {
		/* To READ an extent changes its mode; what is under WP then costs as with wp. */
		if (rwp && (moves[m].from | moves[m].to) & (TRAP_READ | MIXED))
			continue;
		printf("  %-36s", moves[m].name);
		for (int k = 0; k < 3; k++) {
			double us = move_us(trap, cases[i].pages, cases[i].runs[k], moves[m].from,
			                    moves[m].to);

			printf("%8.3f (%5.2f)", us, us / bare);
		}
		printf("\n");
	}
	for (int access = TRAP_NONE; rwp && access <= TRAP_WRITE; access += TRAP_WRITE) {
		double us = switch_us(trap, i, access);

		printf("  switch of an extent, all of it %-5s %16.1f (%5.0f)\n",
		       access == TRAP_NONE ? "NONE" : "WRITE", us, us / bare);
	}
}

/* 0, 1 with a message on stderr, or EXIT_SKIPPED with one on stdout. */
static int run_case(unsigned i)
{
	struct region_config config = { .pte_bytes = cases[i].pages * 4096ull };
	struct region region;
	struct trap *trap;
	char why[512];
	const char *no_pages = NULL;
	void *addr;
	size_t len;
	int r = cases[i].ops->probe(TRAP_EVENT, why, sizeof why);

	if (cases[i].kind == REGION_PMD) {
		config = (struct region_config){ .pmd_bytes = cases[i].pages * (2ull << 20) };
		no_pages = huge_pages_reserve(cases[i].pages);
	}
	if (r || no_pages) {
		printf("%s: skipped: %s\n", cases[i].name, r ? why : no_pages);
		return EXIT_SKIPPED;
	}
	len = region_window_bytes(&config);
	addr = region_candidate(0, len);
	r = region_reserve(addr, len);
	if (!r)
		r = region_create(&config, addr, &region);
	if (!r)
		r = region_frame_prepare(&region, 0, cases[i].pages);
	if (!r)
		r = cases[i].ops->attach(&(struct trap_config){ .region = &region }, &trap);
	if (r) {
		fprintf(stderr, "%s: %s\n", cases[i].name, strerror(-r));
		return 1;
	}
	measure(i, &region, trap);
	cases[i].ops->detach(trap);
	region_destroy(&region);
	return 0;
}

int main(void)
{
	int result = EXIT_SKIPPED;

	watchdog_start(300);
	for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int r = run_case(i);

		if (r != EXIT_SKIPPED && result != 1)
			result = r;
	}
	return result;
}
