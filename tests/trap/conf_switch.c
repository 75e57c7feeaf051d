/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Conformance: what must hold while pages change the way they are protected. The rwp engine
 * changes it by itself; tests that must make it do so are for that engine only.
 */
#include "config.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dsm/trap/rwp.h"
#include "tests/hang.h"
#include "tests/trap/conf.h"
#include "tests/trap/fixture.h"
#include "tests/trap/support.h"

static bool is_rwp(void)
{
	return the_case->ops == &trap_rwp_ops;
}

static struct trap_stats stats_of(struct fx *fx)
{
	struct trap_stats stats;

	fx->ops->stats(fx->trap, &stats);
	return stats;
}

static int force(struct fx *fx, uint64_t page, bool wp)
{
	int r;

	pthread_mutex_lock(&fx->lock);
	r = rwp_force(fx->trap, page, wp);
	pthread_mutex_unlock(&fx->lock);
	return r;
}

/* Written by turns, so often: as no page is READ, its extent goes back to RWP. */
static void write_by_turns(struct fx *fx, uint64_t page, unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++) {
		CU_ASSERT(!fx_set(fx, page, 1, TRAP_WRITE));
		CU_ASSERT(!fx_set(fx, page, 1, TRAP_NONE));
	}
}

/* Threads that wait go on waiting, and get their pages in whatever mode they are then. */
static void test_waits_across_switch(void)
{
	const uint64_t other = the_case->kind == REGION_PTE ? 3 : 0; /* of the same extent */
	struct actor actor[2] = { { .op = ACTOR_READ }, { .op = ACTOR_WRITE, .value = 77 } };
	struct fx fx;

	for (int back = 0; back <= 1; back++) {
		CU_ASSERT_FATAL(!fx_open(&fx, 8));
		CU_ASSERT(!region_frame_prepare(&fx.region, 0, 8));
		*fx_frame(&fx, 0) = 50;
		fx_hold(&fx);
		for (int i = 0; i < 2; i++) {
			actor[i].addr = fx_window(&fx, i) + i;
			CU_ASSERT_FATAL(!actor_start(&actor[i]));
		}
		CU_ASSERT(fx_wait_faults(&fx, 2));
		CU_ASSERT(!fx_set(&fx, other, 1, TRAP_READ));
		CU_ASSERT(!fx_set(&fx, other, 1, TRAP_NONE));
		if (back)
			write_by_turns(&fx, other, 100);
		CU_ASSERT(!is_rwp() || stats_of(&fx).to_wp == 1);
		CU_ASSERT(!is_rwp() || stats_of(&fx).to_rwp == (unsigned)back);
		CU_ASSERT(!actor_done(&actor[0]) && !actor_done(&actor[1]));
		CU_ASSERT(fx_frame(&fx, 1)[1] == 0);
		CU_ASSERT(fx_faults(&fx) == 2);
		fx_release(&fx);
		CU_ASSERT_FATAL(actor_finish(&actor[0]) && actor_finish(&actor[1]));
		CU_ASSERT(actor[0].value == 50);
		CU_ASSERT(fx_frame(&fx, 1)[1] == 77);
		CU_ASSERT(!fx_close(&fx));
	}
}

/* A switch leaves to every page what it had, and no thread notices. */
static void test_access_kept(void)
{
	const uint64_t pages = the_case->kind == REGION_PTE ? 3 * REGION_EXTENT_PAGES - 7 : 6;
	struct fx fx;

	if (!is_rwp())
		return;
	CU_ASSERT_FATAL(!fx_open(&fx, pages));
	for (uint64_t page = 0; page < pages; page++)
		CU_ASSERT(!fx_set(&fx, page, 1, page % 3 ? TRAP_WRITE : TRAP_NONE));
	for (int round = 0; round < 4; round++) {
		for (uint64_t page = 0; page < pages; page += 50)
			CU_ASSERT(!force(&fx, page, !(round & 1)));
		CU_ASSERT(!force(&fx, pages - 1, !(round & 1)));
		fx_forget(&fx);
		for (uint64_t page = 0; page < pages; page++) {
			if (!(page % 3))
				continue;
			++*(volatile uint64_t *)fx_window(&fx, page);
			CU_ASSERT(*fx_frame(&fx, page) == round + 1u);
		}
		CU_ASSERT(fx_forget(&fx) == 0);
	}
	for (uint64_t page = 0; page < pages; page += 3) {
		CU_ASSERT(fx_get(&fx, page) == TRAP_NONE);
		CU_ASSERT(!region_frame_prepare(&fx.region, page, 1));
		fx_forget(&fx);
		++*(volatile uint64_t *)fx_window(&fx, page); /* by reading and writing it */
		CU_ASSERT(fx_forget(&fx) >= 1);
	}
	CU_ASSERT(!fx_close(&fx));
}

