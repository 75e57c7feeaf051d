/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dsm_place: variables of all nodes become one, in place, with what rank 0 had in them. Stores and
 * loads, atomics, waits, pins, names and system calls work there as elsewhere in the region, pages
 * beside them, too, and what stays behind at the old address is an error.
 */
#include "dsm/dsm_place.h"

#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dsm/dsm_futex.h"
#include "dsm/dsm_sync.h"
#include "tests/system/node.h"

#define PAGE 4096
#define ROUNDS 300

/* What the linker has placed. Several pages, of which the last is not full of anything. */
static struct variables {
	_Alignas(PAGE) uint64_t given[PAGE / 8];
	_Alignas(PAGE) _Atomic uint64_t sum;
	_Alignas(PAGE) struct dsm_sync_mutex mutex;
	uint64_t guarded;
	_Alignas(PAGE) uint32_t word;
	_Alignas(PAGE) unsigned char bytes[3 * PAGE];
	_Alignas(PAGE) uint64_t seen[64];
} vars = { .given = { 1 } };

static sigjmp_buf back;

static void on_signal(int number)
{
	siglongjmp(back, number);
}

/* The signal that a store gets, or 0. */
static int store(volatile uint64_t *at)
{
	const struct sigaction ours = { .sa_handler = on_signal };
	struct sigaction before;
	int got;

	CHECK(!sigaction(SIGSEGV, &ours, &before));
	got = sigsetjmp(back, 1);
	if (got == 0)
		*at = 1;
	CHECK(!sigaction(SIGSEGV, &before, NULL));
	return got;
}

static void place(unsigned char *block)
{
	if (node.rank == 0) {
		for (unsigned i = 0; i < PAGE / 8; i++)
			vars.given[i] = i + 7;
		memset(vars.bytes, 0x5a, sizeof vars.bytes);
		memcpy(block, &vars, sizeof vars);
	} else {
		vars.given[3] = 99; /* what others had is gone */
	}
	EXPECT(DSM_ERR_INVAL, dsm_place(node.dsm, block + 1, PAGE, &vars));
	EXPECT(DSM_ERR_INVAL, dsm_place(node.dsm, block, sizeof vars, (char *)&vars + 8));
	EXPECT(DSM_ERR_INVAL, dsm_place(node.dsm, block, 0, &vars));
	EXPECT(DSM_ERR_INVAL, dsm_place(node.dsm, block, sizeof vars, block));
	EXPECT(DSM_ERR_INVAL, dsm_place(node.dsm, &vars, sizeof vars, &vars));
	if (node.rank == 0) {
		OK(dsm_pin(node.dsm, block, PAGE, DSM_PIN_WRITE));
		EXPECT(DSM_ERR_BUSY, dsm_place(node.dsm, block, sizeof vars, &vars));
		OK(dsm_unpin(node.dsm, block, PAGE));
	}
	node_barrier();
	OK(dsm_place(node.dsm, block, sizeof vars, &vars));
	EXPECT(DSM_ERR_INVAL, dsm_place(node.dsm, block, sizeof vars, &vars));
	for (unsigned i = 0; i < PAGE / 8; i++)
		CHECK(vars.given[i] == i + 7);
	for (unsigned i = 0; i < sizeof vars.bytes; i++)
		CHECK(vars.bytes[i] == 0x5a);
}

/* All write where all write: pages go round. */
static void take_turns(void)
{
	struct timespec none = { 0, 0 };

	for (unsigned i = 0; i < ROUNDS; i++) {
		atomic_fetch_add(&vars.sum, 1);
		OK(dsm_sync_mutex_lock(node.dsm, &vars.mutex));
		vars.guarded++;
		OK(dsm_sync_mutex_unlock(node.dsm, &vars.mutex));
		OK(dsm_fetch_add64(node.dsm, (uint64_t *)&vars.seen[0], 1, NULL));
		vars.seen[1 + node.rank]++;
		if (i % 64 == 0)
			nanosleep(&none, NULL);
	}
	node_barrier();
	CHECK(atomic_load(&vars.sum) == (uint64_t)ROUNDS * node.size);
	CHECK(vars.guarded == (uint64_t)ROUNDS * node.size);
	CHECK(vars.seen[0] == (uint64_t)ROUNDS * node.size);
	for (int i = 0; i < node.size; i++)
		CHECK(vars.seen[1 + i] == ROUNDS);
	node_barrier();
}

