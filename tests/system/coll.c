/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls of dsm_coll.h, on any number of nodes. "cost" prints what they take. */
#include "dsm/dsm_coll.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "tests/system/node.h"

#define THREADS 6
#define BLOCK ((size_t)40 << 20) /* coll.sh gives a region that has room for one */

/* All ask at once for what there is room for once, and get it, zeroed. */
static void test_shared(void)
{
	uint64_t *first, *again, *found;

	for (int round = 0; round < 2; round++) {
		OK(dsm_shared(node.dsm, "big", BLOCK, 0, (void **)&first));
		CHECK(first[node.rank] == 0 && first[BLOCK / 8 - 1 - node.rank] == 0);
		node_barrier();
		first[node.rank] = 1 + (uint64_t)node.rank;
		node_barrier();
		for (int i = 0; i < node.size; i++)
			CHECK(first[i] == 1 + (uint64_t)i);
		OK(dsm_shared(node.dsm, "big", 8, 0, (void **)&again));
		OK(dsm_lookup(node.dsm, "big", 0, (void **)&found));
		CHECK(again == first && found == first);
		EXPECT(DSM_ERR_EXIST, dsm_shared(node.dsm, "big", 2 * BLOCK, 0, (void **)&again));
		node_barrier();
		if (node.rank == node.size - 1) {
			OK(dsm_publish(node.dsm, "big", NULL));
			OK(dsm_free(node.dsm, first));
		}
		node_barrier();
	}
}

/* Where the first cannot allocate it the others try, and are told the same; the name stays free. */
static void test_shared_fails(void)
{
	void *at = &at;

	EXPECT(DSM_ERR_NOMEM, dsm_shared(node.dsm, "too big", (size_t)1 << 50, 0, &at));
	EXPECT(DSM_ERR_INVAL, dsm_shared(node.dsm, "flags", 8, 77, &at));
	EXPECT(DSM_ERR_INVAL, dsm_shared(node.dsm, "none", 0, 0, &at));
	EXPECT(DSM_ERR_INVAL, dsm_shared(node.dsm, "", 8, 0, &at));
	EXPECT(DSM_ERR_INVAL, dsm_shared(node.dsm, NULL, 8, 0, &at));
	CHECK(at == &at);
	node_barrier();
	EXPECT(DSM_ERR_NOENT, dsm_lookup(node.dsm, "too big", 0, &at));
	node_barrier();
	OK(dsm_shared(node.dsm, "too big", 100, 0, &at));
	/* A name for something inside of a block is not one of the block. */
	if (node.rank == 0)
		OK(dsm_publish(node.dsm, "inside", (char *)at + 16));
	node_barrier();
	EXPECT(DSM_ERR_EXIST, dsm_shared(node.dsm, "inside", 8, 0, &at));
}

static void *ask(void *out)
{
	OK(dsm_shared(node.dsm, "of threads", 4096, 0, out));
	return NULL;
}

static void *wait_for_it(void *out)
{
	OK(dsm_lookup(node.dsm, "of threads", -1, out));
	return NULL;
}

static void test_shared_by_threads(void)
{
	void *got[THREADS];
	pthread_t id[THREADS];

	for (unsigned i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&id[i], NULL, i % 3 == 2 ? wait_for_it : ask, &got[i]));
	for (unsigned i = 0; i < THREADS; i++)
		CHECK(!pthread_join(id[i], NULL));
	for (unsigned i = 0; i < THREADS; i++)
		CHECK(got[i] == got[0]);
	node_barrier();
}

static void test_integers(void)
{
	const int size = node.size, rank = node.rank, last = size - 1;
	int32_t i32[4] = {rank - 1, INT32_MAX, -rank, rank};
	uint32_t u32[2] = {UINT32_MAX - (uint32_t)rank, 1};
	int64_t i64 = -rank;
	uint64_t u64[7];

	OK(dsm_reduce(node.dsm, i32, 4, DSM_INT32, DSM_SUM));
	CHECK(i32[0] == size * (size - 3) / 2 && i32[2] == -size * (size - 1) / 2);
	CHECK((uint32_t)i32[1] == (uint32_t)INT32_MAX * (uint32_t)size);
	i32[0] = rank - 1;
	OK(dsm_reduce(node.dsm, i32, 1, DSM_INT32, DSM_MIN));
	CHECK(i32[0] == -1);
	i32[0] = -rank - 1;
	OK(dsm_reduce(node.dsm, i32, 1, DSM_INT32, DSM_MAX));
	CHECK(i32[0] == -1);
	OK(dsm_reduce(node.dsm, u32, 2, DSM_UINT32, DSM_MAX));
	CHECK(u32[0] == UINT32_MAX && u32[1] == 1);
	OK(dsm_reduce(node.dsm, &i64, 1, DSM_INT64, DSM_MIN));
	CHECK(i64 == -last);
	for (uint64_t k = 0; k < 7; k++)
		u64[k] = k % 2 ? UINT64_MAX - (uint64_t)rank : (uint64_t)rank * k;
	OK(dsm_reduce(node.dsm, u64, 7, DSM_UINT64, DSM_MAX));
	for (uint64_t k = 0; k < 7; k++)
		CHECK(u64[k] == (k % 2 ? UINT64_MAX : (uint64_t)last * k));
}

