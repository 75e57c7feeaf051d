/* SPDX-License-Identifier: BSD-2-Clause */
/* Conformance: set_access over runs of pages, whatever they were, and absent frames. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include "dsm/memory/mm.h"
#include "dsm/trap/audit.h"
#include "tests/trap/conf.h"
#include "tests/trap/fixture.h"
#include "tests/trap/support.h"

static uint64_t case_pages(void)
{
	return the_case->kind == REGION_PTE ? 1024 : 8;
}

static int audit(struct fx *fx)
{
	int r;

	pthread_mutex_lock(&fx->lock);
	r = trap_audit(fx->trap, &fx->region, 0, fx->region.pages, NULL, NULL);
	pthread_mutex_unlock(&fx->lock);
	return r;
}

/* Reads and writes a page, and checks by the faults what it allowed. */
static void check_page(struct fx *fx, uint64_t page, enum trap_access access)
{
	volatile uint64_t *word = fx_window(fx, page);

	CU_ASSERT(fx_get(fx, page) == access);
	fx_forget(fx);
	CU_ASSERT(*word == page);
	CU_ASSERT(fx_forget(fx) == (access < TRAP_READ));
	*word = page;
	CU_ASSERT(fx_forget(fx) == (access < TRAP_WRITE));
}

static void mix(struct fx *fx, unsigned *seed)
{
	for (uint64_t page = 0; page < fx->region.pages;) {
		/* Pieces of 1 to 8 pages, and now and then a long one. */
		uint32_t n = 1 + rand_r(seed) % (rand_r(seed) % 8 ? 8 : 200);

		if (n > fx->region.pages - page)
			n = fx->region.pages - page;
		CU_ASSERT(!fx_set(fx, page, n, rand_r(seed) % 3));
		page += n;
	}
}

static void test_mixed_runs(void)
{
	unsigned seed = 11;
	struct fx fx;

	CU_ASSERT_FATAL(!fx_open(&fx, case_pages()));
	const uint64_t pages = fx.region.pages;

	CU_ASSERT_FATAL(!region_frame_prepare(&fx.region, 0, pages));
	for (uint64_t page = 0; page < pages; page++)
		*fx_frame(&fx, page) = page;
	for (int round = 0; round < 30; round++) {
		enum trap_access access = round % 3;
		uint64_t first = rand_r(&seed) % (pages / 2);
		uint32_t n = 1 + rand_r(&seed) % (pages - first);

		mix(&fx, &seed);
		CU_ASSERT(audit(&fx) == 0);
		CU_ASSERT(!fx_set(&fx, first, n, access));
		CU_ASSERT(!fx_set(&fx, first, n, access)); /* and once more: the same */
		CU_ASSERT(audit(&fx) == 0);
		check_page(&fx, first, access);
		if (n > 1)
			check_page(&fx, first + n - 1, access);
		if (n > 2)
			check_page(&fx, first + n / 2, access);
	}
	CU_ASSERT(!fx_close(&fx));
}

/* Long runs of one access: few ioctls, and no loop that goes round in place. */
static void test_long_runs(void)
{
	struct trap_stats stats;
	struct fx fx;

	CU_ASSERT_FATAL(!fx_open(&fx, case_pages()));
	for (int mixed = 0; mixed < 9; mixed++) {
		CU_ASSERT(!fx_set(&fx, 0, fx.region.pages, mixed / 3));
		CU_ASSERT(!fx_set(&fx, 0, fx.region.pages, mixed % 3));
		CU_ASSERT(audit(&fx) == 0);
	}
	fx.ops->stats(fx.trap, &stats);
	CU_ASSERT(stats.retries == 0);
	CU_ASSERT(stats.grants >= fx.region.pages);
	CU_ASSERT(stats.revokes >= fx.region.pages);
	CU_ASSERT(!fx_close(&fx));
}

