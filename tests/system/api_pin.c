/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dsm_pin and dsm_unpin. Who is kept out by a pin is observed by a thread that is to be
 * blocked for a while: what it does must not have happened when the pin ends, and must
 * happen then.
 */
#include "tests/system/api.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PAGES 160 /* homes of several nodes */
#define WORDS (PAGE / sizeof(uint64_t))

static _Atomic uint64_t (*block)[WORDS];
static size_t page_bytes; /* of the pages that are at block: PAGE, or those of 2 MiB */

static _Atomic uint64_t *page_at(uint64_t page)
{
	return block[page * (page_bytes / PAGE)];
}

/* Long enough for a request that nothing keeps out. */
static void linger(void)
{
	const struct timespec t = { .tv_nsec = 60000000 };

	nanosleep(&t, NULL);
}

/* --- one node --- */

static uint64_t pinned(void)
{
	struct dsm_stats s;

	OK(dsm_get_stats(node.dsm, &s, sizeof s));
	return s.pages_pinned;
}

static void counts_and_errors(void)
{
	char *at = (char *)block, outside;

	CHECK(pinned() == 0);
	OK(dsm_pin(node.dsm, at + 100, 2 * PAGE, DSM_PIN_READ)); /* parts of three pages */
	CHECK(pinned() == 3);
	OK(dsm_pin(node.dsm, at + PAGE, 1, DSM_PIN_READ));
	CHECK(pinned() == 3);
	EXPECT(DSM_ERR_BUSY, dsm_pin(node.dsm, at, 5 * PAGE, DSM_PIN_WRITE));
	CHECK(pinned() == 3);
	EXPECT(DSM_ERR_INVAL, dsm_unpin(node.dsm, at, 4 * PAGE));
	OK(dsm_unpin(node.dsm, at, 3 * PAGE));
	CHECK(pinned() == 1);
	EXPECT(DSM_ERR_INVAL, dsm_unpin(node.dsm, at, PAGE));
	OK(dsm_unpin(node.dsm, at + PAGE, PAGE));
	CHECK(pinned() == 0);
	EXPECT(DSM_ERR_INVAL, dsm_unpin(node.dsm, at + PAGE, PAGE));

	OK(dsm_pin(node.dsm, at, 2 * PAGE, DSM_PIN_WRITE));
	OK(dsm_pin(node.dsm, at, PAGE, DSM_PIN_READ)); /* besides */
	block[0][1] = 1;
	block[1][1] = 1;
	OK(dsm_unpin(node.dsm, at, PAGE));
	OK(dsm_unpin(node.dsm, at, 2 * PAGE));
	CHECK(pinned() == 0);

	OK(dsm_pin(node.dsm, at, 0, DSM_PIN_READ));
	OK(dsm_unpin(node.dsm, at, 0));
	EXPECT(DSM_ERR_INVAL, dsm_pin(node.dsm, at, PAGE, 0));
	EXPECT(DSM_ERR_INVAL, dsm_pin(node.dsm, at, PAGE, 3));
	EXPECT(DSM_ERR_INVAL, dsm_pin(node.dsm, &outside, 1, DSM_PIN_READ));
	EXPECT(DSM_ERR_INVAL, dsm_pin(node.dsm, at, SIZE_MAX, DSM_PIN_READ));
	EXPECT(DSM_ERR_INVAL, dsm_unpin(node.dsm, &outside, 1));
}

/* System calls on pinned pages, whichever way faults are delivered. */
static void system_calls(void)
{
	char text[64], *at = (char *)block + 70 * PAGE - 32;
	int fd[2];

	CHECK(!pipe(fd));
	for (int round = 0; round < 20; round++) {
		memset(text, 'a' + round, sizeof text);
		CHECK(write(fd[1], text, sizeof text) == sizeof text);
		OK(dsm_pin(node.dsm, at, sizeof text, DSM_PIN_WRITE));
		CHECK(read(fd[0], at, sizeof text) == sizeof text);
		OK(dsm_unpin(node.dsm, at, sizeof text));
		OK(dsm_pin(node.dsm, at, sizeof text, DSM_PIN_READ));
		CHECK(write(fd[1], at, sizeof text) == sizeof text);
		OK(dsm_unpin(node.dsm, at, sizeof text));
		CHECK(read(fd[0], text, sizeof text) == sizeof text);
		CHECK(text[0] == 'a' + round && text[63] == 'a' + round);
	}
	close(fd[0]);
	close(fd[1]);
}

/* --- keeping others out --- */

