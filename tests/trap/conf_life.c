/* SPDX-License-Identifier: BSD-2-Clause */
/* Conformance: attach and detach, and an audit that tells the truth. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "dsm/trap/audit.h"
#include "tests/trap/conf.h"
#include "tests/trap/fixture.h"

static void test_detach_releases(void)
{
	struct actor actor[3] = {
		{ .op = ACTOR_READ },
		{ .op = ACTOR_WRITE, .value = 21 },
		{ .op = ACTOR_WRITE, .value = 22 },
	};
	volatile uint64_t *word;
	struct fx fx;

	CU_ASSERT_FATAL(!fx_open(&fx, 8));
	CU_ASSERT(!region_frame_prepare(&fx.region, 0, 8));
	for (uint64_t page = 0; page < 8; page++)
		*fx_frame(&fx, page) = 100 + page;
	CU_ASSERT(!fx_set(&fx, 2, 1, TRAP_READ));
	CU_ASSERT(!fx_set(&fx, 3, 1, TRAP_READ));
	fx_hold(&fx);
	for (int i = 0; i < 3; i++) { /* on a NONE, a NONE and a READ page */
		actor[i].addr = fx_window(&fx, i);
		CU_ASSERT_FATAL(!actor_start(&actor[i]));
	}
	CU_ASSERT(fx_wait_faults(&fx, 3));
	fx_stop_service(&fx);
	fx.ops->detach(fx.trap);
	fx.trap = NULL;
	for (int i = 0; i < 3; i++)
		CU_ASSERT_FATAL(actor_finish(&actor[i]));
	CU_ASSERT(actor[0].value == 100);
	CU_ASSERT(*fx_frame(&fx, 1) == 21);
	CU_ASSERT(*fx_frame(&fx, 2) == 22);

	/* Plain memory from here on, a write-protected page too. */
	for (uint64_t page = 3; page < 8; page++) {
		word = fx_window(&fx, page);
		CU_ASSERT(*word == 100 + page);
		*word = 7;
		CU_ASSERT(*fx_frame(&fx, page) == 7);
	}
	CU_ASSERT(!fx_close(&fx));
}

/* A child that was forked meanwhile holds the engine's descriptor; detach must not
 * depend on the last one being closed. */
static void test_detach_with_child(void)
{
	struct actor actor = { .op = ACTOR_READ };
	struct fx fx;
	int fd[2];
	pid_t pid;
	char byte;

	CU_ASSERT_FATAL(!pipe(fd));
	CU_ASSERT_FATAL(!fx_open(&fx, 8));
	fx_hold(&fx);
	actor.addr = fx_window(&fx, 0);
	CU_ASSERT_FATAL(!actor_start(&actor));
	CU_ASSERT(fx_wait_faults(&fx, 1));
	pid = fork();
	CU_ASSERT_FATAL(pid >= 0);
	if (pid == 0) { /* until the parent closes its end */
		close(fd[1]);
		_exit(read(fd[0], &byte, 1) != 0);
	}
	fx_stop_service(&fx);
	fx.ops->detach(fx.trap);
	fx.trap = NULL;
	CU_ASSERT_FATAL(actor_finish(&actor));
	close(fd[1]);
	close(fd[0]);
	CU_ASSERT(waitpid(pid, NULL, 0) == pid);
	CU_ASSERT(!fx_close(&fx));
}

/* What was mapped before attach is trapped all the same. */
static void test_attach_again(void)
{
	volatile uint64_t *word;
	struct fx fx;

	CU_ASSERT_FATAL(!fx_open(&fx, 8));
	CU_ASSERT(!fx_set(&fx, 0, 8, TRAP_READ));
	fx_stop_service(&fx);
	fx.ops->detach(fx.trap);
	word = fx_window(&fx, 1);
	*word = 5; /* untrapped: mapped by the kernel itself */
	CU_ASSERT_FATAL(!fx.ops->attach(&(struct trap_config){ .region = &fx.region }, &fx.trap));
	for (uint64_t page = 0; page < 8; page++)
		CU_ASSERT(fx_get(&fx, page) == TRAP_NONE);
	/* The audit skips what was never granted: grant all but this one, in its block. */
	CU_ASSERT(!fx_set(&fx, 0, 1, TRAP_READ));
	CU_ASSERT(trap_audit(fx.trap, &fx.region, 0, 8, NULL, NULL) == 0);
	CU_ASSERT(*fx_frame(&fx, 1) == 5);
	CU_ASSERT(!fx_close(&fx));
}

