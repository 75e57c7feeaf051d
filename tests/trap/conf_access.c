/* SPDX-License-Identifier: BSD-2-Clause */
/* Conformance: every access, from every access before, by threads and system calls. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "dsm/trap/base.h"
#include "tests/trap/conf.h"
#include "tests/trap/fixture.h"

#define MANY 4

/*
 * A page goes from one access to another, then threads read or write it. Exactly the
 * accesses that exceed `to` must fault, and fault as what they are.
 */
static void check_access(struct fx *fx, enum trap_access to, bool write, unsigned threads)
{
	const uint64_t page = 5, marker = 0x1234567800000000 + to * 16 + write;
	const bool faults = write ? to < TRAP_WRITE : to < TRAP_READ;
	struct actor actor[MANY];
	bool stuck = false;

	*fx_frame(fx, page) = marker;
	fx_hold(fx);
	for (unsigned i = 0; i < threads; i++) {
		actor[i] = (struct actor){ .op = write ? ACTOR_WRITE : ACTOR_READ,
			                   .addr = fx_window(fx, page) + i * write,
			                   .value = marker + i + 1 };
		CU_ASSERT_FATAL(!actor_start(&actor[i]));
	}
	if (faults) {
		CU_ASSERT(fx_wait_faults(fx, threads));
		for (unsigned i = 0; i < threads; i++) {
			struct trap_fault fault = fx_fault(fx, i);
			bool found = false;

			CU_ASSERT(fault.page == page);
			CU_ASSERT(fault.write == write);
			CU_ASSERT(!actor_done(&actor[i]));
			for (unsigned k = 0; k < threads; k++) {
				pid_t tid = __atomic_load_n(&actor[k].tid, __ATOMIC_RELAXED);

				found |= fault.address == (uintptr_t)actor[k].addr &&
				         (!fault.thread || fault.thread == (uint32_t)tid);
			}
			CU_ASSERT(found);
		}
		CU_ASSERT(*fx_frame(fx, page) == marker);
	}
	fx_release(fx);
	for (unsigned i = 0; i < threads; i++) {
		uint64_t *frame = fx_frame(fx, page);

		if (!actor_finish(&actor[i]))
			stuck = true;
		else
			CU_ASSERT((write ? frame[i] : actor[i].value) ==
			          marker + (write ? i + 1 : 0));
	}
	CU_ASSERT_FATAL(!stuck);
	CU_ASSERT((fx_faults(fx) == 0) == !faults);
}

static void transitions(unsigned threads)
{
	struct fx fx;

	CU_ASSERT_FATAL(!fx_open(&fx, 8));
	for (int from = TRAP_NONE; from <= TRAP_WRITE; from++) {
		for (int to = TRAP_NONE; to <= TRAP_WRITE; to++) {
			for (int write = 0; write <= 1; write++) {
				CU_ASSERT(!fx_set(&fx, 5, 1, from));
				CU_ASSERT(!fx_set(&fx, 5, 1, to));
				CU_ASSERT(fx_get(&fx, 5) == (enum trap_access)to);
				CU_ASSERT(!region_frame_prepare(&fx.region, 5, 1));
				check_access(&fx, to, write, threads);
			}
		}
	}
	CU_ASSERT(!fx_close(&fx));
}

static void test_transitions_one(void)
{
	transitions(1);
}

static void test_transitions_many(void)
{
	transitions(MANY);
}

/* A write to a page that is READ, then READ again before it is answered: the store must
 * not slip through, nor be lost. */
static void test_fault_is_stale(void)
{
	struct fx fx;
	struct actor actor = { .op = ACTOR_WRITE, .value = 7 };

	CU_ASSERT_FATAL(!fx_open(&fx, 8));
	CU_ASSERT(!fx_set(&fx, 1, 1, TRAP_READ));
	fx_hold(&fx);
	actor.addr = fx_window(&fx, 1);
	CU_ASSERT_FATAL(!actor_start(&actor));
	CU_ASSERT(fx_wait_faults(&fx, 1));
	/* What the fault told is not so any more: NONE, then READ, and awake. */
	CU_ASSERT(!fx_set(&fx, 1, 1, TRAP_NONE));
	CU_ASSERT(!fx_set(&fx, 1, 1, TRAP_READ));
	pthread_mutex_lock(&fx.lock);
	CU_ASSERT(!fx.ops->wake(fx.trap, 1, 1));
	pthread_mutex_unlock(&fx.lock);
	CU_ASSERT(fx_wait_faults(&fx, 2)); /* it tries again, and faults again */
	CU_ASSERT(!actor_done(&actor));
	CU_ASSERT(*fx_frame(&fx, 1) == 0);
	fx_release(&fx);
	CU_ASSERT_FATAL(actor_finish(&actor));
	CU_ASSERT(*fx_frame(&fx, 1) == 7);
	CU_ASSERT(!fx_close(&fx));
}

