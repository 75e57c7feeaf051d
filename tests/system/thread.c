/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dsm_thread.h on any number of nodes: threads on all of them, from all of them, by program and by
 * thread; joined from another node than their creator's, detached, ended by pthread_exit; what they
 * leave, when, and what is refused.
 *
 *	thread [TURNS]            all of it; so many threads one after the other, else 300
 *	thread served             node 0 alone makes threads: the others are in dsm_fini at once
 *	thread lost               the last node dies while node 0 waits for a thread there
 *	thread elsewhere          whether the object must be at the same address, and is not
 *	thread strange            node 0 has another program than the others
 */
#include "dsm/dsm_thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dsm/dsm_bind.h"
#include "dsm/dsm_futex.h"
#include "tests/system/node.h"

#define PAGE 4096
#ifndef CROWD
#define CROWD 64 /* threads of a node at once */
#endif

static struct shared {
	uint64_t sum;
	_Alignas(PAGE) uint32_t go;
	uint32_t waiting;
	_Alignas(PAGE) uint64_t late;
	dsm_thread inner;
} * shared;

static unsigned turns = 300;

static dsm_thread create(int at, void *(*fn)(void *), void *arg)
{
	dsm_thread thread = { 0 };

	OK(dsm_thread_create(node.dsm, at, NULL, fn, arg, &thread));
	CHECK(thread.id);
	return thread;
}

static void *join(dsm_thread thread)
{
	void *value = NULL;

	OK(dsm_thread_join(node.dsm, thread, &value));
	return value;
}

/* --- what threads do --- */

/* The node, from where it can be seen that it is that one. */
static void *where(void *arg)
{
	dsm_thread self = { 0 };

	CHECK(dsm_current() == node.dsm);
	OK(dsm_thread_self(node.dsm, &self));
	CHECK(dsm_thread_node(node.dsm, self) == node.rank);
	return (void *)((uintptr_t)node.rank + (uintptr_t)arg);
}

static void *add(void *arg)
{
	__atomic_fetch_add((uint64_t *)arg, 1, __ATOMIC_SEQ_CST);
	return arg;
}

static void tell_waiting(void)
{
	__atomic_fetch_add(&shared->waiting, 1, __ATOMIC_SEQ_CST);
	OK(dsm_futex_wake(node.dsm, &shared->waiting, UINT32_MAX, NULL));
}

static void wait_to_go(void)
{
	tell_waiting();
	while (!__atomic_load_n(&shared->go, __ATOMIC_SEQ_CST))
		dsm_futex_wait(node.dsm, &shared->go, 0, -1);
}

static void *stay(void *arg)
{
	wait_to_go();
	return arg;
}

static void let_go(void)
{
	__atomic_store_n(&shared->go, 1, __ATOMIC_SEQ_CST);
	OK(dsm_futex_wake(node.dsm, &shared->go, UINT32_MAX, NULL));
}

/* Until so many wait to go. */
static void await(uint32_t many)
{
	uint32_t now;

	while ((now = __atomic_load_n(&shared->waiting, __ATOMIC_SEQ_CST)) < many)
		dsm_futex_wait(node.dsm, &shared->waiting, now, -1);
}

static void again(void)
{
	shared->go = shared->waiting = 0;
	shared->sum = shared->late = 0;
}

/* --- the parts, each done by node 0 --- */

static void everywhere(void)
{
	dsm_thread thread;

	for (int at = 0; at < node.size; at++) {
		thread = create(at, where, (void *)1000);
		CHECK(dsm_thread_node(node.dsm, thread) == at);
		CHECK(join(thread) == (void *)(1000 + (uintptr_t)at));
	}
	for (int i = 0; i < 2 * node.size; i++)
		CHECK(join(create(DSM_ANY_NODE, where, NULL)) ==
		      (void *)(uintptr_t)((node.rank + 1 + i) % node.size));
	CHECK(join(create(node.size - 1, add, &shared->sum)) == &shared->sum);
	CHECK(shared->sum == 1);
}

