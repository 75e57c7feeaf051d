/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls of dsm.h, one by one, on any number of nodes. Run under dsmctl run. */
#include "tests/system/api.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct thread {
	void (*body)(unsigned n);
	unsigned n;
};

static void *run(void *arg)
{
	struct thread *thread = arg;

	thread->body(thread->n);
	return NULL;
}

void api_threads(void (*body)(unsigned n))
{
	struct thread thread[API_THREADS];
	pthread_t id[API_THREADS];

	for (unsigned i = 0; i < API_THREADS; i++) {
		thread[i] = (struct thread){ body, (unsigned)node.rank * API_THREADS + i };
		CHECK(!pthread_create(&id[i], NULL, run, &thread[i]));
	}
	for (unsigned i = 0; i < API_THREADS; i++)
		CHECK(!pthread_join(id[i], NULL));
}

static void api_identity(void)
{
	struct dsm_config config = DSM_CONFIG_INIT;
	dsm_t *second = NULL;

	CHECK(node.rank >= 0 && node.rank < node.size);
	CHECK(strlen(dsm_provider(node.dsm)) > 0);
	EXPECT(DSM_ERR_ACTIVE, dsm_init(&config, &second));
	CHECK(!second);
	CHECK(strlen(dsm_init_error()) > 0);
	OK(dsm_fini(NULL));
	/* Every code has a text of its own. */
	for (int code = DSM_ERR_LOST; code <= DSM_ERR_ACTIVE; code++)
		CHECK(strcmp(dsm_strerror(code), dsm_strerror(-9999)));
	CHECK(strcmp(dsm_strerror(DSM_ERR_LOST), dsm_strerror(DSM_ERR_LIMIT)));
	CHECK(dsm_strerror(0) && dsm_strerror(-9999) && dsm_strerror(DSM_ERR_INVAL));
}

void api_stats(void)
{
	static const char untouched = 0x5a;
	uint64_t *page = node_shared("stats", PAGE, PAGE);
	struct dsm_stats before, after;
	char part[sizeof before];
	int writer = (node.rank + 1) % node.size;

	for (int rank = 0; rank < node.size; rank++) {
		/* Somebody else writes; our load and our store each have to fetch or ask. */
		if (node.size > 1 && node.rank == (rank + 1) % node.size)
			page[0] = (uint64_t)rank + 100;
		node_barrier();
		if (node.size > 1 && node.rank == rank) {
			OK(dsm_get_stats(node.dsm, &before, sizeof before));
			CHECK(*(volatile uint64_t *)&page[0] == (uint64_t)rank + 100);
			page[0] = 7;
			OK(dsm_get_stats(node.dsm, &after, sizeof after));
			CHECK(after.faults > before.faults);
			CHECK(after.read_misses + after.write_misses + after.upgrades >
			      before.read_misses + before.write_misses + before.upgrades);
			CHECK(after.pages_fetched + after.grants_empty >
			      before.pages_fetched + before.grants_empty);
			CHECK(after.messages_sent > before.messages_sent || writer == node.rank);
			CHECK(after.fault_ns_total > before.fault_ns_total);
		}
		node_barrier();
	}
	/* A caller built against an older, shorter struct gets that much only. */
	memset(part, untouched, sizeof part);
	OK(dsm_get_stats(node.dsm, (struct dsm_stats *)part, 16));
	for (size_t i = 16; i < sizeof part; i++)
		CHECK(part[i] == untouched);
	node_unshare("stats", page);
}

/* Pages that were asked for ahead are there when they are read. */
void api_prefetch(void)
{
	enum { PAGES = 100 };
	uint64_t(*block)[512] = node_shared("prefetch", PAGES * PAGE, PAGE);
	struct dsm_stats before, now;
	uint64_t end = node_now_ns() + 10000000000u;
	int outside;

	if (node.rank == 0)
		for (uint64_t i = 0; i < PAGES; i++)
			block[i][5] = i + 1;
	node_barrier();
	if (node.rank == node.size - 1 && node.size > 1) {
		OK(dsm_get_stats(node.dsm, &before, sizeof before));
		do {
			/* A hint: where it finds no room it does less, so ask until all came. */
			OK(dsm_prefetch(node.dsm, block, PAGES * PAGE));
			OK(dsm_get_stats(node.dsm, &now, sizeof now));
			if (node_now_ns() > end)
				node_fail("only %llu of %u pages came",
				          (unsigned long long)(now.pages_fetched -
				                               before.pages_fetched),
				          PAGES);
		} while (now.pages_fetched - before.pages_fetched < PAGES);
		CHECK(now.prefetched > before.prefetched);
		for (uint64_t i = 0; i < PAGES; i++)
			CHECK(block[i][5] == i + 1);
		OK(dsm_get_stats(node.dsm, &now, sizeof now));
		CHECK(now.read_misses - before.read_misses <= PAGES / 10);
	}
	OK(dsm_prefetch(node.dsm, block, 0));
	EXPECT(DSM_ERR_INVAL, dsm_prefetch(node.dsm, &outside, 4));
	EXPECT(DSM_ERR_INVAL, dsm_prefetch(node.dsm, block, SIZE_MAX));
	node_unshare("prefetch", block);
}

/* The turn goes round; whoever waits for it looks, and never sleeps. */
void api_spin(void)
{
	enum { ROUNDS = 5 };
	int *turn = node_shared("spin", PAGE, PAGE);

	for (int round = 0; round < ROUNDS; round++) {
		while (__atomic_load_n(turn, __ATOMIC_ACQUIRE) != round * node.size + node.rank)
			;
		__atomic_add_fetch(turn, 1, __ATOMIC_RELEASE);
	}
	node_unshare("spin", turn);
}

static const struct {
	const char *name;
	void (*run)(void);
} parts[] = {
	{ "identity", api_identity },
	{ "memory", api_memory },
	{ "names", api_names },
	{ "barrier", api_barrier },
	{ "mutex", api_mutex },
	{ "mutex_order", api_mutex_order },
	{ "cond", api_cond },
	{ "many", api_many_waiters },
	{ "atomics", api_atomics },
	{ "prefetch", api_prefetch },
	{ "pin", api_pin },
	{ "pin_huge", api_pin_huge },
	{ "stats", api_stats },
	{ "spin", api_spin },
	{ "mutex_limit", api_mutex_limit },
};

/* All parts but the one that needs huge pages, or the one that is named. */
int main(int argc, char **argv)
{
	unsigned run_parts = 0;

	node_join("api", 300);
	for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++) {
		uint64_t begin = node_now_ns();

		if (argc > 1 ? strcmp(argv[1], parts[i].name) : parts[i].run == api_pin_huge)
			continue;
		run_parts++;
		node_barrier();
		parts[i].run();
		node_barrier();
		if (node.rank == 0)
			printf("api: %d nodes over %s: %-11s passed, %.2f s\n", node.size,
			       dsm_provider(node.dsm), parts[i].name,
			       (double)(node_now_ns() - begin) / 1e9);
	}
	CHECK(run_parts > 0);
	node_leave();
	return 0;
}