static void wait_for_word(void)
{
	if (node.rank == 0) {
		__atomic_store_n(&vars.word, 1, __ATOMIC_SEQ_CST);
		OK(dsm_futex_wake(node.dsm, &vars.word, UINT32_MAX, NULL));
	}
	while (!__atomic_load_n(&vars.word, __ATOMIC_SEQ_CST)) {
		const int rc = dsm_futex_wait(node.dsm, &vars.word, 0, -1);

		CHECK(rc == 0 || rc == DSM_ERR_CHANGED);
	}
	node_barrier();
}

/* A page of it pinned, and written to by the kernel, on one node after the other. */
static void by_system_calls(void)
{
	for (int rank = 0; rank < node.size; rank++) {
		int fd[2];

		if (rank == node.rank) {
			unsigned char *at = vars.bytes + PAGE / 2;

			OK(dsm_prefetch(node.dsm, vars.bytes, sizeof vars.bytes));
			OK(dsm_pin(node.dsm, at, 2 * PAGE, DSM_PIN_WRITE));
			CHECK(pipe(fd) == 0);
			CHECK(write(fd[1], at, PAGE) == PAGE);
			memset(at, rank, PAGE);
			CHECK(read(fd[0], at, PAGE) == PAGE);
			CHECK(at[0] == (rank ? rank - 1 + 100 : 0x5a) && at[PAGE - 1] == at[0]);
			memset(at, rank + 100, PAGE);
			close(fd[0]);
			close(fd[1]);
			OK(dsm_unpin(node.dsm, at, 2 * PAGE));
		}
		node_barrier();
	}
}

/* At the old address nothing is any more; beside it all is as it was. */
static void old_address(unsigned char *block, size_t bytes)
{
	uint64_t *beside = (uint64_t *)(block + sizeof vars), old;
	void *found, *start;
	size_t len;

	CHECK(store((uint64_t *)(block + PAGE)) == SIGSEGV);
	EXPECT(DSM_ERR_INVAL, dsm_fetch_add64(node.dsm, (uint64_t *)block, 1, &old));
	EXPECT(DSM_ERR_INVAL, dsm_pin(node.dsm, block, bytes, DSM_PIN_READ));
	EXPECT(DSM_ERR_BUSY, dsm_free(node.dsm, &vars));
	EXPECT(DSM_ERR_NOT_OURS, dsm_free(node.dsm, block));
	for (size_t i = 0; i < (bytes - sizeof vars) / 8; i += 8)
		__atomic_fetch_add(&beside[i], 1, __ATOMIC_SEQ_CST);
	node_barrier();
	for (size_t i = 0; i < (bytes - sizeof vars) / 8; i += 8)
		CHECK(beside[i] == (uint64_t)node.size);
	if (node.rank == 0)
		OK(dsm_publish(node.dsm, "placed", &vars.seen[2]));
	OK(dsm_lookup(node.dsm, "placed", -1, &found));
	CHECK(found == &vars.seen[2]);
	OK(dsm_region(node.dsm, &start, &len));
	CHECK((unsigned char *)start <= block && block + bytes <= (unsigned char *)start + len);
}

int main(void)
{
	const size_t bytes = sizeof vars + 70 * PAGE;
	unsigned char *block;

	node_join("place", 60);
	block = node_shared("block", bytes, 64 * PAGE);
	place(block);
	node_barrier();
	take_turns();
	wait_for_word();
	by_system_calls();
	old_address(block, bytes);
	node_barrier();
	CHECK(vars.given[5] == 12); /* here, so that it is when the job is over */
	node_leave();
	CHECK(vars.given[5] == 12);
	return 0;
}