/* A page that is READ forbids RWP, which knows no such thing. */
static void test_read_forbids(void)
{
	struct fx fx;

	if (!is_rwp())
		return;
	CU_ASSERT_FATAL(!fx_open(&fx, 8));
	CU_ASSERT(!fx_set(&fx, 2, 1, TRAP_READ));
	CU_ASSERT(force(&fx, 2, false) == -EBUSY);
	CU_ASSERT(!fx_set(&fx, 2, 1, TRAP_WRITE));
	CU_ASSERT(force(&fx, 2, false) == 0);
	CU_ASSERT(!fx_close(&fx));
}

/* Faults that a switch has read are still to be read, and the descriptor says so. */
static void test_faults_kept(void)
{
	static struct actor actor[4]; /* they may outlive a failure */
	struct pollfd fd, uffd;
	struct trap_fault fault;
	struct fx fx;

	if (!is_rwp())
		return;
	CU_ASSERT_FATAL(!fx_open(&fx, 8));
	CU_ASSERT(!region_frame_prepare(&fx.region, 0, 4));
	fx_stop_service(&fx);
	fd = (struct pollfd){ fx.ops->fd(fx.trap), POLLIN, 0 };
	uffd = (struct pollfd){ rwp_of(fx.trap)->base.fd, POLLIN, 0 };
	for (uint64_t i = 0; i < 4; i++) {
		actor[i] = (struct actor){ .op = ACTOR_WRITE,
			                   .addr = fx_window(&fx, i),
			                   .value = i + 1 };
		CU_ASSERT_FATAL(!actor_start(&actor[i]));
		CU_ASSERT(poll(&uffd, 1, HANG_MS) == 1 && poll(&fd, 1, 0) == 1);
		CU_ASSERT(!force(&fx, 7, !(i & 1)));
		CU_ASSERT(poll(&fd, 1, 0) == 1);
	}
	for (int i = 0; i < 4; i++) {
		CU_ASSERT(poll(&fd, 1, 0) == 1);
		CU_ASSERT_FATAL(fx.ops->next_fault(fx.trap, &fault) == 1);
		CU_ASSERT(fault.page < 4 && fault.write);
		fx_answer_grant(&fx, &fault);
	}
	CU_ASSERT(fx.ops->next_fault(fx.trap, &fault) == 0);
	CU_ASSERT(poll(&fd, 1, 0) == 0);
	for (uint64_t i = 0; i < 4; i++) {
		CU_ASSERT_FATAL(actor_finish(&actor[i]));
		CU_ASSERT(*fx_frame(&fx, i) == i + 1);
	}
	CU_ASSERT(!fx_close(&fx));
}

/* More faults during a switch than there is room for, each on a page of its own: all are
 * told of in the end. */