static void test_absent_frame(void)
{
	struct actor actor = { .op = ACTOR_READ };
	struct fx fx;

	CU_ASSERT_FATAL(!fx_open(&fx, 8));
	pthread_mutex_lock(&fx.lock);
	CU_ASSERT(fx.ops->set_access(fx.trap, 2, 1, TRAP_READ) == -EFAULT);
	CU_ASSERT(fx.ops->set_access(fx.trap, 2, 1, TRAP_WRITE) == -EFAULT);
	CU_ASSERT(fx.ops->set_access(fx.trap, 2, 1, TRAP_NONE) == 0);
	CU_ASSERT(fx.ops->access(fx.trap, 2) == TRAP_NONE);

	/* A hole in a run: the pages before it have the access, those after are NONE. */
	CU_ASSERT(!region_frame_prepare(&fx.region, 0, 3));
	CU_ASSERT(!region_frame_prepare(&fx.region, 4, 2));
	CU_ASSERT(fx.ops->set_access(fx.trap, 0, 6, TRAP_READ) == -EFAULT);
	for (uint64_t page = 0; page < 6; page++)
		CU_ASSERT(fx.ops->access(fx.trap, page) == (page < 3 ? TRAP_READ : TRAP_NONE));
	/* The same where the run has to be made of one piece first. */
	CU_ASSERT(!fx.ops->set_access(fx.trap, 1, 1, TRAP_WRITE));
	CU_ASSERT(fx.ops->set_access(fx.trap, 0, 6, TRAP_WRITE) == -EFAULT);
	for (uint64_t page = 0; page < 6; page++)
		CU_ASSERT(fx.ops->access(fx.trap, page) == (page < 3 ? TRAP_WRITE : TRAP_NONE));
	pthread_mutex_unlock(&fx.lock);
	CU_ASSERT(audit(&fx) == 0);

	/* A thread that waits for such a page gets zeros when its frame is there. */
	fx_hold(&fx);
	actor.addr = fx_window(&fx, 3);
	actor.value = 9;
	CU_ASSERT_FATAL(!actor_start(&actor));
	CU_ASSERT(fx_wait_faults(&fx, 1));
	fx_release(&fx); /* prepares the frame */
	CU_ASSERT_FATAL(actor_finish(&actor));
	CU_ASSERT(actor.value == 0);
	CU_ASSERT(!fx_close(&fx));
}

/* The kernel takes entries of the page table away when it wants: less than was granted
 * is there then, never more, and the next fault puts it right. */
static void test_entry_taken_away(void)
{
	struct fx fx;

	CU_ASSERT_FATAL(!fx_open(&fx, 8));
	CU_ASSERT(!region_frame_prepare(&fx.region, 0, 8));
	for (int from = TRAP_READ; from <= TRAP_WRITE; from++) {
		for (int to = TRAP_READ; to <= TRAP_WRITE; to++) {
			for (int write = 0; write <= 1; write++) {
				volatile uint64_t *word = fx_window(&fx, 2);

				CU_ASSERT(!fx_set(&fx, 0, 8, from));
				CU_ASSERT(!mm_advise(fx_window(&fx, 2), fx_page_bytes(&fx),
				                     MADV_DONTNEED));
				if (from != to)
					CU_ASSERT(!fx_set(&fx, 2, 1, to));
				CU_ASSERT(audit(&fx) == 0);
				CU_ASSERT(fx_get(&fx, 2) == (enum trap_access)to);
				*fx_frame(&fx, 2) = 50;
				fx_forget(&fx);
				if (write)
					*word = 50 + 1;
				CU_ASSERT(*word == 50u + write);
				CU_ASSERT(fx_forget(&fx) >= 1);
				CU_ASSERT(fx_get(&fx, 2) ==
				          (write ? TRAP_WRITE : (enum trap_access)to));
			}
		}
	}
	CU_ASSERT(!fx_close(&fx));
}

static void test_frame_drop(void)
{
	struct fx fx;

	CU_ASSERT_FATAL(!fx_open(&fx, 8));
	for (int round = 0; round < 3; round++) {
		CU_ASSERT(!fx_set(&fx, 4, 1, round));
		CU_ASSERT(!region_frame_prepare(&fx.region, 4, 1));
		memset(fx_frame(&fx, 4), 0xee, fx_page_bytes(&fx));
		CU_ASSERT(!region_frame_prepare(&fx.region, 4, 1)); /* keeps what is there */
		CU_ASSERT(*fx_frame(&fx, 4) == 0xeeeeeeeeeeeeeeee);
		CU_ASSERT(!fx_set(&fx, 4, 1, TRAP_NONE));
		CU_ASSERT(!region_frame_drop(&fx.region, 4, 1));
		CU_ASSERT(!region_frame_drop(&fx.region, 4, 1)); /* nothing there: nothing to do */

		const volatile uint64_t *word = fx_window(&fx, 4);

		fx_forget(&fx);
		CU_ASSERT(*word == 0);
		CU_ASSERT(word[fx_page_bytes(&fx) / 8 - 1] == 0);
		CU_ASSERT(fx_forget(&fx) == 1);
		CU_ASSERT(*fx_frame(&fx, 4) == 0);
	}
	CU_ASSERT(!fx_close(&fx));
}