/* A wake without a grant: the thread faults again, and is told of again. */
static void test_wake_without_grant(void)
{
	struct actor actor = { .op = ACTOR_READ };
	struct trap_stats stats;
	struct fx fx;

	CU_ASSERT_FATAL(!fx_open(&fx, 8));
	fx_hold(&fx);
	actor.addr = fx_window(&fx, 6) + 3;
	CU_ASSERT_FATAL(!actor_start(&actor));
	for (unsigned i = 1; i <= 20; i++) {
		CU_ASSERT(fx_wait_faults(&fx, i));
		CU_ASSERT(fx_fault(&fx, i - 1).page == 6);
		pthread_mutex_lock(&fx.lock);
		CU_ASSERT(!fx.ops->wake(fx.trap, 5, 2)); /* a run that has it in */
		pthread_mutex_unlock(&fx.lock);
	}
	CU_ASSERT(!actor_done(&actor));
	fx_release(&fx);
	CU_ASSERT_FATAL(actor_finish(&actor));
	fx.ops->stats(fx.trap, &stats);
	CU_ASSERT(stats.faults >= 20 && stats.faults_write == 0 && stats.wakes >= 20);
	CU_ASSERT(!fx_close(&fx));
}

/* A grant without a wake: whoever waits goes on waiting. */
static void test_grant_wakes_nobody(void)
{
	struct actor actor[2] = { { .op = ACTOR_READ }, { .op = ACTOR_WRITE, .value = 4 } };
	volatile uint64_t *word;
	struct fx fx;

	CU_ASSERT_FATAL(!fx_open(&fx, 8));
	CU_ASSERT(!fx_set(&fx, 1, 1, TRAP_READ));
	fx_hold(&fx);
	for (int i = 0; i < 2; i++) { /* on a NONE and on a READ page */
		actor[i].addr = fx_window(&fx, i);
		CU_ASSERT_FATAL(!actor_start(&actor[i]));
	}
	CU_ASSERT(fx_wait_faults(&fx, 2));
	for (int round = 0; round < 3; round++) { /* more than one way to get there */
		CU_ASSERT(!fx_set(&fx, 1, 1, TRAP_WRITE));
		CU_ASSERT(!fx_set(&fx, 0, 2, TRAP_WRITE));
		CU_ASSERT(!fx_set(&fx, 0, 2, TRAP_READ));
		CU_ASSERT(!fx_set(&fx, 0, 2, TRAP_WRITE));
	}
	/* Long enough for many others to be answered. */
	pthread_mutex_lock(&fx.lock);
	fx.hold = false;
	pthread_mutex_unlock(&fx.lock);
	for (uint64_t i = 0; i < 30; i++) {
		word = fx_window(&fx, 2 + i % 6);
		*word = i;
		CU_ASSERT(!fx_set(&fx, 2 + i % 6, 1, TRAP_NONE));
	}
	CU_ASSERT(!actor_done(&actor[0]));
	CU_ASSERT(!actor_done(&actor[1]));
	pthread_mutex_lock(&fx.lock);
	CU_ASSERT(!fx.ops->wake(fx.trap, 0, 2));
	pthread_mutex_unlock(&fx.lock);
	CU_ASSERT_FATAL(actor_finish(&actor[0]) && actor_finish(&actor[1]));
	CU_ASSERT(!fx_close(&fx));
}

/* ------------------------------------------------------------------- audit -- */

/* A trap whose set_access does nothing but believe. */
struct liar {
	struct trap trap;
	struct trap *inner;
	enum trap_access believed[8];
};