static void test_faults_too_many(void)
{
	enum { MANY = RWP_KEPT_MAX + 20 };
	static struct actor actor[MANY];
	bool finished = true;
	struct fx fx;

	if (!is_rwp() || the_case->kind == REGION_PMD) /* of which there are not so many */
		return;
	CU_ASSERT_FATAL(!fx_open(&fx, MANY));
	pthread_mutex_lock(&fx.lock); /* keeps the service thread from reading */
	for (unsigned i = 0; i < MANY; i++) {
		actor[i] = (struct actor){ .op = ACTOR_WRITE,
			                   .addr = fx_window(&fx, i),
			                   .value = i + 1 };
		CU_ASSERT_FATAL(!actor_start(&actor[i]));
	}
	for (int i = 0; i < 30; i++) {
		CU_ASSERT(!rwp_force(fx.trap, 0, true));
		CU_ASSERT(!rwp_force(fx.trap, 0, false));
	}
	pthread_mutex_lock(&rwp_of(fx.trap)->reading);
	CU_ASSERT(rwp_of(fx.trap)->n_kept == RWP_KEPT_MAX);
	pthread_mutex_unlock(&rwp_of(fx.trap)->reading);
	pthread_mutex_unlock(&fx.lock);
	for (unsigned i = 0; i < MANY && finished; i++)
		finished = actor_finish(&actor[i]);
	CU_ASSERT_FATAL(finished);
	for (unsigned i = 0; i < MANY; i++)
		CU_ASSERT(*fx_frame(&fx, i) == i + 1);
	CU_ASSERT(!fx_close(&fx));
}

/* Sharing that changes its kind again and again makes few switches. */
static void test_no_thrash(void)
{
	struct trap_stats stats;
	struct fx fx;

	if (!is_rwp())
		return;
	CU_ASSERT_FATAL(!fx_open(&fx, 8));
	for (int i = 0; i < 300; i++) { /* read by many, written by one */
		CU_ASSERT(!fx_set(&fx, 2, 1, TRAP_READ));
		write_by_turns(&fx, 2, 1);
	}
	stats = stats_of(&fx);
	CU_ASSERT(stats.to_wp == 1 && stats.to_rwp == 0);
	for (int i = 0; i < 40; i++) { /* just as long as it takes at first to go back */
		write_by_turns(&fx, 2, 32);
		CU_ASSERT(!fx_set(&fx, 2, 1, TRAP_READ));
	}
	stats = stats_of(&fx);
	CU_ASSERT(stats.to_rwp >= 1 && stats.to_rwp <= 2);
	write_by_turns(&fx, 2, 100); /* what stays as it is goes back */
	CU_ASSERT(stats_of(&fx).to_rwp > stats.to_rwp);
	CU_ASSERT(!fx_close(&fx));
}

/* ---------------------------------------------------------------- mappings -- */

/* Mappings that the window consists of. */
static unsigned mappings(const struct fx *fx)
{
	const uintptr_t from = (uintptr_t)fx->region.window, to = from + fx->region.window_bytes;
	FILE *file = fopen("/proc/self/maps", "r");
	unsigned long start, end;
	unsigned count = 0;
	char line[512];

	while (file && fgets(line, sizeof line, file)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2 && start >= from && end <= to &&
		    strstr(line, "memfd:dsm"))
			count++;
	}
	if (file)
		fclose(file);
	return count;
}

static void limit_mappings(struct fx *fx, uint64_t max)
{
	pthread_mutex_lock(&fx->lock);
	rwp_of(fx->trap)->mappings_max = max;
	pthread_mutex_unlock(&fx->lock);
}

/* Page 0 of an extent. (There are not as many huge pages as the test has extents; that the
 * page then has no frame, -EFAULT, comes after the switch.) */
static void set_first(struct fx *fx, uint64_t extent, enum trap_access access)
{
	const uint64_t page = extent * (the_case->kind == REGION_PTE ? REGION_EXTENT_PAGES : 1);
	int r;

	pthread_mutex_lock(&fx->lock);
	if (the_case->kind == REGION_PTE)
		CU_ASSERT(!region_frame_prepare(&fx->region, page, 1));
	r = fx->ops->set_access(fx->trap, page, 1, access);
	CU_ASSERT(r == 0 || (r == -EFAULT && the_case->kind == REGION_PMD));
	pthread_mutex_unlock(&fx->lock);
}