static void one_after_the_other(void)
{
	again();
	for (unsigned i = 0; i < turns; i++)
		join(create((int)(i % (unsigned)node.size), add, &shared->sum));
	CHECK(shared->sum == turns);
}

/* All wait at the same time, and so have run at the same time. */
static void crowds(void)
{
	static dsm_thread thread[CROWD * 64];
	struct dsm_thread_attr attr = DSM_THREAD_ATTR_INIT;
	const unsigned n = CROWD * (unsigned)node.size;

	again();
	attr.stack_bytes = 128 << 10;
	for (unsigned i = 0; i < n; i++)
		OK(dsm_thread_create(node.dsm, (int)i % node.size, &attr, stay,
		                     (void *)(uintptr_t)(i + 1), &thread[i]));
	await(n);
	EXPECT(DSM_ERR_TIMEDOUT, dsm_thread_timedjoin(node.dsm, thread[n - 1], 0, NULL));
	EXPECT(DSM_ERR_TIMEDOUT, dsm_thread_timedjoin(node.dsm, thread[n - 1], 5, NULL));
	let_go();
	for (unsigned i = n; i-- > 0;)
		CHECK(join(thread[i]) == (void *)(uintptr_t)(i + 1));
}

/* A thread makes one on the next node, whom somebody else joins; and one that it joins itself. */
static void *make_more(void *arg)
{
	const int next = (node.rank + 1) % node.size;

	(void)arg;
	CHECK(join(create(next, add, &shared->sum)) == &shared->sum);
	shared->inner = create(next, where, (void *)500);
	return NULL;
}

static void threads_of_threads(void)
{
	again();
	for (int at = 0; at < node.size; at++) {
		join(create(at, make_more, NULL));
		CHECK(join(shared->inner) == (void *)(500 + (uintptr_t)((at + 1) % node.size)));
	}
	CHECK(shared->sum == (uint64_t)node.size);
}

/* --- how they end --- */

static void *leave(void *arg)
{
	pthread_exit(arg);
}

static void *be_cancelled(void *arg)
{
	(void)arg;
	pthread_cancel(pthread_self());
	pthread_testcancel();
	return NULL;
}

static pthread_key_t key;

/* In its second round, after which others have no more. */
static void on_key(void *arg)
{
	if (arg == &key)
		pthread_setspecific(key, arg ? &shared->late : NULL);
	else
		__atomic_fetch_add((uint64_t *)arg, 1, __ATOMIC_SEQ_CST);
}

static void *have_key(void *arg)
{
	CHECK(!pthread_setspecific(key, &key));
	return arg;
}

static void ends(void)
{
	again();
	for (int at = 0; at < node.size; at++) {
		CHECK(join(create(at, leave, (void *)77)) == (void *)77);
		CHECK(join(create(at, be_cancelled, NULL)) == PTHREAD_CANCELED);
		join(create(at, have_key, NULL));
		CHECK(__atomic_load_n(&shared->late, __ATOMIC_SEQ_CST) == (uint64_t)at + 1);
	}
}

static void *ends_late(void *arg)
{
	wait_to_go();
	tell_waiting();
	return arg;
}

static void detached(void)
{
	struct dsm_thread_attr attr = DSM_THREAD_ATTR_INIT;
	dsm_thread thread, other;

	again();
	attr.flags = DSM_THREAD_DETACHED;
	OK(dsm_thread_create(node.dsm, node.size - 1, &attr, ends_late, NULL, &thread));
	other = create(0, ends_late, NULL);
	EXPECT(DSM_ERR_NOENT, dsm_thread_join(node.dsm, thread, NULL));
	EXPECT(DSM_ERR_NOENT, dsm_thread_detach(node.dsm, thread));
	OK(dsm_thread_detach(node.dsm, other));
	EXPECT(DSM_ERR_NOENT, dsm_thread_join(node.dsm, other, NULL));
	await(2);
	let_go();
	await(4);
}

/* --- what is refused --- */