/* What the others do to a page while node 0 has it, and whether they may. */
static const struct attempt {
	const char *what;
	int mode, by; /* by 0: they read, 1: store, 2: add, 3: pin for reading, 4: for writing */
	int waits;
} attempts[] = {
	{ "a load, of a page pinned for reading", DSM_PIN_READ, 0, 0 },
	{ "a store, to a page pinned for reading", DSM_PIN_READ, 1, 1 },
	{ "an addition, to a page pinned for reading", DSM_PIN_READ, 2, 1 },
	{ "a pin for reading, of a page pinned for reading", DSM_PIN_READ, 3, 0 },
	{ "a pin for writing, of a page pinned for reading", DSM_PIN_READ, 4, 1 },
	{ "a load, of a page pinned for writing", DSM_PIN_WRITE, 0, 1 },
	{ "a store, to a page pinned for writing", DSM_PIN_WRITE, 1, 1 },
	{ "an addition, to a page pinned for writing", DSM_PIN_WRITE, 2, 0 },
	{ "a pin for reading, of a page pinned for writing", DSM_PIN_WRITE, 3, 1 },
	{ "a pin for writing, of a page pinned for writing", DSM_PIN_WRITE, 4, 1 },
};

static struct {
	const struct attempt *attempt;
	_Atomic uint64_t *word;
	atomic_int done;
} outsider;

static void *try_it(void *arg)
{
	_Atomic uint64_t *word = outsider.word;

	switch (outsider.attempt->by) {
	case 0: CHECK(atomic_load(word + 8) == 77); break;
	case 1: atomic_fetch_add(word, 1); break;
	case 2: OK(dsm_fetch_add64(node.dsm, (uint64_t *)word, 1, NULL)); break;
	default:
		OK(dsm_pin(node.dsm, (void *)word, 8,
		           outsider.attempt->by == 3 ? DSM_PIN_READ : DSM_PIN_WRITE));
		OK(dsm_unpin(node.dsm, (void *)word, 8));
	}
	atomic_store(&outsider.done, 1);
	return NULL;
}

/* Node 0 pins the page; the last node tries something; told by a page of its own. */
static void attempt(const struct attempt *a, uint64_t page, _Atomic uint64_t *told)
{
	pthread_t thread;
	int mine = node.rank == node.size - 1;

	if (node.rank == 1) { /* it comes from elsewhere, or not */
		page_at(page)[0] = 0;
		page_at(page)[8] = 77;
	}
	node_barrier();
	if (mine && page % 3 == 0)
		CHECK(page_at(page)[8] == 77);
	node_barrier();
	if (node.rank == 0) {
		OK(dsm_pin(node.dsm, (void *)page_at(page), page_bytes, a->mode));
		CHECK(page_at(page)[8] == 77);
	}
	node_barrier();
	if (mine) {
		outsider.attempt = a;
		outsider.word = page_at(page);
		atomic_store(&outsider.done, 0);
		CHECK(!pthread_create(&thread, NULL, try_it, NULL));
		linger();
		if (a->waits && atomic_load(&outsider.done))
			node_fail("page %u: %s, did not wait", (unsigned)page, a->what);
		if (!a->waits)
			pthread_join(thread, NULL); /* or the time is over */
		told[0] = 1;
	}
	if (node.rank == 0) {
		while (!told[0])
			usleep(1000);
		/* What is here is what was here, but for what is done in place. */
		CHECK(page_at(page)[8] == 77);
		CHECK(page_at(page)[0] == (a->mode == DSM_PIN_WRITE && a->by == 2));
		OK(dsm_unpin(node.dsm, (void *)page_at(page), page_bytes));
	}
	if (mine && a->waits)
		pthread_join(thread, NULL);
	node_barrier();
	CHECK(page_at(page)[0] == (a->by == 1 || a->by == 2));
	node_barrier();
	if (mine)
		told[0] = 0;
	node_barrier();
}

/* Of n pages, those of all homes, this node's and others'. */
static void keeps_others_out(uint64_t n, _Atomic uint64_t *told)
{
	for (unsigned i = 0; i < sizeof attempts / sizeof *attempts; i++)
		for (uint64_t page = i % n; page < n; page += 53)
			attempt(&attempts[i], page, told);
}

static void *store_here(void *arg)
{
	atomic_fetch_add((_Atomic uint64_t *)arg + 2, 1);
	atomic_store(&outsider.done, 1);
	return NULL;
}

/* Another node is to write a page that is pinned for reading: then a store of this node comes
 * after that one, and so after the pin. */
