/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Small alternate stacks, and stacks in shared memory. Faults by signals need little of an
 * alternate stack; all calls work on a stack that lies in the region, and on arguments there, while
 * another node wants the same pages.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "dsm/dsm_sync.h"
#include "dsm/dsm_thread.h"
#include "tests/system/node.h"

#define PAGE 4096
#define PAGES 16
#define TIMES 200
#define LOOPS 3
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define NEED 32768 /* the sanitizer's */
#define STACK ((size_t)512 << 10)
#else
#define NEED 2048 /* bytes of an alternate stack beside the kernel's frame; dsm.7 says so */
#define STACK ((size_t)64 << 10)
#endif

static _Atomic uint64_t (*block)[PAGE / 8];

/* --- an alternate stack --- */

/* Of so many bytes, above a page that nobody may touch. */
static unsigned char *set_alternate(size_t bytes)
{
	size_t whole = (bytes + PAGE - 1) / PAGE * PAGE;
	unsigned char *at = mmap(NULL, PAGE + whole, PROT_READ | PROT_WRITE,
	                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	stack_t stack = { .ss_sp = at + PAGE + whole - bytes, .ss_size = bytes };

	CHECK(at != MAP_FAILED);
	memset(at + PAGE, 0xa5, whole);
	CHECK(!mprotect(at, PAGE, PROT_NONE));
	CHECK(!sigaltstack(&stack, NULL));
	return at + PAGE;
}

static void alternate(void)
{
	unsigned long frame = getauxval(AT_MINSIGSTKSZ);
	size_t bytes = (frame ? frame : 2048) + NEED, whole = (bytes + PAGE - 1) / PAGE * PAGE, clean = 0;
	const unsigned char *at = set_alternate(whole);

	node_barrier();
	for (unsigned i = 0; i < TIMES; i++)
		atomic_fetch_add(&block[i % PAGES][node.rank], 1);
	node_barrier();
	for (unsigned i = 0; i < PAGES; i++)
		for (int rank = 0; rank < node.size; rank++)
			CHECK(atomic_load(&block[i][rank]) == (i < TIMES % PAGES) + TIMES / PAGES);
	while (clean < whole && at[clean] == 0xa5)
		clean++;
	if (node.rank == 0)
		node_say("an alternate stack is used for %zu bytes, the kernel's frame takes %lu",
		         whole - clean, frame);
	if (whole - clean > bytes)
		node_fail("an alternate stack needs %zu bytes, more than %zu", whole - clean, bytes);
}

/* --- a stack in the region --- */

/* What calls are given and give lies there, too. */
struct mine {
	char name[32];
	void *ptr, *found;
	uint64_t old;
	dsm_mutex mutex;
	dsm_cond cond;
	struct dsm_stats stats;
	uint32_t word, woken;
	struct dsm_sync_mutex plain, recursive;
	struct dsm_sync_cond event;
	struct dsm_sync_rwlock rw;
	struct dsm_sync_sem sem;
	struct dsm_sync_barrier barrier;
	struct dsm_sync_once once;
	struct dsm_thread_attr attr;
	dsm_thread thread;
};

static _Atomic(struct mine *) signal_wanted;

/* What the other thread of the node does: with signal delivery a thread cannot be made from a stack
 * in the region, for that is a system call with arguments there. */
static void give_signal(const struct mine *m)
{
	OK(dsm_mutex_lock(node.dsm, m->mutex));
	OK(dsm_cond_signal(node.dsm, m->cond));
	OK(dsm_mutex_unlock(node.dsm, m->mutex));
}

static void call_memory(struct mine *m)
{
	OK(dsm_alloc(node.dsm, 2 * PAGE, 0, 0, &m->ptr));
	OK(dsm_publish(node.dsm, m->name, m->ptr));
	EXPECT(DSM_ERR_EXIST, dsm_publish(node.dsm, m->name, m->ptr));
	OK(dsm_lookup(node.dsm, m->name, -1, &m->found));
	CHECK(m->found == m->ptr);
	EXPECT(DSM_ERR_TIMEDOUT, dsm_lookup(node.dsm, "nothing of that name", 1, &m->found));
	OK(dsm_prefetch(node.dsm, m->ptr, 2 * PAGE));
	OK(dsm_pin(node.dsm, m->ptr, PAGE, DSM_PIN_WRITE));
	OK(dsm_unpin(node.dsm, m->ptr, PAGE));
	OK(dsm_publish(node.dsm, m->name, NULL));
	OK(dsm_free(node.dsm, m->ptr));
	OK(dsm_get_stats(node.dsm, &m->stats, sizeof m->stats));
	CHECK(m->stats.memory_budget > 0);
}

static void call_sync(struct mine *m)
{
	OK(dsm_mutex_create(node.dsm, &m->mutex));
	OK(dsm_cond_create(node.dsm, m->mutex, &m->cond));
	OK(dsm_mutex_lock(node.dsm, m->mutex));
	EXPECT(DSM_ERR_BUSY, dsm_mutex_trylock(node.dsm, m->mutex));
	atomic_store(&signal_wanted, m);
	OK(dsm_cond_wait(node.dsm, m->cond, m->mutex));
	OK(dsm_mutex_unlock(node.dsm, m->mutex));
	while (atomic_load(&signal_wanted))
		;
	OK(dsm_cond_broadcast(node.dsm, m->cond));
	OK(dsm_cond_destroy(node.dsm, m->cond));
	OK(dsm_mutex_destroy(node.dsm, m->mutex));
}

static void call_atomics(struct mine *m)
{
	uint64_t *word = (uint64_t *)&block[0][16], old;
	uint32_t *half = (uint32_t *)&block[0][17 + node.rank], was;

	OK(dsm_fetch_add64(node.dsm, word, 1, &m->old));
	OK(dsm_swap64(node.dsm, (uint64_t *)&block[0][20 + node.rank], 5, &old));
	OK(dsm_compare_swap64(node.dsm, (uint64_t *)&block[0][20 + node.rank], 5, 6, &old));
	CHECK(old == 5);
	OK(dsm_swap32(node.dsm, half, 7, &was));
	OK(dsm_fetch_add32(node.dsm, half, 1, &was));
	CHECK(was == 7);
	OK(dsm_compare_swap32(node.dsm, half, 8, 9, &was));
	CHECK(was == 8);
}

/* For a word on the stack itself. */
static void call_futex(struct mine *m)
{
	m->word = 3;
	EXPECT(DSM_ERR_CHANGED, dsm_futex_wait(node.dsm, &m->word, 4, -1));
	EXPECT(DSM_ERR_TIMEDOUT, dsm_futex_wait(node.dsm, &m->word, 3, 1));
	OK(dsm_futex_wake(node.dsm, &m->word, 1, &m->woken));
	CHECK(m->woken == 0);
}

static void count_call(void *arg)
{
	++*(uint32_t *)arg;
}

/* Which lie on the stack itself. */
static void call_objects(struct mine *m)
{
	const uint64_t soon = node_now_ns() + 1000000;

	for (unsigned i = 0; i < 2; i++)
		OK(dsm_sync_mutex_lock(node.dsm, &m->recursive));
	for (unsigned i = 0; i < 2; i++)
		OK(dsm_sync_mutex_unlock(node.dsm, &m->recursive));
	OK(dsm_sync_mutex_lock(node.dsm, &m->plain));
	EXPECT(DSM_ERR_BUSY, dsm_sync_mutex_trylock(node.dsm, &m->plain));
	EXPECT(DSM_ERR_TIMEDOUT, dsm_sync_mutex_timedlock(node.dsm, &m->plain, soon));
	EXPECT(DSM_ERR_TIMEDOUT, dsm_sync_cond_timedwait(node.dsm, &m->event, &m->plain, soon));
	OK(dsm_sync_cond_signal(node.dsm, &m->event));
	OK(dsm_sync_cond_broadcast(node.dsm, &m->event));
	OK(dsm_sync_mutex_unlock(node.dsm, &m->plain));
	OK(dsm_sync_rwlock_rdlock(node.dsm, &m->rw));
	EXPECT(DSM_ERR_TIMEDOUT, dsm_sync_rwlock_timedwrlock(node.dsm, &m->rw, soon));
	OK(dsm_sync_rwlock_unlock(node.dsm, &m->rw));
	OK(dsm_sync_rwlock_wrlock(node.dsm, &m->rw));
	EXPECT(DSM_ERR_TIMEDOUT, dsm_sync_rwlock_timedrdlock(node.dsm, &m->rw, soon));
	OK(dsm_sync_rwlock_unlock(node.dsm, &m->rw));
	OK(dsm_sync_sem_post(node.dsm, &m->sem));
	OK(dsm_sync_sem_wait(node.dsm, &m->sem));
	EXPECT(DSM_ERR_TIMEDOUT, dsm_sync_sem_timedwait(node.dsm, &m->sem, soon));
	OK(dsm_sync_sem_value(node.dsm, &m->sem, &m->woken));
	EXPECT(DSM_SYNC_LAST, dsm_sync_barrier_wait(node.dsm, &m->barrier));
	m->word = 0;
	m->once.word = 0;
	OK(dsm_sync_once_call(node.dsm, &m->once, count_call, &m->word));
	OK(dsm_sync_once_call(node.dsm, &m->once, count_call, &m->word));
	CHECK(m->word == 1);
}

static void *give_back(void *arg)
{
	return arg;
}

static void call_threads(struct mine *m)
{
	m->attr = (struct dsm_thread_attr)DSM_THREAD_ATTR_INIT;
	m->attr.stack_bytes = STACK;
	for (int at = 0; at < node.size; at++) {
		OK(dsm_thread_create(node.dsm, at, &m->attr, give_back, m, &m->thread));
		CHECK(dsm_thread_node(node.dsm, m->thread) == at);
		OK(dsm_thread_join(node.dsm, m->thread, &m->ptr));
		CHECK(m->ptr == m);
		EXPECT(DSM_ERR_NOENT,
		       dsm_thread_timedjoin(node.dsm, m->thread, 1, &m->ptr));
		EXPECT(DSM_ERR_NOENT, dsm_thread_detach(node.dsm, m->thread));
		EXPECT(DSM_ERR_NOENT, dsm_thread_self(node.dsm, &m->thread));
	}
}

/* All of dsm.h; the pages of this stack are written by another node all the time. */
static void call_all(void)
{
	struct mine m = { .name = "stacks 0",
		          .recursive = DSM_SYNC_RECURSIVE_MUTEX_INIT,
		          .barrier = DSM_SYNC_BARRIER_INIT(1) };

	m.name[7] += (char)node.rank;
	for (unsigned i = 0; i < LOOPS; i++) {
		call_memory(&m);
		call_sync(&m);
		call_futex(&m);
		call_objects(&m);
		call_threads(&m);
		for (unsigned k = 0; k < LOOPS; k++)
			call_atomics(&m);
	}
	OK(dsm_barrier(node.dsm));
	EXPECT(DSM_ERR_INVAL, dsm_fini(node.dsm)); /* its stack would be gone */
}

static ucontext_t back;
static _Atomic int on_stack;

/* Reads all pages of the other node's stack, which it has to ask for again to write them. */
static void *disturb(void *stack)
{
	const struct mine *m;

	while (atomic_load(&on_stack)) {
		for (size_t at = 0; at < STACK; at += PAGE)
			(void)*((volatile char *)stack + at);
		m = atomic_load(&signal_wanted);
		if (m) {
			give_signal(m);
			atomic_store(&signal_wanted, NULL);
		}
	}
	return NULL;
}

static void in_region(void)
{
	char *stacks = node_shared("stacks", STACK * (size_t)node.size, PAGE);
	static ucontext_t there;
	pthread_t thread;

	CHECK(!getcontext(&there));
	there.uc_stack.ss_sp = stacks + STACK * (size_t)node.rank;
	there.uc_stack.ss_size = STACK;
	there.uc_link = &back;
	makecontext(&there, call_all, 0);
	atomic_store(&on_stack, 1);
	CHECK(!pthread_create(&thread, NULL, disturb,
	                      stacks + STACK * (size_t)((node.rank + 1) % node.size)));
	CHECK(!swapcontext(&back, &there));
	atomic_store(&on_stack, 0);
	CHECK(!pthread_join(thread, NULL));
	CHECK(atomic_load(&block[0][16]) == (uint64_t)node.size * LOOPS * LOOPS);
	node_unshare("stacks", stacks);
}

int main(void)
{
	set_alternate(STACK);
	node_join("stacks", 60);
	CHECK(node.size >= 2 && node.size <= 3);
	block = node_shared("block", PAGES * PAGE, PAGE);
	in_region();
	alternate();
	node_unshare("block", block);
	node_leave();
	return 0;
}