static void *join_self(void *arg)
{
	dsm_thread self;

	(void)arg;
	OK(dsm_thread_self(node.dsm, &self));
	EXPECT(DSM_ERR_DEADLK, dsm_thread_join(node.dsm, self, NULL));
	EXPECT(DSM_ERR_BUSY, dsm_fini(node.dsm));
	return NULL;
}

struct joined {
	dsm_thread thread;
	int rc;
};

/* Again where the one who wants to see it waiting was there just then. */
static void *join_it(void *arg)
{
	struct joined *j = arg;

	tell_waiting();
	do
		j->rc = dsm_thread_join(node.dsm, j->thread, NULL);
	while (j->rc == DSM_ERR_BUSY);
	return NULL;
}

static void refused(void)
{
	struct dsm_thread_attr attr = DSM_THREAD_ATTR_INIT;
	dsm_thread thread = { 0 }, none = { 0 };
	struct joined *j;
	void *code;

	EXPECT(DSM_ERR_INVAL, dsm_thread_create(node.dsm, node.size, NULL, where, NULL, &thread));
	EXPECT(DSM_ERR_INVAL, dsm_thread_create(node.dsm, -2, NULL, where, NULL, &thread));
	EXPECT(DSM_ERR_INVAL, dsm_thread_create(node.dsm, 0, NULL, NULL, NULL, &thread));
	EXPECT(DSM_ERR_INVAL, dsm_thread_create(node.dsm, 0, NULL, where, NULL, NULL));
	attr.flags = 1u << 30;
	EXPECT(DSM_ERR_INVAL, dsm_thread_create(node.dsm, 0, &attr, where, NULL, &thread));
	attr = (struct dsm_thread_attr)DSM_THREAD_ATTR_INIT;
	attr.size--;
	EXPECT(DSM_ERR_INVAL, dsm_thread_create(node.dsm, 0, &attr, where, NULL, &thread));
	code = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(code != MAP_FAILED);
	EXPECT(DSM_ERR_PROGRAM,
	       dsm_thread_create(node.dsm, 0, NULL, (void *(*)(void *))code, NULL, &thread));
	CHECK(!munmap(code, PAGE));
	CHECK(thread.id == 0);
	EXPECT(DSM_ERR_NOENT, dsm_thread_join(node.dsm, none, NULL));
	EXPECT(DSM_ERR_NOENT, dsm_thread_self(node.dsm, &thread));
	EXPECT(DSM_ERR_INVAL, dsm_thread_node(node.dsm, none));
	thread.id = (uint64_t)7 << 32 | (uint64_t)(node.size - 1) << 16 | 12345;
	EXPECT(DSM_ERR_NOENT, dsm_thread_join(node.dsm, thread, NULL));

	join(create(node.size - 1, join_self, NULL));
	again();
	thread = create(node.size - 1, stay, NULL);
	await(1);
	EXPECT(DSM_ERR_INVAL, dsm_thread_timedjoin(node.dsm, thread, -2, NULL));
	/* Another one on its way to the end of it, from the first node. */
	OK(dsm_alloc(node.dsm, sizeof *j, 0, 0, (void **)&j));
	j->thread = thread;
	none = create(0, join_it, j);
	await(2);
	while (dsm_thread_timedjoin(node.dsm, thread, 0, NULL) != DSM_ERR_BUSY)
		;
	EXPECT(DSM_ERR_BUSY, dsm_thread_detach(node.dsm, thread));
	let_go();
	join(none);
	CHECK(j->rc == 0);
	OK(dsm_free(node.dsm, j));
	EXPECT(DSM_ERR_NOENT, dsm_thread_join(node.dsm, thread, NULL));
	EXPECT(DSM_ERR_NOENT, dsm_thread_detach(node.dsm, thread));
}

/* --- the manner of new threads --- */

/* With the signals blocked that the one in dsm_init had blocked. */
static void *look_at_mask(void *arg)
{
	sigset_t mask;

	CHECK(!pthread_sigmask(SIG_BLOCK, NULL, &mask));
	return (void *)(uintptr_t)(sigismember(&mask, SIGUSR2) == 1 && !sigismember(&mask, SIGINT) &&
	                           !sigismember(&mask, SIGBUS) && arg == NULL);
}