/* The same on all nodes and in all runs: added in the order of nodes. */
static void test_doubles(void)
{
	double *value = node_shared("doubles", 64 * sizeof *value * (size_t)node.size, 4096);
	double *mine = value + 64 * node.rank, sum[64];

	for (int k = 0; k < 64; k++)
		mine[k] = 1.0 / (3 + k + 7 * node.rank) * (k % 2 ? 1e16 : -1);
	node_barrier();
	memcpy(sum, value, sizeof sum);
	for (int k = 0; k < 64; k++)
		for (int i = 1; i < node.size; i++)
			sum[k] += value[64 * i + k];
	node_barrier();
	OK(dsm_reduce(node.dsm, mine, 64, DSM_DOUBLE, DSM_SUM)); /* in shared memory */
	CHECK(!memcmp(mine, sum, sizeof sum));
	sum[0] = sum[1] = -1.5 * node.rank;
	OK(dsm_reduce(node.dsm, &sum[0], 1, DSM_DOUBLE, DSM_MIN));
	OK(dsm_reduce(node.dsm, &sum[1], 1, DSM_DOUBLE, DSM_MAX));
	CHECK(sum[0] == -1.5 * (node.size - 1) && sum[1] == 0);
	EXPECT(DSM_ERR_INVAL, dsm_reduce(node.dsm, sum, 65, DSM_DOUBLE, DSM_SUM));
	EXPECT(DSM_ERR_INVAL, dsm_reduce(node.dsm, sum, 0, DSM_DOUBLE, DSM_SUM));
	EXPECT(DSM_ERR_INVAL, dsm_reduce(node.dsm, sum, 1, 0, DSM_SUM));
	EXPECT(DSM_ERR_INVAL, dsm_reduce(node.dsm, sum, 1, DSM_DOUBLE, 4));
	node_unshare("doubles", value);
}

static void test_broadcast(void)
{
	static const size_t length[] = {1, 8, 24, 25, 512};
	unsigned char data[513];

	for (int root = 0; root < node.size; root++)
		for (unsigned i = 0; i < sizeof length / sizeof *length; i++) {
			memset(data, 200 + node.rank, sizeof data);
			if (node.rank == root)
				for (size_t k = 0; k < length[i]; k++)
					data[k] = (unsigned char)(k * 7 + (size_t)root);
			OK(dsm_broadcast(node.dsm, data, length[i], root));
			for (size_t k = 0; k < length[i]; k++)
				CHECK(data[k] == (unsigned char)(k * 7 + (size_t)root));
			CHECK(data[length[i]] == 200 + node.rank);
		}
	EXPECT(DSM_ERR_INVAL, dsm_broadcast(node.dsm, data, 513, 0));
	EXPECT(DSM_ERR_INVAL, dsm_broadcast(node.dsm, data, 8, node.size));
	EXPECT(DSM_ERR_INVAL, dsm_broadcast(node.dsm, data, 8, -1));
}

/* Nodes in different calls are told, and go on. */
static void test_mismatch(void)
{
	int64_t value = 3;

	if (node.size == 1)
		return;
	EXPECT(DSM_ERR_INVAL, dsm_reduce(node.dsm, &value, 1, DSM_INT64,
	                                 node.rank == 0 ? DSM_SUM : DSM_MAX));
	EXPECT(DSM_ERR_INVAL, node.rank == 0 ? dsm_broadcast(node.dsm, &value, 8, 0)
	                                     : dsm_reduce(node.dsm, &value, 1, DSM_INT64, DSM_SUM));
	EXPECT(DSM_ERR_INVAL, dsm_broadcast(node.dsm, &value, 8, node.rank));
	EXPECT(DSM_ERR_INVAL, dsm_broadcast(node.dsm, &value, node.rank ? 8 : 7, 0));
	CHECK(value == 3);
	OK(dsm_reduce(node.dsm, &value, 1, DSM_INT64, DSM_SUM));
	CHECK(value == 3 * node.size);
}