/* One instruction on two pages, with every access of either. */
static void straddle(struct fx *fx, uint64_t page, enum trap_access a, enum trap_access b,
                     bool write)
{
	const uint64_t old = 0x1111111122222222, value = 0x3333333344444444;
	const enum trap_access need = write ? TRAP_WRITE : TRAP_READ;
	uint8_t *at = (uint8_t *)fx_window(fx, page + 1) - 4;
	uint8_t *frame = (uint8_t *)fx_frame(fx, page + 1) - 4;
	struct actor actor = { .op = write ? ACTOR_WRITE_UNALIGNED : ACTOR_READ_UNALIGNED,
		               .addr = at,
		               .value = value };
	uint64_t now;

	CU_ASSERT(!region_frame_prepare(&fx->region, page, 2));
	memcpy(frame, &old, sizeof old);
	CU_ASSERT(!fx_set(fx, page, 1, a));
	CU_ASSERT(!fx_set(fx, page + 1, 1, b));
	fx_hold(fx);
	CU_ASSERT_FATAL(!actor_start(&actor));
	if (a < need || b < need) {
		CU_ASSERT(fx_wait_faults(fx, 1));
		CU_ASSERT(fx_fault(fx, 0).page == (a < need ? page : page + 1) ||
		          fx_fault(fx, 0).page == (b < need ? page + 1 : page));
		memcpy(&now, frame, sizeof now); /* nothing of the store is done */
		CU_ASSERT(now == old);
	}
	fx_release(fx);
	CU_ASSERT_FATAL(actor_finish(&actor));
	memcpy(&now, frame, sizeof now);
	CU_ASSERT(now == (write ? value : old));
	CU_ASSERT(actor.value == (write ? value : old));
	CU_ASSERT(fx_faults(fx) == (unsigned)((a < need) + (b < need)));
}

static void test_straddle(void)
{
	const uint64_t pages = the_case->kind == REGION_PTE ? 2 * REGION_EXTENT_PAGES : 4;
	/* In an extent, and from one extent to the next (2 MiB pages are one each). */
	const uint64_t first[] = { 0, the_case->kind == REGION_PTE ? REGION_EXTENT_PAGES - 1 : 1 };
	struct fx fx;

	CU_ASSERT_FATAL(!fx_open(&fx, pages));
	for (unsigned i = 0; i < 2; i++) {
		for (int mix = 0; mix < 9; mix++) {
			straddle(&fx, first[i], mix / 3, mix % 3, false);
			straddle(&fx, first[i], mix / 3, mix % 3, true);
		}
	}
	CU_ASSERT(!fx_close(&fx));
}

/* The kernel reads from, or writes to, two pages whose access is too little. */
static void system_call(struct fx *fx, int in, int out, bool file, enum trap_access a,
                        enum trap_access b)
{
	enum { LEN = 200 };
	uint8_t *at = (uint8_t *)fx_window(fx, 3) - LEN / 2;
	uint8_t *frame = (uint8_t *)fx_frame(fx, 3) - LEN / 2;
	struct iovec vec[2] = { { at, LEN / 2 }, { at + LEN / 2, LEN / 2 } };
	uint8_t data[LEN];

	CU_ASSERT(!region_frame_prepare(&fx->region, 2, 2));
	for (int i = 0; i < LEN; i++)
		frame[i] = (uint8_t)(i + a + b * 3 + 1);
	memcpy(data, frame, LEN);

	/* write(2): the kernel reads the window. */
	CU_ASSERT(!fx_set(fx, 2, 1, a));
	CU_ASSERT(!fx_set(fx, 3, 1, b));
	fx_forget(fx);
	CU_ASSERT((file ? pwrite(out, at, LEN, 0) : write(out, at, LEN)) == LEN);
	CU_ASSERT(fx_faults(fx) == (unsigned)((a < TRAP_READ) + (b < TRAP_READ)));

	/* readv(2): the kernel writes it. The frame is wiped; what was written comes back. */
	memset(frame, 0, LEN);
	CU_ASSERT(!fx_set(fx, 2, 1, a));
	CU_ASSERT(!fx_set(fx, 3, 1, b));
	fx_forget(fx);
	CU_ASSERT((file ? preadv(in, vec, 2, 0) : readv(in, vec, 2)) == LEN);
	CU_ASSERT((fx_faults(fx) != 0) == (a < TRAP_WRITE || b < TRAP_WRITE));
	CU_ASSERT(!memcmp(frame, data, LEN));
}

static void test_system_calls(void)
{
	int fd[2], file = memfd_create("file", MFD_CLOEXEC);
	struct fx fx;

	CU_ASSERT_FATAL(file >= 0 && !pipe(fd));
	CU_ASSERT_FATAL(!fx_open(&fx, 8));
	for (int mix = 0; mix < 9; mix++) {
		system_call(&fx, fd[0], fd[1], false, mix / 3, mix % 3);
		system_call(&fx, file, file, true, mix / 3, mix % 3);
	}
	CU_ASSERT(!fx_close(&fx));
	close(fd[0]);
	close(fd[1]);
	close(file);
}

static void answer_refuse(struct fx *fx, const struct trap_fault *fault)
{
	int r = fx->ops->refuse(fx->trap, fault->page, 0);

	if (r && !fx->error)
		fx->error = r;
}