/* Granted anew, a page whose frame was given up costs no fault: it is known to be unmapped. */
static void test_frame_forgotten(void)
{
	struct fx fx;

	CU_ASSERT_FATAL(!fx_open(&fx, 8));
	for (int from = TRAP_NONE; from <= TRAP_WRITE; from++) {
		for (int to = TRAP_READ; to <= TRAP_WRITE; to++) {
			volatile uint64_t *word = fx_window(&fx, 4);

			CU_ASSERT(!fx_set(&fx, 0, 8, from));
			CU_ASSERT(!fx_set(&fx, 0, 8, TRAP_NONE));
			CU_ASSERT(!region_frame_drop(&fx.region, 4, 1));
			pthread_mutex_lock(&fx.lock);
			fx.ops->forget(fx.trap, 4, 1);
			pthread_mutex_unlock(&fx.lock);
			CU_ASSERT(!fx_set(&fx, 0, 8, to));
			fx_forget(&fx);
			CU_ASSERT(*word == 0);
			if (to == TRAP_WRITE)
				*word = 1;
			CU_ASSERT(fx_forget(&fx) == 0);
		}
	}
	CU_ASSERT(!fx_close(&fx));
}

/* A file system without room stands for memory that is out. */
static int full_tmpfs(void *ctx)
{
	struct fx *fx = ctx;
	struct region_zone *zone = &fx->region.zone[REGION_PTE];
	void *alias;
	int fd;

	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", "/tmp", "tmpfs", 0, "size=64k"))
		return EXIT_SKIPPED;
	fd = open("/tmp/full", O_RDWR | O_CREAT, 0600);
	CHILD_CHECK(fd >= 0 && !ftruncate(fd, zone->count * zone->page_bytes));
	alias = mmap(NULL, zone->count * zone->page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHILD_CHECK(alias != MAP_FAILED);
	zone->memfd = fd;
	zone->alias = alias; /* a child has no copy of the region's */
	CHILD_CHECK(!region_frame_prepare(&fx->region, 0, 8));
	CHILD_CHECK(region_frame_prepare(&fx->region, 0, 64) == -ENOSPC);
	return 0;
}

static void pool_empty(struct fx *fx)
{
	const uint64_t pages = fx->region.pages;

	/* More pages than the pool has, and some of them came before the end. */
	CU_ASSERT(region_frame_prepare(&fx->region, 0, pages) == -ENOSPC);
	CU_ASSERT(region_frame_prepare(&fx->region, pages - 1, 1) == -ENOSPC);
	CU_ASSERT(fx->ops->set_access(fx->trap, pages - 1, 1, TRAP_READ) == -EFAULT);
	CU_ASSERT(!region_frame_drop(&fx->region, 0, 1));
	CU_ASSERT(!region_frame_prepare(&fx->region, pages - 1, 1));
	CU_ASSERT(!fx->ops->set_access(fx->trap, pages - 1, 1, TRAP_READ));
}

static void test_no_space(void)
{
	struct fx fx;
	int r;

	if (the_case->kind == REGION_PMD) {
		CU_ASSERT_FATAL(!fx_open(&fx, huge_pages_free() + 4));
		pool_empty(&fx);
		CU_ASSERT(!fx_close(&fx));
		return;
	}
	CU_ASSERT_FATAL(!fx_open(&fx, 64));
	r = in_child(full_tmpfs, &fx);
	if (r == EXIT_SKIPPED)
		skip("no permission to mount a small tmpfs");
	CU_ASSERT(r == 0 || r == EXIT_SKIPPED);
	CU_ASSERT(!fx_close(&fx));
}

static void on_signal(int sig)
{
}

/* Signals interrupt the allocation of frames; shmem then gives all of it back. */
static void test_prepare_interrupted(void)
{
	const struct itimerspec fast = { { 0, 200000 }, { 0, 200000 } };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct sigaction action = { .sa_handler = on_signal }, before;
	const uint64_t pages = the_case->kind == REGION_PTE ? 16384 : 8;
	timer_t timer;
	struct fx fx;

	CU_ASSERT_FATAL(!fx_open(&fx, pages));
	sigaction(SIGUSR1, &action, &before);
	CU_ASSERT_FATAL(!timer_create(CLOCK_MONOTONIC, &event, &timer));
	timer_settime(timer, 0, &fast, NULL);
	CU_ASSERT(!region_frame_prepare(&fx.region, 0, pages));
	timer_delete(timer);
	CU_ASSERT(!fx_set(&fx, 0, pages, TRAP_WRITE));
	CU_ASSERT(!fx_close(&fx));
	sigaction(SIGUSR1, &before, NULL);
}

CU_TestInfo conf_runs_tests[] = {
	{ "runs of mixed pages", test_mixed_runs },
	{ "long runs of like pages", test_long_runs },
	{ "a frame that is absent", test_absent_frame },
	{ "an entry that the kernel took away", test_entry_taken_away },
	{ "a dropped frame reads zero", test_frame_drop },
	{ "a dropped frame that is told of", test_frame_forgotten },
	{ "memory is out", test_no_space },
	{ "frames allocated under signals", test_prepare_interrupted },
	CU_TEST_INFO_NULL,
};