static void own_store_waits(uint64_t page, _Atomic uint64_t *told)
{
	int mine = node.rank == node.size - 1;
	pthread_t thread;

	page_at(page)[0] = page_at(page)[2] = 0;
	node_barrier();
	if (node.rank == 0)
		OK(dsm_pin(node.dsm, (void *)page_at(page), page_bytes, DSM_PIN_READ));
	atomic_store(&outsider.done, 0);
	outsider.attempt = &attempts[1];
	outsider.word = page_at(page);
	node_barrier();
	if (mine) {
		CHECK(!pthread_create(&thread, NULL, try_it, NULL));
		linger();
		told[0] = 1;
	}
	if (node.rank == 0) {
		while (!told[0])
			usleep(1000);
		CHECK(!pthread_create(&thread, NULL, store_here, (void *)page_at(page)));
		linger();
		if (atomic_load(&outsider.done) || page_at(page)[0])
			node_fail("page %u was written while it was pinned", (unsigned)page);
		OK(dsm_unpin(node.dsm, (void *)page_at(page), page_bytes));
	}
	if (mine || node.rank == 0)
		pthread_join(thread, NULL);
	node_barrier();
	CHECK(page_at(page)[0] == 1 && page_at(page)[2] == 1);
	node_barrier();
	if (mine)
		told[0] = 0;
	node_barrier();
}

/* A page pinned for reading is written by its own node: nobody else wants to. */
static void own_stores(void)
{
	if (node.rank == 0)
		for (uint64_t page = 0; page < PAGES; page += 21) {
			OK(dsm_pin(node.dsm, &block[page], PAGE, DSM_PIN_READ));
			block[page][3] = page;
			OK(dsm_fetch_add64(node.dsm, (uint64_t *)&block[page][3], 1, NULL));
			CHECK(block[page][3] == page + 1);
			OK(dsm_unpin(node.dsm, &block[page], PAGE));
		}
	node_barrier();
	for (uint64_t page = 0; page < PAGES; page += 21)
		CHECK(block[page][3] == page + 1);
}

/* --- many at once --- */

/* Threads of all nodes pin ranges that overlap, add to words of them by plain accesses under
 * a pin for writing, and see nothing change under one for reading. */
static void pin_and_add(unsigned n)
{
	uint64_t random = 99 + n;

	for (int round = 0; round < 60; round++) {
		uint64_t first = node_random(&random) % (PAGES - 4), sum = 0, again = 0;
		uint64_t count = 1 + node_random(&random) % 4;
		int write = node_random(&random) % 2;
		int rc = dsm_pin(node.dsm, &block[first], count * PAGE,
		                 write ? DSM_PIN_WRITE : DSM_PIN_READ);
		if (rc == DSM_ERR_BUSY && write)
			continue; /* another thread has it for reading */
		OK(rc);
		for (uint64_t page = first; page < first + count; page++) {
			if (write)
				/* Other threads of this node may do the same. */
				atomic_fetch_add(&block[page][n % 100 + 10], 1);
			sum += block[page][5];
		}
		for (uint64_t page = first; page < first + count; page++)
			again += block[page][5];
		CHECK(sum == again);
		OK(dsm_unpin(node.dsm, &block[first], count * PAGE));
		atomic_fetch_add(&block[PAGES + n][0], write ? count : 0);
	}
}

/* --- runs --- */

#define ROW 8 /* pages that are pinned by twos, stored to beside, and read in order */

static _Atomic int pinning;

static void *store_beside(void *arg)
{
	_Atomic uint64_t(*row)[WORDS] = arg;

	while (atomic_load(&pinning))
		for (int k = 0; k < ROW; k++)
			atomic_fetch_add(&row[k][100], 1);
	return NULL;
}

/* Whoever reads pages in order asks for several at once, which may begin with one that is
 * pinned; the other that is being pinned is then among those behind it. */
static void pin_two_of_a_run(uint64_t first, int pinner, _Atomic uint64_t *told)
{
	_Atomic uint64_t(*row)[WORDS] = block + first;
	uint64_t sum = 0;
	pthread_t thread;

	if (node.rank == pinner) {
		atomic_store(&pinning, 1);
		CHECK(!pthread_create(&thread, NULL, store_beside, row));
		for (int i = 0; i < 700; i++) {
			int mode = i % 3 ? DSM_PIN_READ : DSM_PIN_WRITE;
			OK(dsm_pin(node.dsm, row[i % (ROW - 1)], 2 * PAGE, mode));
			OK(dsm_unpin(node.dsm, row[i % (ROW - 1)], 2 * PAGE));
		}
		atomic_store(&pinning, 0);
		pthread_join(thread, NULL);
		atomic_store(told, 1);
	}
	while (!atomic_load(told))
		for (int k = 0; k < ROW; k++)
			sum += row[k][100];
	node_barrier();
	if (node.rank == pinner)
		atomic_store(told, 0);
	node_barrier();
}

/* Whoever has pinned the first page of a run lets go of it when he is told through the one behind
 * it, by who has asked for both. */