static void *reduce(void *code)
{
	int32_t one = 1;
	int rc = dsm_reduce(node.dsm, &one, 1, DSM_INT32, DSM_SUM);

	CHECK(rc == DSM_ERR_BUSY || (rc == 0 && one == node.size));
	atomic_store((_Atomic int *)code, rc);
	return NULL;
}

/* Two threads of node 0: one is refused, before the others come. A barrier is another matter. */
static void test_busy(void)
{
	_Atomic int *refused = node_shared("refused", sizeof *refused, 0);
	_Atomic int code[2] = {1, 1};
	pthread_t id[2];

	if (node.size == 1)
		return;
	if (node.rank == 0) {
		for (int i = 0; i < 2; i++)
			CHECK(!pthread_create(&id[i], NULL, reduce, &code[i]));
		while (code[0] != DSM_ERR_BUSY && code[1] != DSM_ERR_BUSY)
			;
		*refused = 1;
		node_barrier();
		for (int i = 0; i < 2; i++)
			CHECK(!pthread_join(id[i], NULL));
		CHECK(code[0] == 0 || code[1] == 0);
	} else {
		while (!*refused)
			;
		node_barrier();
		reduce(code);
		CHECK(code[0] == 0);
	}
	node_barrier();
}

/* What was written before is seen after it. */
static void test_order(void)
{
	uint64_t *page = node_shared("order", 4096, 4096), value;

	for (uint64_t i = 1; i < 50; i++) {
		page[node.rank] = i;
		value = i;
		OK(dsm_reduce(node.dsm, &value, 1, DSM_UINT64, DSM_MIN));
		for (int k = 0; k < node.size; k++)
			CHECK(page[k] == i);
		node_barrier();
	}
}

static uint64_t messages(void)
{
	struct dsm_stats now;

	OK(dsm_get_stats(node.dsm, &now, sizeof now));
	return now.messages_sent;
}

/* As many messages as a barrier. */
static void test_messages(void)
{
	enum { ROUNDS = 200, OTHERS = 20 };
	int64_t words[3] = {0};
	uint64_t at[4];

	at[0] = messages();
	for (int i = 0; i < ROUNDS; i++)
		node_barrier();
	at[1] = messages();
	for (int i = 0; i < ROUNDS; i++)
		OK(dsm_reduce(node.dsm, words, 3, DSM_INT64, DSM_SUM));
	at[2] = messages();
	for (int i = 0; i < ROUNDS; i++)
		OK(dsm_broadcast(node.dsm, words, 24, node.size - 1));
	at[3] = messages();
	CHECK(at[2] - at[1] <= at[1] - at[0] + OTHERS && at[3] - at[2] <= at[1] - at[0] + OTHERS);
}

static void print_cost(void)
{
	enum { ROUNDS = 3000 };
	int64_t words[6] = {0};
	uint64_t at[4];

	for (int turn = 0; turn < 3; turn++) {
		at[0] = node_now_ns();
		for (int i = 0; i < ROUNDS; i++)
			node_barrier();
		at[1] = node_now_ns();
		for (int i = 0; i < ROUNDS; i++)
			OK(dsm_reduce(node.dsm, words, 3, DSM_INT64, DSM_SUM));
		at[2] = node_now_ns();
		for (int i = 0; i < ROUNDS; i++)
			OK(dsm_broadcast(node.dsm, words, 24, 0));
		at[3] = node_now_ns();
		if (node.rank == 0)
			printf("us: barrier %.2f, reduce %.2f, broadcast %.2f\n",
			       (double)(at[1] - at[0]) / ROUNDS / 1e3,
			       (double)(at[2] - at[1]) / ROUNDS / 1e3,
			       (double)(at[3] - at[2]) / ROUNDS / 1e3);
	}
}

int main(int argc, char **argv)
{
	node_join("coll", 60);
	if (argc > 1) {
		print_cost();
	} else {
		test_shared();
		test_shared_fails();
		test_shared_by_threads();
		test_integers();
		test_doubles();
		test_broadcast();
		test_mismatch();
		test_busy();
		test_order();
		test_messages();
	}
	node_leave();
}