static enum trap_access liar_access(const struct trap *trap, uint64_t page)
{
	return ((const struct liar *)trap)->believed[page];
}

static int liar_set_access(struct trap *trap, uint64_t first, uint32_t n, enum trap_access access)
{
	while (n--)
		((struct liar *)trap)->believed[first++] = access;
	return 0;
}

static enum trap_mode liar_mode(const struct trap *trap, uint64_t page)
{
	const struct liar *liar = (const struct liar *)trap;

	return liar->inner->ops->mode(liar->inner, page);
}

static uint64_t liar_next_touched(const struct trap *trap, uint64_t from)
{
	const struct liar *liar = (const struct liar *)trap;

	return liar->inner->ops->next_touched(liar->inner, from);
}

struct findings {
	unsigned n;
	uint64_t page[8], entry[8];
	enum trap_access believed[8];
};

static void find(void *ctx, uint64_t page, enum trap_access believed, uint64_t entry)
{
	struct findings *f = ctx;

	if (f->n < 8) {
		f->page[f->n] = page;
		f->believed[f->n] = believed;
		f->entry[f->n] = entry;
	}
	f->n++;
}

static void test_audit_finds(void)
{
	const struct trap_ops ops = {
		.name = "liar",
		.set_access = liar_set_access,
		.access = liar_access,
		.mode = liar_mode,
		.next_touched = liar_next_touched,
	};
	/* Real access, believed access, whether the two disagree. */
	static const struct {
		enum trap_access real, believed;
		bool wrong;
	} page[8] = {
		{ TRAP_WRITE, TRAP_WRITE, false }, { TRAP_WRITE, TRAP_NONE, true },
		{ TRAP_READ, TRAP_NONE, true },    { TRAP_WRITE, TRAP_READ, true },
		{ TRAP_READ, TRAP_WRITE, true },   { TRAP_NONE, TRAP_READ, false },
		{ TRAP_NONE, TRAP_NONE, false },   { TRAP_READ, TRAP_READ, false },
	};
	struct liar liar = { .trap.ops = &ops };
	struct findings f = { 0 };
	unsigned wrong = 0;
	struct fx fx;

	CU_ASSERT_FATAL(!fx_open(&fx, 8));
	liar.inner = fx.trap;
	for (uint64_t i = 0; i < 8; i++) {
		CU_ASSERT(!fx_set(&fx, i, 1, page[i].real));
		CU_ASSERT(!ops.set_access(&liar.trap, i, 1, page[i].believed));
	}
	CU_ASSERT(trap_audit(&liar.trap, &fx.region, 0, 8, find, &f) == 4);
	CU_ASSERT(trap_audit(&liar.trap, &fx.region, 0, 8, NULL, NULL) == 4);
	CU_ASSERT(trap_audit(&liar.trap, &fx.region, 2, 2, NULL, NULL) == 2);
	CU_ASSERT(trap_audit(&liar.trap, &fx.region, 5, 3, NULL, NULL) == 0);
	CU_ASSERT(trap_audit(fx.trap, &fx.region, 0, 8, NULL, NULL) == 0);
	for (uint64_t i = 0; i < 8; i++) {
		if (!page[i].wrong)
			continue;
		CU_ASSERT(f.page[wrong] == i);
		CU_ASSERT(f.believed[wrong] == page[i].believed);
		CU_ASSERT(!!(f.entry[wrong] & TRAP_AUDIT_PRESENT));
		CU_ASSERT(!!(f.entry[wrong] & TRAP_AUDIT_WP) == (page[i].real == TRAP_READ));
		wrong++;
	}
	CU_ASSERT(wrong == f.n);
	CU_ASSERT(!fx_close(&fx));
}

CU_TestInfo conf_life_tests[] = {
	{ "detach releases threads and memory", test_detach_releases },
	{ "detach while a child lives", test_detach_with_child },
	{ "attach to a window in use", test_attach_again },
	{ "wake without grant", test_wake_without_grant },
	{ "grant without wake", test_grant_wakes_nobody },
	{ "the audit finds what is wrong", test_audit_finds },
	CU_TEST_INFO_NULL,
};