/* Extents that differ from their neighbours: as many mappings as extents, if one could. */
static void test_mappings_bounded(void)
{
	enum { EXTENTS = 301, MAX = 100 };
	unsigned seed = 9, most = 0, now;
	struct fx fx;

	if (!is_rwp())
		return;
	CU_ASSERT_FATAL(!fx_open(&fx, EXTENTS * (the_case->kind == REGION_PTE ? 64 : 1)));
	CU_ASSERT(mappings(&fx) == 1);
	limit_mappings(&fx, MAX);
	/* What is written in between must not be lost when it is taken along. */
	CU_ASSERT(!fx_set(&fx, 1, 1, TRAP_WRITE));
	*(volatile uint64_t *)fx_window(&fx, 1) = 5;
	for (uint64_t extent = 2; extent < EXTENTS; extent += 2) {
		set_first(&fx, extent, TRAP_READ);
		now = mappings(&fx);
		most = now > most ? now : most;
		CU_ASSERT(now == rwp_of(fx.trap)->mappings);
	}
	CU_ASSERT(most > MAX - 4 && most <= MAX + 4);
	CU_ASSERT(stats_of(&fx).to_wp > EXTENTS / 2 - 1); /* some were taken along */

	/* And wild: it never gets beyond. */
	for (int i = 0; i < 3000; i++) {
		const uint64_t extent = rand_r(&seed) % EXTENTS;

		set_first(&fx, extent, rand_r(&seed) % 3);
		for (int k = rand_r(&seed) % 8 ? 0 : 70; k; k--) {
			set_first(&fx, extent, TRAP_WRITE);
			set_first(&fx, extent, TRAP_NONE);
		}
		CU_ASSERT(rwp_of(fx.trap)->mappings <= MAX + 4);
		if (i % 100 == 0)
			CU_ASSERT(mappings(&fx) == rwp_of(fx.trap)->mappings);
	}
	CU_ASSERT(stats_of(&fx).to_rwp > 0);
	if (the_case->kind == REGION_PTE)
		CU_ASSERT(stats_of(&fx).stayed_wp > 0);
	CU_ASSERT(*fx_frame(&fx, 1) == 5);
	CU_ASSERT(*(volatile uint64_t *)fx_window(&fx, 1) == 5);
	CU_ASSERT(!fx_close(&fx));
}

/* In a process that has locked its memory, what was replaced once differs from what was
 * not; it must not stay in pieces for that. */
static int mappings_of_locked(void *ctx)
{
	struct fx fx;

	CHILD_CHECK(!fx_open(&fx, 64 * REGION_EXTENT_PAGES));
	if (mlockall(MCL_CURRENT | MCL_ONFAULT))
		return EXIT_SKIPPED;
	for (int round = 0; round < 4; round++) {
		for (uint64_t extent = 1; extent < 63; extent += 3)
			CHILD_CHECK(!force(&fx, extent * REGION_EXTENT_PAGES, !(round & 1)));
		CHILD_CHECK(mappings(&fx) <= 3 * rwp_of(fx.trap)->mappings + 3);
	}
	CHILD_CHECK(!fx_close(&fx));
	return 0;
}

static void test_mappings_of_locked(void)
{
	int r;

	if (!is_rwp() || the_case->kind == REGION_PMD) /* where nothing ever merges */
		return;
	r = in_child(mappings_of_locked, NULL);
	if (r == EXIT_SKIPPED)
		skip("mlock is not permitted (RLIMIT_MEMLOCK, CAP_IPC_LOCK)");
	CU_ASSERT(r == 0 || r == EXIT_SKIPPED);
}

CU_TestInfo conf_switch_tests[] = {
	{ "threads wait across a switch", test_waits_across_switch },
	{ "a switch keeps every access", test_access_kept },
	{ "a page that is read forbids RWP", test_read_forbids },
	{ "faults that a switch reads", test_faults_kept },
	{ "more faults than there is room for", test_faults_too_many },
	{ "no thrashing between modes", test_no_thrash },
	{ "mappings are bounded", test_mappings_bounded },
	{ "mappings of locked memory", test_mappings_of_locked },
	CU_TEST_INFO_NULL,
};