static void manner(void)
{
	for (int at = 0; at < node.size; at++)
		CHECK(join(create(at, look_at_mask, NULL)) == (void *)1);
}

static void all(void)
{
	everywhere();
	one_after_the_other();
	crowds();
	threads_of_threads();
	ends();
	refused();
	manner();
	detached();
}

/* --- other runs --- */

/* Ends long after all programs are in dsm_fini, and has started another one by then. */
static void *last(void *arg)
{
	const struct timespec rest = { .tv_nsec = 50000000 };

	nanosleep(&rest, NULL); /* there is nothing to wait for: no thread may be in dsm_fini's way */
	__atomic_fetch_add(&shared->sum, 1, __ATOMIC_SEQ_CST);
	CHECK(dsm_current() == node.dsm);
	if (arg)
		create((node.rank + 1) % node.size, last, (char *)arg - 1);
	else
		node_say("the last thread, of %llu", (unsigned long long)shared->sum);
	return NULL;
}

static void served(void)
{
	if (node.rank == 0) {
		for (int i = 0; i < 3 * node.size; i++)
			CHECK(join(create(i % node.size, where, NULL)) ==
			      (void *)(uintptr_t)(i % node.size));
		create(node.size - 1, last, (void *)(uintptr_t)node.size);
	}
	OK(dsm_fini(node.dsm));
	exit(0);
}

static void *die(void *arg)
{
	wait_to_go();
	_exit(arg ? 0 : 1);
}

static void lose(void)
{
	dsm_thread thread;
	int rc;

	if (node.rank == 0) {
		thread = create(node.size - 1, die, (void *)1);
		await(1);
		let_go();
		rc = dsm_thread_join(node.dsm, thread, NULL);
		CHECK(rc == DSM_ERR_LOST);
		rc = dsm_thread_create(node.dsm, node.size - 1, NULL, where, NULL, &thread);
		CHECK(rc == DSM_ERR_LOST);
		node_say("lost");
	}
	dsm_fini(node.dsm);
	exit(0);
}

/* Whether with and without being asked to have it at the same address. */
static void elsewhere(void)
{
	struct dsm_thread_attr attr = DSM_THREAD_ATTR_INIT;
	dsm_thread thread;
	int rc;

	attr.flags = DSM_THREAD_SAME_ADDRESS;
	if (node.rank == 0) {
		CHECK(join(create(node.size - 1, where, NULL)) ==
		      (void *)(uintptr_t)(node.size - 1));
		rc = dsm_thread_create(node.dsm, node.size - 1, &attr, where, NULL, &thread);
		CHECK(rc == 0 || rc == DSM_ERR_PROGRAM);
		if (rc == 0)
			join(thread);
		node_say("%s", rc ? dsm_strerror(rc) : "at the same address");
	}
}

static void strange(void)
{
	dsm_thread thread;

	if (node.rank == 0) {
		EXPECT(DSM_ERR_PROGRAM,
		       dsm_thread_create(node.dsm, node.size - 1, NULL, where, NULL, &thread));
		EXPECT(DSM_ERR_PROGRAM,
		       dsm_thread_create(node.dsm, DSM_ANY_NODE, NULL, where, NULL, &thread));
	}
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR2);
	CHECK(!sigprocmask(SIG_BLOCK, &mask, NULL));
	if (*what >= '0' && *what <= '9')
		turns = (unsigned)strtoul(what, NULL, 0);
	CHECK(!pthread_key_create(&key, on_key));
	node_join("thread", 60 + turns / 200);
	shared = node_shared("thread", sizeof *shared, PAGE);
	node_barrier();
	if (!strcmp(what, "served"))
		served();
	if (!strcmp(what, "lost"))
		lose();
	if (!strcmp(what, "elsewhere"))
		elsewhere();
	else if (!strcmp(what, "strange"))
		strange();
	else if (node.rank == 0)
		all();
	node_unshare("thread", shared);
	node_leave();
	return 0;
}