static void expect_efault(struct fx *fx, ssize_t n, unsigned faults)
{
	CU_ASSERT(n == -1 && errno == EFAULT);
	CU_ASSERT(fx_faults(fx) == faults);
	fx_forget(fx);
}

static void answer_by(struct fx *fx, void (*answer)(struct fx *, const struct trap_fault *))
{
	pthread_mutex_lock(&fx->lock);
	fx->answer = answer;
	pthread_mutex_unlock(&fx->lock);
}

/* Whatever the page was before, the call that waits for it fails, and so do those that follow,
 * until it has an access again. */
static void test_refused(void)
{
	uint64_t value = 7;
	struct fx fx;
	int fd[2];

	CU_ASSERT_FATAL(!pipe(fd));
	CU_ASSERT_FATAL(!fx_open(&fx, 8));
	CU_ASSERT_FATAL(write(fd[1], &value, sizeof value) == sizeof value);
	CU_ASSERT(!region_frame_prepare(&fx.region, 3, 1));
	for (enum trap_access a = TRAP_NONE; a <= TRAP_READ; a++) {
		CU_ASSERT(!fx_set(&fx, 3, 1, TRAP_WRITE));
		CU_ASSERT(!fx_set(&fx, 3, 1, a));
		answer_by(&fx, answer_refuse);
		fx_forget(&fx);
		expect_efault(&fx, read(fd[0], fx_window(&fx, 3), sizeof value), 1);
		expect_efault(&fx, read(fd[0], fx_window(&fx, 3), sizeof value), 0);
		expect_efault(&fx, write(fd[1], fx_window(&fx, 3), sizeof value), 0);
		CU_ASSERT(fx_get(&fx, 3) == TRAP_NONE);
		CU_ASSERT(!fx_set(&fx, 3, 1, TRAP_NONE));
		answer_by(&fx, fx_answer_grant);
		*fx_frame(&fx, 3) = 5;
		CU_ASSERT(write(fd[1], fx_window(&fx, 3), sizeof value) == sizeof value);
		CU_ASSERT(read(fd[0], fx_window(&fx, 3), sizeof value) == sizeof value);
		CU_ASSERT(*fx_frame(&fx, 3) == (a == TRAP_NONE ? 7 : 5));
	}
	CU_ASSERT(!fx_close(&fx));
	close(fd[0]);
	close(fd[1]);
}

static void answer_refuse_for_ever(struct fx *fx, const struct trap_fault *fault)
{
	int r = fx->ops->refuse(fx->trap, fault->page, 1);

	if (r && !fx->error)
		fx->error = r;
}

/* For ever, unless somebody says otherwise. By poison, or (engine wp) without it. */
static void refuse_and_admit(bool no_poison)
{
	uint64_t value = 7;
	struct fx fx;
	int fd[2];

	CU_ASSERT_FATAL(!pipe(fd));
	CU_ASSERT_FATAL(!fx_open(&fx, 8));
	base_of(fx.trap)->no_poison = no_poison;
	CU_ASSERT_FATAL(write(fd[1], &value, sizeof value) == sizeof value);
	CU_ASSERT(!region_frame_prepare(&fx.region, 2, 3));
	for (int again = 0; again < 2; again++) {
		answer_by(&fx, answer_refuse_for_ever);
		fx_forget(&fx);
		expect_efault(&fx, read(fd[0], fx_window(&fx, 3), sizeof value), 1);
		expect_efault(&fx, write(fd[1], fx_window(&fx, 3), sizeof value), 0);
		answer_by(&fx, fx_answer_grant);
		fx_forget(&fx);
		CU_ASSERT(!fx.ops->admit(fx.trap, 3));
		CU_ASSERT(fx_get(&fx, 3) == TRAP_NONE);
		*fx_frame(&fx, 3) = 5;
		CU_ASSERT(write(fd[1], fx_window(&fx, 3), sizeof value) == sizeof value);
		CU_ASSERT(fx_faults(&fx) == 1);
		CU_ASSERT(read(fd[0], fx_window(&fx, 3), sizeof value) == sizeof value);
		CU_ASSERT(*fx_frame(&fx, 3) == (again ? 5 : 7));
		/* What is beside it has not noticed. */
		*fx_window(&fx, 2) = *fx_window(&fx, 4) = 1;
		CU_ASSERT(*fx_frame(&fx, 2) == 1 && *fx_frame(&fx, 4) == 1);
		CU_ASSERT(!fx_set(&fx, 3, 1, TRAP_NONE));
	}
	CU_ASSERT(!fx_close(&fx));
	close(fd[0]);
	close(fd[1]);
}

static void test_admitted(void)
{
	refuse_and_admit(false);
	if (!strcmp(the_case->ops->name, "wp"))
		refuse_and_admit(true);
}

CU_TestInfo conf_access_tests[] = {
	{ "all transitions, one thread", test_transitions_one },
	{ "all transitions, many threads", test_transitions_many },
	{ "a fault that is stale", test_fault_is_stale },
	{ "one access on two pages", test_straddle },
	{ "system calls on cold and read-only pages", test_system_calls },
	{ "a page that is refused", test_refused },
	{ "a page that was refused is admitted", test_admitted },
	CU_TEST_INFO_NULL,
};