static void tell_through_a_run(uint64_t first, int pinner, _Atomic uint64_t *told)
{
	_Atomic uint64_t(*row)[WORDS] = block + first;

	if (node.rank == pinner) {
		OK(dsm_pin(node.dsm, row[0], PAGE, DSM_PIN_WRITE));
		atomic_store(told, 1);
		while (atomic_load(&row[1][101]) != first + 1)
			;
		OK(dsm_unpin(node.dsm, row[0], PAGE));
	} else if (node.rank == (pinner + 1) % node.size) {
		while (!atomic_load(told))
			;
		OK(dsm_prefetch(node.dsm, row[0], 2 * PAGE));
		atomic_store(&row[1][101], first + 1);
	} else if (node.rank == (pinner + 2) % node.size) {
		while (!atomic_load(told))
			;
		CHECK(atomic_load(&row[0][101]) <= first + 1); /* waits in any case */
	}
	node_barrier();
	atomic_store(told, 0);
	node_barrier();
}

/* All of it, on all nodes at once, or not where it does not fit. */
static void all_of_it(void)
{
	struct dsm_stats s;

	OK(dsm_get_stats(node.dsm, &s, sizeof s));
	if (s.memory_budget < PAGES * PAGE) {
		EXPECT(DSM_ERR_NOMEM, dsm_pin(node.dsm, block, PAGES * PAGE, DSM_PIN_READ));
		CHECK(pinned() == 0);
		return;
	}
	OK(dsm_pin(node.dsm, block, PAGES * PAGE, DSM_PIN_READ));
	node_barrier();
	CHECK(pinned() == PAGES);
	OK(dsm_unpin(node.dsm, block, PAGES * PAGE));
	CHECK(pinned() == 0);
}

static void many_at_once(void)
{
	unsigned threads = (unsigned)node.size * API_THREADS;

	api_threads(pin_and_add);
	node_barrier();
	CHECK(pinned() == 0);
	for (unsigned n = 0; n < threads; n++) {
		uint64_t sum = 0;
		for (uint64_t page = 0; page < PAGES; page++)
			sum += block[page][n % 100 + 10];
		CHECK(sum == block[PAGES + n][0]);
	}
}

void api_pin(void)
{
	unsigned threads = (unsigned)node.size * API_THREADS;
	_Atomic uint64_t *told = node_shared("told", PAGE, PAGE);

	page_bytes = PAGE;
	block = node_shared("pin", (PAGES + threads) * PAGE, PAGE);
	for (int rank = 0; rank < node.size; rank++) {
		if (rank == node.rank) {
			counts_and_errors();
			system_calls();
		}
		node_barrier();
	}
	if (node.size > 1) {
		keeps_others_out(PAGES, told);
		for (uint64_t page = 2; page < PAGES; page += 31)
			own_store_waits(page, told);
	}
	own_stores();
	node_barrier();
	for (uint64_t first = 0; first < PAGES; first += 64) /* of another home */
		pin_two_of_a_run(first, 0, told);
	for (uint64_t first = 0; first < PAGES && node.size > 1; first += 16)
		tell_through_a_run(first, (int)(first / 16) % 2, told);
	many_at_once();
	node_barrier();
	all_of_it();
	node_barrier();
	/* What is still pinned ends with the node. */
	if (node.rank == node.size - 1)
		OK(dsm_pin(node.dsm, block, PAGE, DSM_PIN_READ));
	node_barrier();
	CHECK(pinned() == (node.rank == node.size - 1));
	if (node.rank == node.size - 1)
		OK(dsm_unpin(node.dsm, block, PAGE));
	node_barrier();
	node_unshare("pin", (void *)block);
	node_unshare("told", (void *)told);
}

/* What matters of it, on pages of 2 MiB; the nodes need a zone of them (DSM_HUGE). */
void api_pin_huge(void)
{
	_Atomic uint64_t *told = node_shared("told", PAGE, PAGE);
	const uint64_t n = 4;
	char *at;

	page_bytes = HUGE_PAGE;
	block = node_shared_in("pin", n * page_bytes, page_bytes, DSM_HUGE);
	at = (char *)block;
	for (int rank = 0; rank < node.size; rank++) {
		if (rank == node.rank) {
			OK(dsm_pin(node.dsm, at + 100, page_bytes, DSM_PIN_WRITE)); /* parts of two */
			CHECK(pinned() == 2);
			memset(at + 100, rank, page_bytes);
			OK(dsm_unpin(node.dsm, at, 2 * page_bytes));
			CHECK(pinned() == 0);
		}
		node_barrier();
	}
	CHECK(at[100] == node.size - 1 && at[99 + page_bytes] == node.size - 1);
	node_barrier();
	if (node.size > 1) {
		keeps_others_out(n, told);
		for (uint64_t page = 0; page < n; page++)
			own_store_waits(page, told);
	}
	node_unshare("pin", (void *)block);
	node_unshare("told", (void *)told);
}
